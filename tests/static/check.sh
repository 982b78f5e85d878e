#!/bin/bash
# Static analysis of the runtime: MISRA C:2012 by cppcheck's addon, clang-tidy's cert and bugprone, gcc's
# analyser. What is there today is listed with its reason in docs/assurance/misra.md and counted in
# tests/static/accepted; a rule that is not there, or one more place than there, fails.
# It takes half an hour the first time (results are kept by file):
# only by name
# SPDX-License-Identifier: Apache-2.0
set -u
tools/install assurance
accepted=tests/static/accepted work=build-static
WRT_GCC=${WRT_GCC:-gcc-12}
mkdir -p $work
rooms='base arena partition memory sync integrity secure'

hold() { # TOOL COUNTS: lines "RULE COUNT" against the accepted ones
  awk -v tool="$1" 'FNR == NR { if ($1 == tool) limit[$2] = $3; next }
    !($1 in limit) { print "FAIL " tool " " $1 ": " $2 " places, accepted are none"; bad = 1; next }
    $2 > limit[$1] { print "FAIL " tool " " $1 ": " $2 " places, accepted are " limit[$1]; bad = 1; next }
    { rules++; places += $2 }
    END { if (!bad) print "PASS " tool ": " places + 0 " places of " rules + 0 " rules, all accepted with a reason" }' \
    $accepted "$2"
}

if tools/misra >$work/misra; then hold misra $work/misra
else echo 'SKIP MISRA: cppcheck or its addon is not installed'; fi

tidy_one() {
  local name=$work/$(tr / _ <<<"$1").tidy
  [ -f "$name" ] && [ -z "$(find "$1" src include -newer "$name" \( -name '*.h' -o -path "$1" \) | head -n 1)" ] && return
  timeout 300 clang-tidy-19 --quiet -checks='-*,cert-*,bugprone-*' "$1" -- -std=gnu11 -Iinclude -Isrc -Iport/linux -Iport/posix 2>/dev/null |
    sed "s|^$PWD/||" | sed -nE 's/^([^ :]+):([0-9]+):[0-9]+: (warning|error): .*\[([a-z0-9.,-]+)\]$/\4 \1:\2/p' |
    sed -E 's/,-warnings-as-errors//' | sort -u >"$name"
}
analyse_one() {
  local name=$work/$(tr / _ <<<"$1").analyser
  [ -f "$name" ] && [ -z "$(find "$1" src include -newer "$name" \( -name '*.h' -o -path "$1" \) | head -n 1)" ] && return
  timeout 300 $WRT_GCC -std=gnu11 -O0 -fanalyzer -Iinclude -Isrc -Iport/linux -Iport/posix -c "$1" -o /dev/null 2>&1 |
    sed -nE 's/^([^ :]+):([0-9]+):[0-9]+: warning: .*\[(CWE-[0-9]+\] \[)?-W(analyzer[a-z-]+)\]$/\4 \1:\2/p' | sort -u >"$name"
}
export -f tidy_one analyse_one
export work WRT_GCC
run_over() { # FILES SUFFIX: clang-tidy and the analyser over them, counted as tidySUFFIX, analyserSUFFIX
  local f tool
  if command -v clang-tidy-19 >/dev/null; then printf '%s\n' $1 | xargs -P "${WRT_JOBS:-$(nproc)}" -I{} bash -c 'tidy_one {}'
  else echo 'SKIP clang-tidy: clang-tidy-19 is not installed'; fi
  printf '%s\n' $1 | xargs -P "${WRT_JOBS:-$(nproc)}" -I{} bash -c 'analyse_one {}'
  for tool in tidy analyser; do
    for f in $1; do cat "$work/$(tr / _ <<<"$f").$tool" 2>/dev/null; done | sort -u >$work/all.$tool$2
    awk '{ n[$1]++ } END { for (r in n) print r, n[r] }' $work/all.$tool$2 | sort >$work/$tool$2
    hold $tool$2 $work/$tool$2
  done
}
run_over "$(for room in $rooms; do ls src/$room/*.c; done)" ''
# The other rooms, without MISRA. The interpreter is one function of macros, which takes each tool an hour: left out.
run_over "$(ls src/capi/*.c src/wasi/*.c src/tenant/*.c src/aot/*.c port/linux/*.c port/posix/*.c src/engine/*.c | grep -v interpret.c)" -outer
missing=$(awk '!/^#/ { print $2 }' $accepted | sort -u | while read -r rule; do
  grep -qwF -- "$rule" docs/assurance/misra.md || echo "$rule"; done)
[ -z "$missing" ] && echo 'PASS each accepted rule has a deviation with its reason' ||
  { printf '%s\n' $missing; echo 'FAIL accepted rules without a deviation'; }
