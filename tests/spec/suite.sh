#!/bin/sh
# suite.sh SUFFIX RUNNER [OPTIONS...]: a whole suite, with the table of skips that are expected.
# SUFFIX: "" for the specification's, "-..." for that of a proposal in a folder beside it.
# WRT_SPEC_SKIPS: another table than skips.txt. Exit status 77: the suite is not there.  SPDX-License-Identifier: Apache-2.0
suite=${WRT_SPEC_SUITE:-../shared/spec}$1
shift
if [ ! -d "$suite" ]; then
  echo "skipped: the test suite $suite is not there (WRT_SPEC_SUITE names another folder)"
  exit 77
fi
runner=$1
shift
exec "$runner" --skips "tests/spec/${WRT_SPEC_SKIPS:-skips.txt}" "$@" "$suite"
