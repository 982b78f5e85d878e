# tests/tenant/kills.sh - sourced: workers of a running supervisor killed at random moments.
# Needs verdict, within, field, is, over, serve, stop and manifest of tests/tenant/check.sh.
# SPDX-License-Identifier: Apache-2.0

workers() { ps --ppid "$server" -o pid= | tr -d ' '; }
descriptors() { ls "/proc/$server/fd" | wc -l; }
resident_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }
charged() { "$wrt" status --json | jq .memory.used_bytes; }
groups() { # those of this supervisor's workers, and its own
  find /sys/fs/cgroup -maxdepth 6 -type d -path "*/wrt-$server/*" 2>/dev/null | wc -l
}
settled() { # all three run, none is on its way out
  is one phase running && is two phase running && is three phase running &&
    [ "$(workers | wc -l)" = 3 ] && ! ps --ppid "$server" -o stat= | grep -q Z
}
kill_one() { # after a moment of up to 40 ms; false: there was none just then
  local list
  sleep "0.0$((RANDOM % 40 + 10))"
  list=$(workers)
  [ -n "$list" ] && kill -KILL "$(shuf -n 1 <<<"$list")" 2>/dev/null
}

kill_workers() { # TIMES
  local times=$1 killed=0 tries=0
  manifest <<'END'
[supervisor]
control = s
memory_max = 200M
[tenant one]
module = tick.wasm
tier = process
max = 32M
period_us = 5000
restart = always
backoff_ms = 5
backoff_max_ms = 10
max_restarts = 0
[tenant two]
module = spin.wasm
tier = process
max = 32M
restart = always
backoff_ms = 5
backoff_max_ms = 10
max_restarts = 0
[tenant three]
module = slow.wasm
tier = process
max = 32M
period_us = 20000
overrun = drop
restart = always
backoff_ms = 5
backoff_max_ms = 10
max_restarts = 0
[tenant beside]
module = tick.wasm
period_us = 5000
watchdog = heartbeat
watchdog_ms = 5000
END
  serve
  verdict 'kills: all tenants run' within 60 settled
  local fds kib bytes folders
  fds=$(descriptors) kib=$(resident_kib) bytes=$(charged) folders=$(groups)
  while [ $killed -lt "$times" ] && [ $tries -lt $((times * 10)) ]; do
    tries=$((tries + 1))
    if kill_one; then killed=$((killed + 1)); fi
  done
  verdict "kills: $killed workers were killed" test "$killed" = "$times"
  verdict 'kills: all of them are back' within 120 settled
  verdict 'kills: the supervisor counted them' eval \
    '[ $(($(field one restarts) + $(field two restarts) + $(field three restarts))) -ge '"$((times * 9 / 10))"' ]'
  verdict 'kills: no descriptor is lost' within 10 eval '[ "$(descriptors)" -le '"$fds"' ]'
  verdict 'kills: nothing stays charged' within 10 eval '[ "$(charged)" -le '"$((bytes + 65536))"' ]'
  verdict "kills: no memory is lost ($kib KiB before, $(resident_kib) after)" test "$(resident_kib)" -le $((kib + 4096))
  verdict 'kills: no control group stays' within 10 eval '[ "$(groups)" -le '"$folders"' ]'
  verdict 'kills: who stands beside never noticed' eval \
    'is beside phase running && is beside failures 0 && is beside restarts 0 && over beside activations 10'
  verdict 'kills: it ends in order' stop
}
