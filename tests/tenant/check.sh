#!/bin/bash
# Tenants as their operator meets them: the real `wrt check`, `wrt serve` and the commands that
# talk to it.
# needs: dev
# SPDX-License-Identifier: Apache-2.0
set -u
wrt=$WRT_BUILD/wrt
work=$(mktemp -d)
server=
finish() { [ -z "$server" ] || kill -KILL "$server" 2>/dev/null; rm -rf "$work"; }
trap finish EXIT
here=$PWD
for guest in tests/tenant/guests/*.wat tests/modules/files.wat; do
  wat2wasm "$guest" -o "$work/$(basename "$guest" .wat).wasm" ||
    { echo "FAIL $guest does not assemble"; exit 1; }
done
cd "$work" || exit 1
export WRT_SOCKET=$work/s

"$wrt" check 2>&1 | grep -q 'no supervisor' && { echo 'SKIP tenants: this build has no supervisor'; exit 0; }

verdict() { # TEXT COMMAND...: passes if the command succeeds
  local text=$1
  shift
  if "$@" >detail 2>&1; then echo "PASS $text"; else sed 's/^/  /' detail; echo "FAIL $text"; fi
}
within() { # SECONDS COMMAND...: until it succeeds
  local end=$((SECONDS + $1 + 1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { "$@"; "$wrt" status; "$wrt" events --count 1 | tail -n 20; cat serve.err; return 1; }
    sleep 0.05
  done
}
manifest() { cat >m.ini; }
serve() { # starts in the background and waits for the socket
  # a caller that ignores broken pipes must not hide that we die of one
  env --default-signal=PIPE "$wrt" serve m.ini >serve.out 2>serve.err &
  server=$!
  within 10 test -S s || cat serve.err
}
ended() { ! kill -0 "$server" 2>/dev/null; }
stop() { # ends it in order; true if it said success
  kill -TERM "$server"
  wait "$server"
  local code=$?
  server=
  [ $code = 0 ]
}
field() { "$wrt" status --json | jq -r --arg t "$1" ".tenants[] | select(.name == \$t) | .$2"; }
is() { [ "$(field "$1" "$2")" = "$3" ]; }
over() { [ "$(field "$1" "$2")" -gt "$3" ]; }
event() { "$wrt" events --count 1 | grep -qE -- "$1"; }
. "$here/tests/tenant/kills.sh"
if [ "${only-}" = kills ]; then
  kill_workers "$kills"
  exit 0
fi

# ---- wrt check: what a tenant may ask for is there, in each tier ----
wat2wasm "$OLDPWD/tests/modules/oblivious.wat" -o oblivious.wasm
for tier in software sealed process; do
  manifest <<<"[tenant a]
module = oblivious.wasm
tier = $tier
max = 32M
oblivious = on
clock_resolution_us = 100
clock_jitter = on"
  verdict "tier $tier has oblivious stores and coarse clocks" "$wrt" check m.ini
done

# ---- wrt check: every fault by its line, before anything runs ----
refuses() { # TEXT PATTERN, manifest on standard input
  manifest
  "$wrt" check m.ini >out 2>err
  local code=$?
  verdict "$1" test $code = 252
  verdict "$1: is named with its line" grep -qE -- "$2" err
  # and serve says the same, leaving nothing behind
  "$wrt" serve m.ini >out 2>err
  [ $? = 252 ] && grep -qE -- "$2" err && [ ! -e s ] && [ ! -e metrics ] &&
    echo "PASS $1: serve starts nothing" || { cat err; echo "FAIL $1: serve starts nothing"; }
}
sockets='[supervisor]
control = s
metrics = unix:metrics'
refuses 'a module that is not there' '^wrt: m.ini:5: tenant a: .*/?none.wasm is no file' <<<"$sockets
[tenant a]
module = none.wasm"
zeros=$(printf '0%.0s' $(seq 64))
refuses 'a module with another hash' '^wrt: m.ini:6: tenant a: .*tick.wasm does not have the sha256' <<<"$sockets
[tenant a]
module = tick.wasm
sha256 = $zeros"
refuses 'a module that is not signed' '^wrt: m.ini:6: tenant a: (no signature|this build)' <<<"$sockets
[tenant a]
module = tick.wasm
ed25519_key = $zeros"
head -c 30 tick.wasm >cut.wasm
refuses 'a module cut short' '^wrt: m.ini:5: tenant a: its module: .*at byte' <<<"$sockets
[tenant a]
module = cut.wasm"
refuses 'oblivious stores that were not asked for' '^wrt: m.ini:5: tenant a: nothing provides the import wrt_oblivious.create' <<<"$sockets
[tenant a]
module = oblivious.wasm"
for tier in software process; do
  refuses "index masking that is not built in, tier $tier" '^wrt: m.ini:8: tenant a: this build masks no indexes' <<<"$sockets
