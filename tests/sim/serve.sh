#!/bin/bash
# tests/sim/serve.sh WRT WORKER GUESTS RELEASE: `wrt serve` on the simulated kernel: tenants of every tier,
# a worker that is killed, and what QNX cannot do, by name and line. Skipped (77) without wat2wasm.
# SPDX-License-Identifier: Apache-2.0
set -u
wrt=$1 worker=$2 guests=$3 release=$4
command -v wat2wasm >/dev/null || { echo 'wat2wasm is not installed'; exit 77; }
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null; rm -rf "$work"' EXIT
for guest in tick spin crash once grow; do
  wat2wasm "$guests/$guest.wat" -o "$work/$guest.wasm" || exit 1
done
cd "$work" || exit 1
fail() { echo "wrong: $1"; cat serve.err; exit 1; }
within() { # SECONDS COMMAND...
  local end=$((SECONDS + $1 + 1))
  shift
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.05; done
}
event() { grep -qE -- "^ *[0-9.]+ +$1" serve.err; }
count() { grep -cE -- "^ *[0-9.]+ +$1" serve.err; }

cat >tenants <<END
[tenant tick]
module = tick.wasm
period_us = 2000
min = 512K
max = 1M
watchdog = heartbeat
watchdog_ms = 60000
[tenant vault]
module = tick.wasm
period_us = 2000
tier = sealed
require = tier
[tenant late]
module = once.wasm
after = tick
[tenant grow]
module = grow.wasm
max = 4M
[tenant apart]
module = tick.wasm
period_us = 5000
tier = process
max = 32M
worker = $worker
require = tier limits memory tasks system-calls
watchdog = heartbeat
watchdog_ms = 60000
restart = always
backoff_ms = 10
max_restarts = 0
[tenant crash]
module = crash.wasm
tier = process
max = 32M
worker = $worker
restart = on-failure
backoff_ms = 10
max_restarts = 2
END
cp tenants m.ini
"$wrt" check m.ini >serve.err 2>&1 || fail 'a good set is refused'
"$wrt" serve --events m.ini >serve.out 2>serve.err &
server=$!
for tenant in tick vault grow apart; do
  within 60 event "$tenant +running" || fail "$tenant does not run"
done
within 60 event 'late +ended' || within 1 event 'late +done' || fail 'a program does not end'
within 60 event 'crash +given up' || fail 'a crashing worker is not told'

# ---- a worker killed, again and again ----
for round in 1 2 3 4 5; do
  before=$(count 'apart +running')
  child=$(pgrep -P "$server" | tail -n 1)
  [ -n "$child" ] || fail 'there is no worker'
  kill -KILL "$child"
  more() { [ "$(count 'apart +running')" -gt "$before" ]; }
  within 60 more || fail "a killed worker does not come back ($round)"
done
! event 'tick +(failed|restart)' || fail 'another tenant noticed'
kill -TERM "$server"
wait "$server"
code=$?
[ $code = 0 ] || fail "it ended with $code"
pgrep -P "$server" >/dev/null && fail 'a worker is left'
server=
for tenant in tick vault; do
  grep -qE "^$tenant: .* [1-9][0-9]+ activations, .* 0 failures, 0 restarts" serve.err ||
    fail "$tenant did not run all the time"
done
grep -qE '^apart: tier process, .* ([5-9]|[1-9][0-9]+) restarts' serve.err || fail 'restarts are not counted'

# ---- what is not there ----
{ printf '[supervisor]\ncontrol = s\nmetrics = 9100\n'; cat tenants; } >n.ini
"$wrt" check n.ini >serve.err 2>&1
[ $? = 252 ] || fail 'sockets are not refused'
grep -q 'n.ini:2: this system has no sockets' serve.err || fail 'control is not refused by its line'
grep -q 'n.ini:3: this build has no HTTP server' serve.err || fail 'metrics is not refused by its line'
"$wrt" serve n.ini >serve.err 2>&1
[ $? = 252 ] || fail 'serve starts all the same'
"$wrt" status >serve.err 2>&1
[ $? = 250 ] || fail 'status does not say that it is unsupported'
sed 's/^require = tier limits.*/require = network/' tenants >r.ini
"$wrt" check r.ini >serve.err 2>&1
[ $? = 252 ] && grep -q 'r.ini:.*requires "network", which is not in force here' serve.err ||
  fail 'a confinement that QNX lacks is not refused by name'
# Adaptive partitions cap a process; what 8.0 has instead does not.
sed 's/^require = tier limits.*/require = cpu\ncpu_permille = 200/' tenants >c.ini
"$wrt" check c.ini >serve.err 2>&1
code=$?
if [ "$release" = 7.1 ]; then
  [ $code = 0 ] || fail 'a share of the processor is not in force'
else
  [ $code = 252 ] && grep -q 'requires "cpu", which is not in force here' serve.err ||
    fail 'a cap that there is not is not refused'
fi
# Memory from a typed pool, in each tier, as far as it reaches.
{ sed 's/^tier = sealed/&\ntyped_pool = \/ram\/tenants/; s/^require = tier limits.*/typed_pool = \/ram\/tenants/' tenants; } >p.ini
QNXSIM_POOL=/ram/tenants:8388608 "$wrt" check p.ini >serve.err 2>&1 || fail 'typed memory is refused'
QNXSIM_POOL=/ram/tenants:4096 "$wrt" check p.ini >serve.err 2>&1 && fail 'a pool that is too small is not noticed'
grep -q 'p.ini:.*tenant vault: ' serve.err || fail 'who has no room in the pool is not named'
"$wrt" check p.ini >serve.err 2>&1
[ $? = 252 ] && grep -q 'p.ini:12: tenant vault: the system has no such typed_pool' serve.err ||
  fail 'a pool that there is not is not refused by its line'
sed "s,^worker = .*,worker = wrt-tenant," tenants >w.ini
"$wrt" check w.ini >serve.err 2>&1
grep -q 'w.ini:2[0-9]: tenant apart: worker is no absolute path' serve.err || fail 'a relative worker'
echo 'all as it should be'
