#!/bin/bash
# Hours of mixed tenants with restarts, growth, kills and reconfiguration: memory and descriptors
# stay flat. WRT_SOAK_MINUTES: how long (default 60); samples go to .check/soak.csv.
# needs: dev
# only by name
# SPDX-License-Identifier: Apache-2.0
set -u
wrt=$WRT_BUILD/wrt
minutes=${WRT_SOAK_MINUTES:-60}
csv=$PWD/${WRT_SOAK_CSV:-.check/soak.csv}
mkdir -p "$(dirname "$csv")"
work=$(mktemp -d)
server=
finish() { [ -z "$server" ] || kill -KILL "$server" 2>/dev/null; rm -rf "$work"; }
trap finish EXIT
"$wrt" check 2>&1 | grep -q 'no supervisor' && { echo 'SKIP soak: this build has no supervisor'; exit 0; }
for guest in tests/tenant/guests/*.wat; do
  wat2wasm "$guest" -o "$work/$(basename "$guest" .wat).wasm" ||
    { echo "FAIL $guest does not assemble"; exit 1; }
done
cd "$work" || exit 1
export WRT_SOCKET=$work/s
tenants='cyclic sealed confined spinner grower crasher flooder program'
cat >m.ini <<'END'
[supervisor]
control = s
metrics = unix:metrics
memory_max = 256M
[tenant cyclic]
module = tick.wasm
period_us = 5000
restart = always
max_restarts = 0
max = 2M
[tenant sealed]
module = tick.wasm
tier = sealed
period_us = 20000
restart = always
max_restarts = 0
max = 4M
[tenant confined]
module = tick.wasm
tier = process
period_us = 50000
restart = always
backoff_ms = 50
backoff_max_ms = 200
max_restarts = 0
max = 16M
[tenant spinner]
module = spin.wasm
cpu_permille = 20
restart = always
max_restarts = 0
max = 2M
[tenant grower]
module = grow.wasm
cpu_permille = 20
restart = always
backoff_ms = 100
backoff_max_ms = 500
max_restarts = 0
max = 8M
[tenant crasher]
module = crash.wasm
restart = always
backoff_ms = 100
backoff_max_ms = 500
max_restarts = 0
max = 2M
[tenant flooder]
module = flood.wasm
cpu_permille = 20
restart = always
max_restarts = 0
max = 2M
[tenant program]
module = once.wasm
restart = always
backoff_ms = 100
backoff_max_ms = 1000
max_restarts = 0
max = 2M
END
"$wrt" serve m.ini >serve.out 2>serve.err &
server=$!
for _ in $(seq 200); do [ -S s ] && break; sleep 0.1; done
[ -S s ] || { cat serve.err; echo 'FAIL the supervisor does not start'; exit 1; }

value() { sed -n "s/^$2:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$1/status" 2>/dev/null; }
workers() { pgrep -P "$server" 2>/dev/null; }
sample() { # SECONDS: one line of the table
  local rss threads fds
  rss=$(value "$server" VmRSS) threads=$(value "$server" Threads)
  fds=$(ls "/proc/$server/fd" 2>/dev/null | wc -l)
  echo "$1,$rss,$(value "$server" VmSize),$fds,$threads,$(workers | wc -l),$operations" >>"$csv"
}
pick() { set -- $tenants; shift $((RANDOM % $#)); echo "$1"; }
operations=0
echo 'seconds,rss_kib,virtual_kib,descriptors,threads,workers,operations' >"$csv"
end=$((SECONDS + minutes * 60)) next=$SECONDS refused=0
while [ $SECONDS -lt $end ]; do
  tenant=$(pick)
  case $((RANDOM % 6)) in
    0 | 1) "$wrt" restart "$tenant" >>log 2>&1 || refused=$((refused + 1)) ;;
    2) "$wrt" reconfigure "$tenant" >>log 2>&1 || refused=$((refused + 1)) ;;
    3) "$wrt" stop "$tenant" >>log 2>&1; sleep 0.2; "$wrt" restart "$tenant" >>log 2>&1 ;;
    4) for worker in $(workers); do kill -KILL "$worker"; done ;;
    5) "$wrt" status --json >status 2>&1; "$wrt" events --count 1 >events 2>&1 ;;
  esac
  operations=$((operations + 1))
  [ $((operations % 500)) != 0 ] || : >log
  kill -0 "$server" 2>/dev/null || break
  if [ $SECONDS -ge $next ]; then
    sample $((SECONDS))
    next=$((SECONDS + 10))
  fi
  sleep 0.3
done
if ! kill -0 "$server" 2>/dev/null; then
  tail -n 20 serve.err
  echo "FAIL the supervisor lives through $minutes minutes"
  exit 1
fi
"$wrt" status >final 2>&1
grep -c . final >/dev/null && echo "PASS the supervisor lives through $minutes minutes, $operations operations"
sleep 1
kill -TERM "$server"
wait "$server"
code=$?
server=
if [ $code = 0 ]; then echo 'PASS and ends in order, with nothing left in a partition'; else
  tail -n 20 serve.err; echo "FAIL it ends with $code"; fi

# The first quarter is for warming up; then the last quarter must look like the second.
flat() { # COLUMN NAME SLACK
  awk -F, -v c="$1" -v name="$2" -v slack="$3" '
    NR > 1 { v[++n] = $c }
    function most(from, to,   i, m) { for (i = from; i <= to; i++) if (v[i] > m) m = v[i]; return m }
    END {
      if (n < 8) { print "SKIP " name ": fewer than 8 samples"; exit }
      early = most(int(n / 4) + 1, int(n / 2)); late = most(int(3 * n / 4) + 1, n)
      ok = late <= early * (1 + slack) + (slack > 0 ? 128 : 2)
      printf "%s %s stays flat: at most %d in the second quarter, %d in the last\n", ok ? "PASS" : "FAIL", name, early, late
    }' "$csv"
}
flat 2 'resident memory (KiB)' 0.03
flat 3 'virtual memory (KiB)' 0.03
flat 4 'descriptors' 0
flat 5 'threads' 0
