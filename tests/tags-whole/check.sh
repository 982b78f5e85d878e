#!/bin/bash
# only by name
# The specification's whole suite with memory tags, under qemu-user: see tests/tags.
# SPDX-License-Identifier: Apache-2.0
WRT_TAGS_SECONDS=3600 exec bash tests/tags/check.sh whole