[tenant a]
module = tick.wasm
tier = $tier
max = 32M
require = index-masking"
done
if [ "$(nproc --all)" -lt 64 ]; then
  refuses 'processors that are required and not there' '^wrt: m.ini:7: tenant a requires processors' <<<"$sockets
[tenant a]
module = tick.wasm
affinity = 63
require = affinity"
fi
for what in priority affinity; do
  refuses "a $what that is required and not set" "^wrt: m.ini:6: tenant a requires $what and" <<<"$sockets
[tenant a]
module = tick.wasm
require = $what"
done
for tier in software process; do
  refuses "typed memory that there is not, tier $tier" '^wrt: m.ini:8: tenant a: the system has no such typed_pool' <<<"$sockets
[tenant a]
module = tick.wasm
tier = $tier
max = 32M
typed_pool = /ram/nowhere"
done
refuses 'a hostile requirement' "^wrt: m.ini:6: require takes .*not '.x41%n../a'" <<<"$sockets
[tenant a]
module = tick.wasm
require = .x41%n../a"
refuses 'a worker program that is none' '^wrt: m.ini:[0-9]: tenant a: ' <<<"$sockets
[tenant a]
module = tick.wasm
max = 32M
tier = process
worker = /nonexistent/wrt-tenant"
refuses 'jitter without a resolution' '^wrt: m.ini:6: tenant a: clock_jitter without' <<<"$sockets
[tenant a]
module = tick.wasm
clock_jitter = on"
refuses 'an import that nobody provides' '^wrt: m.ini:5: tenant a: nothing provides the import moon.base' <<<"$sockets
[tenant a]
module = stranger.wasm"
refuses 'an entry that is not there' "^wrt: m.ini:5: tenant a: the module exports no function 'step'" <<<"$sockets
[tenant a]
module = spin.wasm
period_us = 1000"
refuses 'a footprint above its maximum' '^wrt: m.ini:6: tenant a: partition a: ' <<<"$sockets
[tenant a]
module = large.wasm
max = 2M"
refuses 'minimums above the whole' '^wrt: m.ini:4: the minimums add up to 12582912 bytes' <<<"$sockets
memory_max = 10M
[tenant a]
module = once.wasm
min = 6M
[tenant b]
module = once.wasm
min = 6M"
refuses 'footprints above the whole' '^wrt: m.ini:4: once instantiated all take' <<<"$sockets
memory_max = 6M
[tenant a]
module = large.wasm
[tenant b]
module = large.wasm"
refuses 'a minimum above the maximum' '^wrt: m.ini:6: tenant a: min 2097152 is above max' <<<"$sockets
[tenant a]
module = once.wasm
min = 2M
max = 1M"
refuses 'a child above its parent' '^wrt: m.ini:7: tenant a: max 20971520 is above the memory_max' <<<"$sockets
memory_max = 10M
[tenant a]
module = once.wasm
max = 20M"
refuses 'processor budgets above what is there' '^wrt: m.ini:1: the processor budgets add up to 1200' <<<"$sockets
processors = 1
[tenant a]
module = once.wasm
cpu_permille = 600
[tenant b]
module = once.wasm
priority = 1
cpu_permille = 600"
refuses 'a directory that is not there' '^wrt: m.ini:6: tenant a: directory .*nowhere: ' <<<"$sockets
[tenant a]
module = once.wasm
directories = nowhere::/data"
refuses 'a socket in a folder that is not there' '^wrt: m.ini:2: the folder of socket' <<<"[supervisor]
control = nowhere/s
[tenant a]
module = once.wasm"
refuses 'dependencies in a circle' '^wrt: m.ini:6: dependencies in a circle: a after b after a' <<<"$sockets
[tenant a]
module = once.wasm
after = b
[tenant b]
module = once.wasm
after = a"
refuses 'an unknown key' "^wrt: m.ini:6: \[tenant\] has no key 'colour'" <<<"$sockets
[tenant a]
module = once.wasm
colour = red"
refuses 'a name given twice' '^wrt: m.ini:6: tenant a was given before, in line 4' <<<"$sockets
[tenant a]
module = once.wasm
[tenant a]
module = once.wasm"
refuses 'a hostile name' '^wrt: m.ini:4: a tenant.s name has' <<<"$sockets
[tenant ../../etc/passwd]
module = once.wasm"
refuses 'a second fault after good tenants' '^wrt: m.ini:7: tenant b: .*none.wasm' <<<"$sockets
[tenant a]
module = once.wasm
[tenant b]
module = none.wasm"
{ echo "$sockets"; yes '; 0123456789012345678901234567890123456789' | head -c 10485760; } >big.ini
"$wrt" check big.ini >out 2>err
verdict 'a manifest of 10 MiB is refused' grep -qE '^wrt: big.ini:[0-9]+: the manifest is larger than 4 MiB' err
verdict 'check takes a file' eval '"$wrt" check; [ $? = 240 ]'
verdict 'a missing manifest is named' eval '"$wrt" serve nowhere.ini 2>&1 | grep -q "nowhere.ini: cannot open it: No such file"'

