#!/bin/bash
# Times of the platform's operations (tests/timing): median, 99.9th percentile and maximum over 10^7 runs,
# alone and under load (on each processor a process that copies memory). Writes the table of
# docs/assurance/timing.md. Times are what this machine showed: nothing fails by them. A quarter of an
# hour or more; WRT_LATENCY_RUNS sets the number.
# only by name
# SPDX-License-Identifier: Apache-2.0
set -u
runs=${WRT_LATENCY_RUNS:-10000000} cc=gcc-12 page=docs/assurance/timing.md
command -v $cc >/dev/null || cc=${WRT_GCC:-gcc}
work=$(mktemp -d)
load=()
finish() { [ ${#load[@]} = 0 ] || kill "${load[@]}" 2>/dev/null; rm -rf "$work"; }
trap finish EXIT
bash tests/timing/build "$work" "$cc" || { echo 'FAIL tests/timing is built'; exit 1; }
pin=
if command -v taskset >/dev/null; then pin="taskset -c $(($(nproc) - 1))"; fi

before=$(cut -d ' ' -f 1 /proc/loadavg)
$pin "$work/timing" latency "$runs" >"$work/alone" || { echo 'FAIL times alone'; exit 1; }
for ((i = 0; i < $(nproc); i++)); do
  dd if=/dev/zero of=/dev/null bs=4M 2>/dev/null &
  load+=($!)
done
$pin "$work/timing" latency "$runs" >"$work/loaded" || { echo 'FAIL times under load'; exit 1; }
"$work/timing" list >"$work/bounds"
echo "PASS times of $(($(wc -l <"$work/alone") - 1)) operations, alone and under load"
[ -n "${WRT_LATENCY_KEEP:-}" ] && cp "$work/alone" "$work/loaded" "$WRT_LATENCY_KEEP"
[ "$runs" -ge 10000000 ] || { cat "$work/alone"; echo 'note times: fewer runs than 10^7, so not recorded'; exit 0; }
{
  sed '/^<!-- table -->$/q' $page
  printf '\n%s, %s processors, %s, by %s; load average before: %s; %s.\n\n' \
    "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -sr)" "$cc" "$before" "$(date -u +%F)"
  echo '| operation | bound by its header | steps | runs | median cycles | median ns | 99.9 % ns | maximum ns | loaded: median | 99.9 % | maximum |'
  echo '|---|---|---|---|---|---|---|---|---|---|---|'
  awk -F ';' 'FILENAME ~ /counts/ { steps[$1] = $2; next } FILENAME ~ /bounds/ { bound[$1] = $2; next }
    FILENAME ~ /loaded/ { loaded[$1] = $3 " | " $4 " | " $5; next }
    { print "| " $1 " | " bound[$1] " | " ($1 in steps ? steps[$1] : "-") " | " $2 " | " $6 " | " $3 " | " $4 " | " $5 " | " loaded[$1] " |" }' \
    tests/timing/counts-gcc-12 "$work/bounds" "$work/loaded" "$work/alone"
} >"$work/page" && cp "$work/page" $page
