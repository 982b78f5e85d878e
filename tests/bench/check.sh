#!/bin/bash
# The benchmark builds, and each program computes the same natively and in the engine. Times are
# printed for whoever reads the log; nothing here depends on them.
# SPDX-License-Identifier: Apache-2.0
set -u
[ -e ../shared/bench/rt.c ] ||
  echo 'SKIP the yardstick programs: ../shared/bench is not there, only our own are run'
result=$(bench/run --passes 1 2>&1) && verdict=PASS || verdict=FAIL
echo "$result"
echo "$result" | sed -nE 's/^ +([0-9.]+) +\(geometric mean\)$/note one pass, ratio to native: \1/p'
echo "$verdict every program gives the same checksum natively and in the engine"