# ---- a set that runs ----
manifest <<'END'
[supervisor]
control = s
metrics = unix:metrics
[tenant late]
module = once.wasm
after = tick
[tenant tick]
module = tick.wasm
period_us = 2000
min = 512K
max = 1M
watchdog = heartbeat
[tenant spin]
module = spin.wasm
cpu_permille = 20
watchdog = progress
watchdog_ms = 200
[tenant flood]
module = flood.wasm
[tenant grow]
module = grow.wasm
max = 4M
[tenant starts]
module = initial.wasm
period_us = 10000
END
"$wrt" check m.ini >out 2>err
verdict 'a good set fits' grep -q '^m.ini: fits$' out
verdict 'its lanes and sums are told' grep -qE '^6 tenants in 1 lanes$' out
serve
verdict 'a cyclic tenant runs' within 10 over tick activations 50
verdict 'a start function and _initialize ran first' within 10 over starts activations 3
verdict 'a program that ended is done' within 5 is late phase done
verdict 'what it depends on ran first' eval '"$wrt" events --count 1 | grep -E "(tick +running|late +starting)" | head -n 1 | grep -q tick'
verdict 'a guest that grows without end is refused at its maximum' within 10 over grow refusals 10
verdict 'and never gets above it' eval '[ "$(field grow high_water_bytes)" -le 4194304 ]'
verdict 'a guest that floods host calls is counted' within 10 over flood heartbeats 10000
verdict 'a processor budget throttles' within 10 over spin throttled 2
verdict 'the watchdog for progress leaves a spinning guest alone' is spin phase running
verdict 'the watchdog for heartbeats leaves a beating guest alone' is tick failures 0
verdict 'minimum and maximum are in force' eval '[ "$(field tick min_bytes)/$(field tick max_bytes)" = 524288/1048576 ]'
verdict 'the tier in force is told' is tick tier software
budget_before=$(field spin cpu_ns)
sleep 2
budget_used=$((($(field spin cpu_ns) - budget_before) / 1000000))
verdict "2 % of a processor is 2 % ($budget_used ms of 2 s)" test $budget_used -le 60
verdict 'status for people' eval '"$wrt" status | grep -qE "^tick +running +software"'
verdict 'no maximum is told as none' eval '"$wrt" status | grep -qE "^spin +running +software +[0-9]+ +none "'
verdict 'top draws a memory bar' eval '"$wrt" top --count 2 | grep -qE "^tick +running +software +\[#*[.|:]*"'
verdict 'events for people' event 'tick +running +after [0-9]+ us'
verdict 'status takes no argument' eval '"$wrt" status x; [ $? = 240 ]'

