#!/bin/bash
# The fused handlers are made of the handlers of their parts, and keep no result that is read.
# SPDX-License-Identifier: Apache-2.0
set -u
said=$(tools/fuse --check 2>&1)
if [ -z "$said" ]; then echo "PASS bodies.def and fused_nodes.def are made of opcodes.def and fused.def"; exit; fi
printf '%s\n' "$said"
echo "FAIL bodies.def and fused_nodes.def are made of opcodes.def and fused.def"
exit 1
