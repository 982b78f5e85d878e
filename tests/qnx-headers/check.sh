#!/bin/bash
# port/qnx compiled against QNX headers: an SDP's (WRT_QNX_HEADERS=DIR[:DIR...]), else those of
# the simulation, for every release and processor that a compiler is here for.
# SPDX-License-Identifier: Apache-2.0
exec bash "$(dirname "$0")/../sim/headers.sh"
