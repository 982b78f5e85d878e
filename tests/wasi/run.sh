#!/bin/bash
# tests/wasi/run.sh 'COMMAND...' SOURCE WASM [OPTION...]: runs a program of programs/ as its "run:"
# line says, in a fresh folder, and compares what it says with its "exit:" and "stdout:" lines.
# OPTIONs go to the command first.  SPDX-License-Identifier: Apache-2.0
set -u
command=$1 source=$2 wasm=$3
shift 3

base=$(mktemp -d) || exit 1
trap 'chmod -R u+w "$base"; rm -rf "$base"' EXIT
mkdir -p "$base/one/fixture" "$base/two"
echo -n outside >"$base/secret"
echo -n fixture >"$base/one/fixture/file"
ln -s /etc "$base/one/fixture/absolute"
ln -s /proc/self "$base/one/fixture/proc"
ln -s ../.. "$base/one/fixture/up"
ln -s ../../secret "$base/one/fixture/secret"
ln -s up "$base/one/fixture/chain"

line() { sed -n "s/^ \* $1: \{0,1\}//p" "$source" | head -n 1; }
run=$(line run) expected_exit=$(line exit) expected_output=$(line stdout)
run=${run//TMP2/$base/two} run=${run//TMP/$base/one}
input=
case $run in *'<"'*) input=${run##*<\"} input=${input%\"*} run=${run%%<\"*} ;; esac
run="$run " options=${run%%-- *} arguments=${run#*-- }
eval "set -- \"\$@\" $options \"\$wasm\" $arguments"

printf "$input" | $command "$@" >"$base/output" 2>"$base/errors"
status=$?
cat "$base/errors"
fault() { echo "$(basename "$source"): $1"; exit 1; }
[ "$status" = "${expected_exit:-0}" ] || fault "exit status $status, not ${expected_exit:-0}"
if [ -n "$expected_output" ]; then
  eval "printf $expected_output" >"$base/expected"
  cmp "$base/expected" "$base/output" || fault "another output than $expected_output"
fi
[ "$(cat "$base/secret")" = outside ] || fault 'the file outside was changed'
[ "$(ls "$base" | tr '\n' ' ')" = 'errors expected one output secret two ' ] ||
  [ "$(ls "$base" | tr '\n' ' ')" = 'errors one output secret two ' ] ||
  fault 'something was made outside'
