#!/bin/bash
# Requirements against the tree: docs/assurance/requirements.md.
# SPDX-License-Identifier: Apache-2.0
tools/trace --strict