# metrics
if command -v curl >/dev/null; then
  curl -s --unix-socket metrics http://x/metrics >page
  verdict 'metrics: one group per name, with help and type' eval \
    'grep -q "^# TYPE wrt_tenant_fuel_total counter" page && [ "$(grep -c "^wrt_tenant_fuel_total{" page)" = 6 ] &&
     awk "/^#/ {next} {n=\$1; sub(/{.*/, \"\", n); if (n != last && seen[n]++) exit 1; last = n}" page'
  verdict 'metrics: figures of a tenant' grep -qE '^wrt_tenant_memory_max_bytes\{tenant="tick"\} 1048576$' page
  verdict 'metrics: other pages are not there' eval '[ "$(curl -s -o page2 -w "%{http_code}" --unix-socket metrics http://x/etc)" = 404 ]'
else
  echo 'SKIP metrics: curl is not installed'
fi

# commands
verdict 'stop' eval '"$wrt" stop spin && within 5 is spin phase stopped'
verdict 'a stopped tenant gives its store back' eval '[ "$(field spin used_bytes)" -lt 200000 ]'
verdict 'restart' eval '"$wrt" restart spin && within 5 is spin phase running'
verdict 'restart runs a finished program again' eval '"$wrt" restart late && within 5 is late activations 2'
verdict 'a command for nobody is named' eval '"$wrt" stop nobody 2>&1 | grep -q "no tenant of that name (WRT_ERR_NOT_FOUND)"'
verdict 'a hostile name is refused' eval '! "$wrt" stop "x
status"'
verdict 'a command needs a name' eval '"$wrt" stop; [ $? = 240 ]'

# the module swapped while running
cp tick.wasm was.wasm
ticks=$(field tick activations)
cp cut.wasm spin.wasm
verdict 'a module swapped under a tenant shows' is spin module_changed true
verdict 'a restart runs the module as it was loaded' eval '"$wrt" restart spin && sleep 0.3 && within 5 is spin phase running'
verdict 'reconfiguring to a damaged module is refused' eval '"$wrt" reconfigure spin 2>&1 | grep -q "line 1[0-9]: tenant spin: its module"'
verdict 'and the old one runs on' is spin phase running
cp once.wasm spin.wasm
verdict 'reconfiguring to a good one replaces it' eval '"$wrt" reconfigure spin && within 5 is spin phase done && is spin module_changed false'
sed -i 's/^max = 4M/max = 5M/' m.ini
verdict 'reconfiguring takes a new limit' eval '"$wrt" reconfigure grow && within 5 is grow max_bytes 5242880 && within 5 is grow phase running'
sed -i 's/^watchdog_ms = 200/watchdog_ms = none/' m.ini
verdict 'a manifest with errors changes nothing' eval '"$wrt" reconfigure grow 2>&1 | grep -q "watchdog_ms takes" && is grow phase running'
sed -i 's/^watchdog_ms = none/watchdog_ms = 200\npriority = 7/' m.ini
verdict 'a change of lane is refused' eval '"$wrt" reconfigure spin 2>&1 | grep -q "would change its lane"'
verdict 'the others ran on meanwhile' eval 'over tick activations $((ticks + 50)) && is tick restarts 0 && is tick failures 0'

