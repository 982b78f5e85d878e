#!/bin/bash
# The port made to fall into each trap of QNX: the test of that trap must fail.
# needs: qnx71 qnx80
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
tests/sim/aarch64.sh
for release in 7.1 8.0; do
  tests/sim/mutants.sh $release build-qnx-sim-$release 2>/dev/null | sed "s/^\(PASS\|FAIL\) /\1 $release /"
done
