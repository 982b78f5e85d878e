#!/bin/bash
# The models and litmus tests of proofs/; what could not be fetched is skipped, with the reason.
# SPDX-License-Identifier: Apache-2.0
why=$(proofs/install) || echo "SKIP provers: ${why##*$'\n'}"
exec proofs/run
