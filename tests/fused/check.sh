#!/bin/bash
# The fused handlers are made of the handlers of their parts, and keep no result that is read.
# SPDX-License-Identifier: Apache-2.0
set -u
said=$(tools/fuse --check 2>&1)
if [ -z "$said" ]; then echo "PASS src/engine/bodies.def is made of opcodes.def"; exit; fi
printf '%s\n' "$said"
echo "FAIL src/engine/bodies.def is made of opcodes.def"
exit 1
