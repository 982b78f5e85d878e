#!/bin/bash
# The port against QNX headers of each release, and the port made to fall into each trap.
# needs: qnx-sim-7.1 qnx-sim-8.0
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
tests/sim/headers.sh
for release in 7.1 8.0; do
  tests/sim/mutants.sh $release build-qnx-sim-$release 2>/dev/null | sed "s/^\(PASS\|FAIL\) /\1 $release /"
done
