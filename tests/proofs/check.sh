#!/bin/bash
# The models and litmus tests of proofs/, as far as their tools are installed.
# SPDX-License-Identifier: Apache-2.0
exec proofs/run
