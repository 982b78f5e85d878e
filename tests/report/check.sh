#!/bin/bash
# One page of the last results: .check/report.html. It shows what other checks left, so:
# only by name
# SPDX-License-Identifier: Apache-2.0
set -u
tools/report .check/report.html || { echo 'FAIL the report is made'; exit 1; }
for part in Checks Requirements Coverage Soak Hazards; do
  grep -q "<h[123][^>]*>$part" .check/report.html || { echo "FAIL the report has no $part"; exit 1; }
done
echo 'PASS the report is made: .check/report.html'
