#!/bin/bash
# Host stack of public functions against docs/assurance/stack.md, and that nothing recurses.
# It compiles the whole library (two minutes), so:
# only by name
# SPDX-License-Identifier: Apache-2.0
tools/stack