# the socket
cat >ask.py <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.send(sys.argv[2].encode('latin1').decode('unicode_escape').encode('latin1'))
s.settimeout(8)
print(s.recv(4096).decode())
END
if command -v python3 >/dev/null; then
  verdict 'an unknown request' eval 'python3 ask.py s "explode\n" | grep -q "no such request"'
  verdict 'a request without end' eval 'python3 ask.py s "$(printf %0300d 0)" | grep -q WRT_ERR_LIMIT'
  verdict 'a client that says nothing is let go, and others are served' eval 'python3 ask.py s "x" | grep -q WRT_ERR_TIMEOUT && "$wrt" status >/dev/null'
  verdict 'bytes of any kind' eval 'python3 ask.py s "stop \x00\xff\"{\n" | grep -q "no such request"'
else
  echo 'SKIP raw requests: python3 is not installed'
fi
verdict 'a second supervisor on the same socket is refused' eval '"$wrt" serve m.ini 2>&1 | grep -q "another supervisor"'
verdict 'the first one is still there' is tick phase running
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  chmod 755 "$work"
  verdict 'another user cannot connect' eval '! setpriv --reuid 65534 --clear-groups "$wrt" status >/dev/null'
else
  echo 'SKIP other users: needs root and setpriv'
fi
started=$(date +%s%N)
verdict 'a signal ends it in order' stop
verdict 'within a second' test $((($(date +%s%N) - started) / 1000000)) -lt 1500
verdict 'sockets are gone' test ! -e s -a ! -e metrics

# ---- a socket for chosen users: the kernel tells who asks ----
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  manifest <<'END'
[supervisor]
control = s
users = 65533
[tenant a]
module = tick.wasm
period_us = 5000
END
  serve
  verdict 'a user of the list may ask' setpriv --reuid 65533 --clear-groups "$wrt" status
  verdict 'any other is refused by its credentials' eval 'setpriv --reuid 65534 --clear-groups "$wrt" status 2>&1 | grep -q WRT_ERR_DENIED'
  verdict 'and that is an event' event 'refused +user 65534'
  kill -KILL "$server"; wait "$server" 2>/dev/null
  serve
  verdict 'a socket left by a killed supervisor is replaced' within 5 is a phase running
  stop
fi

# ---- failures, restarts, escalation ----
manifest <<'END'
[supervisor]
control = s
[tenant crash]
module = crash.wasm
restart = on-failure
backoff_ms = 20
max_restarts = 3
escalate = group
group = pair
[tenant mate]
module = spin.wasm
group = pair
[tenant other]
module = tick.wasm
period_us = 2000
[tenant bad]
module = exit3.wasm
[tenant again]
module = once.wasm
restart = always
backoff_ms = 10
max_restarts = 0
[tenant mute]
module = once.wasm
period_us = 3600000000
watchdog = heartbeat
watchdog_ms = 100
[tenant hungry]
module = spin.wasm
fuel = 100000
[tenant slowstep]
module = slow.wasm
period_us = 2000
overrun = drop
deadline_us = 1000
[tenant failing]
module = slow.wasm
period_us = 2000
overrun = fail
[tenant skipping]
module = slow.wasm
period_us = 2000
END
cat >spin.wat <<'END'
(module (func (export "_start") (loop (br 0))))
END
wat2wasm spin.wat -o spin.wasm
serve
verdict 'a crashing tenant is given up after max_restarts' within 10 is crash phase failed
verdict 'it was restarted as often as allowed' is crash restarts 3
verdict 'its last failure is told' is crash last_failure 'trap: unreachable'
verdict 'its group is stopped' within 5 is mate phase stopped
verdict 'others run on' eval 'within 5 over other activations 100 && is other failures 0'
verdict 'an exit code is a failure' within 5 is bad last_failure 'it exited with 3'
verdict 'restart = always restarts a good end' within 5 over again restarts 5
verdict 'the watchdog bites a silent guest' eval 'within 5 is mute phase failed && is mute last_failure "watchdog: no heartbeat for 100 ms"'
verdict 'used up fuel is a failure of a program' within 5 is hungry last_failure 'it used up its fuel of 100000'
verdict 'a cyclic tenant past its deadline is dropped and released again' within 5 over slowstep overruns 10
verdict 'overrun = fail fails' within 5 is failing last_failure 'it overran its time'
verdict 'overrun = skip goes on' eval 'within 5 is skipping overruns 1 && is skipping phase running'
verdict 'a failed tenant can be restarted by command' eval '"$wrt" restart crash && within 5 event "crash +starting" && within 10 is crash phase failed'
verdict 'it ends in order' stop

