#!/bin/bash
# Workers of `wrt serve` killed at 1,000 random moments (WRT_KILLS sets how many); tests/tenant has 50.
# only by name
# needs: dev
# SPDX-License-Identifier: Apache-2.0
set -u
kills=${WRT_KILLS:-1000}
only=kills . tests/tenant/check.sh
