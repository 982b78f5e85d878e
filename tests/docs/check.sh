#!/bin/bash
# What the documents say is so: the README's program is the example that is built and run, the
# exit codes and options are those of the program, links lead somewhere.
# needs: dev
# SPDX-License-Identifier: Apache-2.0
set -u
wrt=$WRT_BUILD/wrt
verdict() { if [ -z "$2" ]; then echo "PASS $1"; else printf '%s\n' "$2"; echo "FAIL $1"; fi; }

verdict 'the program in the README is examples/embed.c' "$(
  diff <(sed -n '/^```c$/,/^```$/{/^```/d;p}' README.md) examples/embed.c 2>&1)"

verdict 'docs/cli.md has the exit codes of wrt --help' "$(
  diff <("$wrt" --help | sed -nE 's/^  ([0-9]+) +(.*)$/\1 \2/p') \
       <(sed -nE 's/^\| ([0-9]+) \| (.*) \|$/\1 \2/p' docs/cli.md) 2>&1)"

verdict 'docs/cli.md has every option of wrt run' "$(
  "$wrt" run --help | sed -nE 's/^  --([a-z-]+).*/\1/p' | while read -r option; do
    [ "$option" = help ] || grep -q -- "^| \`--$option" docs/cli.md || echo "--$option"
  done)"

verdict 'docs/cli.md has every command' "$(
  "$wrt" --help | sed -nE '/^usage/,/^exit/s/^  ([a-z][a-z-]*) .*/\1/p' | while read -r command; do
    grep -q "^    wrt $command" docs/cli.md || echo "$command"
  done)"

verdict 'links between documents lead to files' "$(
  for file in *.md docs/*.md; do
    grep -oE '\]\([^)#]+\)' "$file" | sed 's/^](//; s/)$//' | grep -v '^https\?:' | while read -r to; do
      [ -e "$(dirname "$file")/$to" ] || echo "$file: $to"
    done
  done)"

verdict 'the version is the same everywhere' "$(
  header=$(sed -n 's/.*WRT_VERSION_STRING "\(.*\)"/\1/p' include/wrt/base.h)
  grep -q "VERSION $header " CMakeLists.txt || echo "CMakeLists.txt is not $header"
  grep -q "^## $header" CHANGELOG.md || echo "CHANGELOG.md does not start with $header")"