manifest <<'END'
[supervisor]
control = s
[tenant crash]
module = crash.wasm
escalate = exit
[tenant other]
module = spin.wasm
END
"$wrt" serve m.ini >out 2>err
code=$?
verdict 'escalate = exit ends the supervisor with its own code' test $code = 251
verdict 'and says why' grep -q 'a tenant failed for good' err

# ---- sealed: closed to the process while nobody is inside ----
manifest <<'END'
[supervisor]
control = s
[tenant vault]
module = tick.wasm
period_us = 2000
tier = sealed
require = tier
[tenant busy]
module = spin.wasm
tier = sealed
[tenant crash]
module = crash.wasm
tier = sealed
restart = always
backoff_ms = 10
max_restarts = 0
END
serve
verdict 'sealed tenants run' eval 'within 10 over vault activations 20 && within 5 over crash restarts 3'
verdict 'the tier is in force' eval 'is vault tier sealed && is busy tier sealed'
verdict 'interrupting one that is closed just now does no harm' eval 'for i in 1 2 3 4 5 6 7 8; do "$wrt" restart busy; within 5 is busy phase running || exit 1; done'
verdict 'it ends in order' stop

# ---- process: a worker each ----
manifest <<'END'
[supervisor]
control = s
[tenant tick]
module = tick.wasm
tier = process
max = 32M
period_us = 5000
watchdog = heartbeat
restart = always
backoff_ms = 10
max_restarts = 0
[tenant spin]
module = spin.wasm
tier = process
max = 32M
cpu_permille = 20
restart = always
backoff_ms = 10
max_restarts = 0
[tenant slow]
module = slow.wasm
tier = process
max = 32M
period_us = 20000
overrun = drop
restart = always
backoff_ms = 10
max_restarts = 0
[tenant crash]
module = crash.wasm
tier = process
max = 32M
restart = on-failure
backoff_ms = 10
max_restarts = 2
[tenant beside]
module = tick.wasm
period_us = 5000
END
# With its own descriptors around number 100, where starting a worker once lost some.
crowded() { (for fd in $(seq 4 100); do eval "exec $fd</dev/null"; done; exec "$wrt" check m.ini); }
if "$wrt" check m.ini >out 2>err; then
  verdict 'process: workers start whatever descriptors are open' crowded
  serve
  workers() { ps --ppid "$server" -o pid= | tr -d ' '; }
  verdict 'process: a cyclic tenant runs' within 10 over tick activations 50
  verdict 'process: the tier is in force' is tick tier process
  verdict 'process: heartbeats arrive' eval 'over tick heartbeats 10 && is tick failures 0'
  verdict 'process: a trap is told' eval 'within 10 is crash phase failed && field crash last_failure | grep -q unreachable && is crash restarts 2'
  verdict 'process: an activation that overruns is dropped, and the next one released' within 10 over slow overruns 5
  before=$(field spin cpu_ns)
  sleep 2
  used=$((($(field spin cpu_ns) - before) / 1000000))
  verdict "process: 2 % of a processor is 2 % ($used ms of 2 s)" test $used -le 120
  for round in 1 2 3 4 5; do
    for worker in $(workers); do kill -KILL "$worker"; break; done
    sleep 0.2
  done
  verdict 'process: killed workers are noticed and reaped' eval 'within 5 eval "[ \$(ps --ppid $server -o stat= | grep -c Z) = 0 ]"'
  verdict 'process: and all are there again' eval 'within 10 is tick phase running && within 10 is slow phase running && within 10 is spin phase running'
  verdict 'process: the one beside never noticed' eval 'is beside restarts 0 && is beside failures 0'
  verdict 'process: stop and restart' eval '"$wrt" stop spin && within 5 is spin phase stopped && "$wrt" restart spin && within 10 is spin phase running'
  verdict 'process: it ends in order' stop
  verdict 'process: no worker is left' eval '! pgrep -f "^$wrt-tenant"'
