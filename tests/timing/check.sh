#!/bin/bash
# Steps of the platform's operations on the worst inputs that we can construct: executed instructions
# by callgrind, against tests/timing/counts-gcc-12 (tests/timing/check.sh --record writes it; times are
# in `./check latency`). And that none of them calls the heap, or the system more often than it says:
# by callgrind, which sees each function, and by a tracer, which stops at each call.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
recorded=tests/timing/counts-gcc-12
cc=gcc-12
if ! command -v $cc >/dev/null || ! command -v valgrind >/dev/null || [ "$(uname -m)" != x86_64 ]; then
  echo 'SKIP steps of operations: the recorded ones are of x86-64 by gcc-12, counted by valgrind'
  exit 0
fi
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
bash tests/timing/build "$work" $cc || { echo 'FAIL tests/timing is built'; exit 1; }

"$work/timing" calls >"$work/calls" 2>"$work/errors"
case $? in
  0)
    awk -F ';' '$1 == "careless" { noticed = $2 == 1; next } $2 > $3 { print "  " $1 ": " $2 " calls of the system, allowed are " $3; bad = 1 }
      END { if (!noticed) print "FAIL a call of the system is noticed"
            print (bad ? "FAIL" : "PASS") " " NR - 1 " operations call the system no more often than they say" }' "$work/calls" ;;
  77) echo 'SKIP calls of the system by operation: tracing is not allowed here' ;;
  *) cat "$work/errors"; echo 'FAIL operations run under a tracer' ;;
esac

valgrind -q --tool=callgrind --collect-atstart=no --combine-dumps=yes --compress-strings=no --compress-pos=no \
  --callgrind-out-file="$work/parts" "$work/timing" count >"$work/log" 2>&1 || {
  tail -n 20 "$work/log"
  echo 'FAIL operations run under callgrind'
  exit 1
}
python3 tests/timing/steps.py "$work/parts" "$work/timing" >"$work/steps"
awk -F ';' '$1 == "careless" { noticed = $4 > 0; next } $4 > 0 { print "  " $1 " calls the heap"; bad = 1 }
  END { if (!noticed) print "FAIL a call of the heap is noticed"
        print (bad ? "FAIL" : "PASS") " " NR - 1 " operations do not call the heap" }' "$work/steps"

if [ "${1:-}" = --record ]; then
  { echo '# NAME;STEPS by gcc 12, x86-64, as it ships. tests/timing/check.sh --record writes this.'
    grep -v '^careless;' "$work/steps" | cut -d ';' -f 1,2; } >$recorded
fi

# A compiler that was changed may move a count a little; what is 5 % and 3 steps above is another thing.
compare() { # RECORDED STEPS
  awk -F ';' '/^#/ || $1 == "careless" { next } FNR == NR { limit[$1] = $2; next }
    !($1 in limit) { print "  " $1 " is not recorded"; bad = 1; next }
    { counted++; most = limit[$1] * 1.05 + 3 }
    $2 > most { print "  " $1 ": " $2 " steps, recorded are " limit[$1]; bad = 1 }
    $2 < limit[$1] * 0.9 - 3 { less++ }
    { delete limit[$1] }
    END { for (name in limit) { print "  " name " is recorded and was not counted"; bad = 1 }
          if (less) print "note steps: " less " operations take a tenth less than recorded: tests/timing/check.sh --record"
          print (bad ? "FAIL" : "PASS") " steps of " counted + 0 " operations are those recorded" }' "$1" "$2"
}
compare $recorded "$work/steps"

# A step in ten more would be noticed.
sed -E '/^#/!s/;([0-9]+)$/ \1/' $recorded | awk '/^#/ { next } { n = $NF; sub(/ [0-9]+$/, ""); print $0 ";" int(n * 0.85) - 5 }' >"$work/lower"
if compare "$work/lower" "$work/steps" | grep -q '^FAIL'; then echo 'PASS more steps than recorded are noticed'
else echo 'FAIL more steps than recorded are noticed'; fi
