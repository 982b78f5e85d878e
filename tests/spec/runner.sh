#!/bin/bash
# runner.sh RUNNER SCRIPT-FOLDER: tests wrt-spectest itself. It plants one fault after the
# other in a good script and expects exactly the failures that the fault causes.
# SPDX-License-Identifier: Apache-2.0
set -u
runner=$1 good=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

note() { echo "FAIL $1: expected $2, got exit status $3 and \"$4\""; bad=1; }

expect() { # NAME STATUS LAST-LINE-PATTERN ARGUMENT...
  local name=$1 status=$2 pattern=$3 out got
  shift 3
  out=$("$runner" "$@" 2>&1)
  got=$?
  [ $got = "$status" ] && [[ ${out##*$'\n'} =~ ^$pattern$ ]] || {
    note "$name" "exit status $status and $pattern" $got "${out##*$'\n'}"
    echo "$out" | head -20
  }
}

plant() { # NAME JQ-FILTER [FAILED-COUNT]: one failure unless said otherwise
  rm -rf "$work/s" && cp -r "$good" "$work/s" && mv "$work/s/basics.json" "$work/s/s.json"
  jq -c "$2" "$good/basics.json" >"$work/s/s.json" || bad=1
  cmp -s "$work/s/s.json" <(jq -c . "$good/basics.json") && { echo "FAIL $1: the filter changes nothing"; bad=1; }
  expect "$1" 1 "[0-9]+ passed, ${3:-1} failed, 1 skipped" "$work/s"
}

at() { echo "(.commands[] | select($1))"; }
field() { at ".action.field == \"$1\""; }

expect 'the good script' 0 '[0-9]+ passed, 0 failed, 1 skipped' "$good"
expect 'the same, byte by byte' 0 '[0-9]+ passed, 0 failed, 1 skipped' --chunk 1 "$good"
expect 'as a file' 0 '[0-9]+ passed, 0 failed, 1 skipped' "$good/basics.json"
expect 'found below' 0 '[0-9]+ passed, 0 failed, 1 skipped' "$good/.."

plant 'another number' "$(field global).expected[0].value = \"667\""
plant 'another type' "$(field global).expected[0].type = \"i64\""
plant 'a missing result' "$(field swap).expected |= .[:1]"
plant 'results in the wrong order' "$(field swap).expected |= reverse"
plant 'a number where a NaN comes' "$(field nan).expected[0].value = \"2143289345\""
plant 'a NaN where a number comes' "$(field half).expected[0].value = \"nan:arithmetic\"" 2
plant 'null where a reference comes' "$(field extern).expected[0].value = \"null\"" 2
plant 'another reference' "$(field extern).expected[0].value = \"3\"" 3
plant 'a reference where null comes' "$(field null).expected[0] = {type: \"funcref\"}"
plant 'another global' "$(at '.action.type == "get"').expected[0].value = \"43\""
plant 'another trap' "$(field stop).text = \"integer overflow\""
plant 'no trap text' "$(field stop) |= del(.text)"
plant 'a trap that does not come' "$(field size_a).type = \"assert_trap\""
plant 'a trap that is not expected' "$(field stop).type = \"assert_return\""
plant 'an action that traps' "$(field stop).type = \"action\""
plant 'a trap that is not exhaustion' "$(field stop).type = \"assert_exhaustion\""
plant 'exhaustion that is not expected' "$(field down).text = \"unreachable\""
plant 'an export that is not there' "$(field global).action.field = \"globe\""
plant 'a call of a global' "$(at '.action.type == "get"').action.type = \"invoke\""
plant 'wrong arguments' "$(field swap).action.args |= reverse"
plant 'an argument too few' "$(field swap).action.args |= .[:1]"
plant 'an argument that is no number' "$(field swap).action.args[0].value = \"one\""
plant 'an argument out of range' "$(field swap).action.args[0].value = \"4294967296\""
plant 'a valid module as invalid' "$(at '.type == "assert_invalid"').filename = \"basics.1.wasm\""
plant 'an invalid module as malformed' "$(at '.type == "assert_invalid"').type = \"assert_malformed\""
plant 'a malformed module as invalid' "$(at '.text == "unknown binary version"').type = \"assert_invalid\""
plant 'a linkable module' "$(at '.text == "unknown import"').filename = \"basics.3.wasm\""
plant 'an unlinkable module' "$(at '.text == "unknown import"').type = \"module\""
plant 'a module that starts' "$(at '.type == "assert_uninstantiable"').filename = \"basics.1.wasm\"" 2
plant 'a missing module' "$(at '.type == "assert_invalid"').filename = \"none.wasm\""
plant 'no filename' "$(at '.type == "assert_invalid"') |= del(.filename)"
plant 'a name of nothing' "$(at '.type == "register"').name = \"\$nothing\"" 3
plant 'an unknown command' "$(at '.type == "register"').type = \"assert_nothing\"" 3
plant 'an exception that does not come' "$(field size_a).type = \"assert_exception\""

mkdir "$work/empty" "$work/t"
expect 'an empty folder' 1 '0 passed, 1 failed, 0 skipped' "$work/empty"
expect 'a path to nothing' 1 '0 passed, 2 failed, 0 skipped' "$work/nothing"
echo '{"commands": 3}' >"$work/t/t.json"
expect 'no commands' 1 '0 passed, 1 failed, 0 skipped' "$work/t"
echo '{"commands": [' >"$work/t/t.json"
expect 'no JSON' 1 '0 passed, 1 failed, 0 skipped' "$work/t"
head -c 100000 /dev/zero | tr '\0' '[' >"$work/t/t.json"
expect 'deep JSON' 1 '0 passed, 1 failed, 0 skipped' "$work/t"
expect 'a skip that nobody expects' 1 '[0-9]+ passed, 1 failed, 1 skipped' --skips /dev/null "$good"
expect 'an unknown option' 2 '.*' --nonsense "$good"
expect 'no arguments' 2 '.*'

[ $bad = 0 ] && echo 'every planted fault was seen'
exit $bad