else
  cat err
  echo "SKIP tier process: this machine refuses workers: $(head -n 1 err)"
fi

# ---- process: killed at random moments (1,000 of them: ./check kills) ----
if "$wrt" check m.ini >out 2>err; then
  kill_workers 50
else
  sed 's/^/  /' err
  echo 'SKIP kills: workers cannot start here'
fi

# ---- a tenant that hangs in the host ----
if "${WRT_GCC:-cc}" -shared -fPIC -O1 -o slow_read.so "$here/tests/tenant/slow_read.c" -ldl 2>out; then
  mkdir -p data
  echo x >data/fifo
  manifest <<'END'
[supervisor]
control = s
shutdown_ms = 300
[tenant hangs]
module = files.wasm
directories = data::/data
watchdog = progress
watchdog_ms = 100
[tenant beside]
module = tick.wasm
period_us = 5000
priority = 1
END
  LD_PRELOAD=$work/slow_read.so serve
  verdict 'a tenant that hangs in the host is reported' within 10 event 'hangs +watchdog'
  verdict 'who stands in another lane runs on' within 10 over beside activations 50
  started=$(date +%s%N)
  kill -TERM "$server"; wait "$server"; code=$?; server=
  verdict 'the shutdown gives up with its own code' test $code = 251
  verdict 'and says why' grep -q 'ran out of time: a tenant sits in a host call' serve.err
  verdict 'after shutdown_ms, not after the call' test $((($(date +%s%N) - started) / 1000000)) -lt 10000
else
  echo 'SKIP a tenant that hangs in the host: no shared library can be built'
fi

# ---- a frame ----
manifest <<'END'
[supervisor]
control = s
metrics = unix:metrics
[frame main]
major_us = 20000
window = a 0 5000
window = b 6000 5000
window = a 12000 5000
[tenant a]
module = tick.wasm
[tenant b]
module = slow.wasm
END
serve
frame() { "$wrt" status --json | jq -r ".frames[0].$1"; }
verdict 'a frame runs' within 10 eval '[ "$(frame frames_run)" -ge 20 ]'
verdict 'windows release activations' within 10 over a activations 30
verdict 'one each at most' eval 'f=$(frame windows_run); [ "$(field a activations)" -le $((f + 2)) ]'
verdict 'a guest that never ends is paused at the end of its window' eval 'is b overruns 1 && over b fuel 100000'
verdict 'it has no more than its share' eval '[ "$(field b cpu_ns)" -le $(($(frame frames_run) * 5500000 + 20000000)) ]'
if command -v curl >/dev/null; then
  verdict 'metrics: figures of a frame' eval 'curl -s --unix-socket metrics http://x/metrics | grep -qE "^wrt_frame_windows_total\{frame=\"main\"\} [1-9]"'
fi
verdict 'jitter is measured' eval '[ "$(frame jitter_max_ns)" -gt 0 ]'
verdict 'it ends in order' stop

# ---- what the machine lacks ----
manifest <<'END'
[tenant a]
module = tick.wasm
period_us = 5000
priority = 20
require = priority
END
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  chmod 755 "$work"
  verdict 'a priority that is required and not allowed is refused' eval \
    'setpriv --reuid 65534 --clear-groups "$wrt" check m.ini 2>&1 | grep -q "m.ini:5: tenant a requires priority 20"'
fi
sed -i '/require/d' m.ini
verdict 'without require it fits all the same' "$wrt" check m.ini
exit 0
