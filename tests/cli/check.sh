#!/bin/bash
# The command line as a user meets it: what each command prints, and its exit codes.
# needs: dev
# SPDX-License-Identifier: Apache-2.0
set -u
wrt=$WRT_BUILD/wrt
here=tests/cli
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
[ -x "$wrt" ] || { echo "FAIL there is no $wrt"; exit 1; }

for source in "$here"/*.wat; do
  wat2wasm --enable-all --debug-names "$source" -o "$work/$(basename "$source" .wat).wasm" ||
    { echo "FAIL $source does not assemble"; exit 1; }
done
for source in "$here"/*.c; do
  clang-19 --target=wasm32-wasi -O1 -o "$work/$(basename "$source" .c).wasm" "$source" ||
    { echo "FAIL $source does not compile"; exit 1; }
done

# expect TEXT CODE STDOUT-PATTERN STDERR-PATTERN ARGUMENTS...: patterns are extended regular
# expressions for any line; '' means that nothing is printed there.
matches() { if [ -z "$2" ]; then [ ! -s "$1" ]; else grep -qE -- "$2" "$1"; fi; }
expect() {
  local text=$1 code=$2 out=$3 err=$4 got
  shift 4
  (cd "$work" && timeout 30 "$wrt" "$@" >stdout 2>stderr </dev/null)
  got=$?
  if [ $got = "$code" ] && matches "$work/stdout" "$out" && matches "$work/stderr" "$err"; then
    echo "PASS $text"
  else
    echo "wrt $*: exit $got, expected $code"
    sed 's/^/  out: /' "$work/stdout"
    sed 's/^/  err: /' "$work/stderr"
    echo "FAIL $text"
  fi
}

# exactly TEXT EXPECTED-OUTPUT ARGUMENTS...: standard output, whole, and success.
exactly() {
  local text=$1 expected=$2
  shift 2
  local got
  got=$(cd "$work" && "$wrt" "$@" 2>stderr)
  if [ $? = 0 ] && [ "$got" = "$expected" ]; then
    echo "PASS $text"
  else
    echo "wrt $*: '$got', expected '$expected'"
    cat "$work/stderr"
    echo "FAIL $text"
  fi
}

clang-19 --target=wasm32 -O2 -pthread -nostdlib -ffreestanding \
  -Wl,--import-memory,--shared-memory,--max-memory=1048576,--no-entry \
  -o "$work/threads.wasm" tests/wasi/guests/threads.c || { echo 'FAIL threads.c does not compile'; exit 1; }

# ---- the program itself ----
version=$(sed -n 's/.*WRT_VERSION_STRING "\(.*\)"/\1/p' include/wrt/base.h)
exactly '--version prints the version' "wrt $version" --version
expect '--help lists the commands' 0 '^  validate ' '' --help
expect '--help lists the exit codes' 0 '^  245  the guest trapped' '' --help
for command in run resume profile inspect validate bound calibrate verify-levels doctor qnx-selftest; do
  expect "$command --help" 0 "^usage: wrt $command" '' $command --help
done
expect 'no command' 240 '' '^wrt: no command given' 
expect 'an unknown command' 240 '' "^wrt: there is no command 'fly'" fly
expect 'an unknown option' 240 '' '^wrt: --fast is not an option here' run --fast values.wasm
expect 'an unknown short option' 240 '' '^wrt: -x is not an option here' run -x values.wasm
expect 'an option without its value' 240 '' '^wrt: --fuel needs a value' run --fuel
expect 'a flag with a value' 240 '' 'takes no value' run --canonical-nan=yes values.wasm
expect 'no file' 240 '' '^wrt: run needs a file' run
expect 'validate takes one file' 240 '' 'takes one file, 2 were given' validate a b
expect 'inspect takes one file' 240 '' 'takes one file, 0 were given' inspect
for value in '--fuel many' '--fuel -1' '--fuel 99999999999999999999' '--deadline 0' '--stack 0' \
  '--stack 12X' '--verify strict' '--memory 5' '--memory 1:2:3:4' '--memory 1:' '--memory :2' \
  '--env NOVALUE' '--env =x' '--dir ::/x' '--clocks some' '--clock-resolution 0' '--random dice'; do
  expect "a bad value: $value" 240 '' '^wrt: --[a-z-]+ takes .*, not ' run $value values.wasm
done
expect 'stats in an unknown format' 240 '' "^wrt: --stats takes .*not 'xml'" run --stats=xml values.wasm
# ---- bounds ----
exactly 'bound: without loops' 'two: fuel 2 units, stack 24 bytes, without loops' bound --export two bounds.wasm
exactly 'bound: a counted loop' 'ten: fuel 70 units, stack 40 bytes, counted loops: 1' bound --export ten bounds.wasm
exactly 'bound: the longer of what a table holds' 'either: fuel 4 units, stack 48 bytes, without loops' \
  bound --export either bounds.wasm
expect 'bound names a loop that it cannot prove' 0 'no bound: function 3 endless, byte 0x[0-9a-f]+: the turns' '' \
  bound --export endless bounds.wasm
expect 'bound names recursion' 0 'no bound: function 4 again, byte 0x[0-9a-f]+: recursion' '' \
  bound --export again bounds.wasm
expect 'bound names a table that others can change' 0 'a call through a table that others can change .table 1' '' \
  bound --export any bounds.wasm
expect 'bound --require fails' 251 'endless: fuel no bound' 'wrt: bounds.wasm: 3 of 7 have no bound' \
  bound --require bounds.wasm
expect 'bound: no such export' 249 '' "has no function 'three'" bound --export three bounds.wasm
(cd "$work" && "$wrt" bound --json bounds.wasm | jq -e '.exports | length == 7 and (map(select(.fuel == null)) | length == 3)') \
  >/dev/null && echo 'PASS bound --json' || echo 'FAIL bound --json'
expect 'calibrate writes a table' 0 '' '' calibrate --runs 5 --out times
mkfifo "$work/pipe"
expect 'what is no regular file keeps its name' 241 '' 'cannot write pipe: not a regular file' calibrate --runs 5 --out pipe
expect 'bound takes times from it' 0 'time [0-9]+ ns by medians' '' bound --calibration times --export ten bounds.wasm
echo 'plain 5' >"$work/short"
head -c -2 "$work/times" >"$work/cut" # its last number has lost digits
expect 'a table that was cut off is refused' 241 '' 'cut: line [0-9]+ is not' bound --calibration cut bounds.wasm
expect 'a bad table is refused' 241 '' 'short: line 1 is not' bound --calibration short bounds.wasm
expect 'a missing file' 241 '' '^wrt: cannot open nowhere.wasm: No such file' run nowhere.wasm
expect 'a folder as file' 241 '' '^wrt: cannot read \.: ' run .
if (cd "$work" && "$wrt" --version >/dev/full 2>stderr); [ $? = 241 ]; then
  echo 'PASS a full disk is an error'; else echo 'FAIL a full disk is an error'; fi

# ---- doctor ----
expect 'doctor lists the protections' 0 'memory-tags-sync ' '' doctor
expect 'doctor lists them as JSON' 0 '"name":"shadow-stack","requested":' '' doctor --json
expect 'doctor takes no argument' 240 '' 'takes no argument' doctor now

# ---- qnx-selftest (what it finds: tests/sim) ----
expect 'the checks of a QNX machine are only for QNX' 250 '' 'qnx-selftest is only for QNX; this is wrt for linux' qnx-selftest
expect 'the checks take no argument' 240 '' 'takes no argument' qnx-selftest now

# ---- verify-levels ----
expect 'the table of checks' 0 '^arena +canary +standard .* ns per ' '' verify-levels
expect 'the table takes no argument' 240 '' 'takes no argument' verify-levels full

# ---- validate ----
expect 'a good module' 0 '^values.wasm: valid$' '' validate values.wasm
printf '\0asm\2\0\0\0' >"$work/version2.wasm"
head -c 20 "$work/values.wasm" >"$work/cut.wasm"
printf '\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\xa\5\1\3\0\x6a\xb' >"$work/invalid.wasm"
: >"$work/empty.wasm"
expect 'an unknown version' 242 '' '^wrt: version2.wasm: .*at byte 4\)' validate version2.wasm
expect 'a module cut short' 242 '' '^wrt: cut.wasm: .*WRT_ERR_MALFORMED' validate cut.wasm
expect 'an empty file' 242 '' '^wrt: empty.wasm: ' validate empty.wasm
expect 'a module that does not validate' 243 '' '^wrt: invalid.wasm: .*WRT_ERR_INVALID at byte 2[34]\)' validate invalid.wasm
expect 'running it says the same' 243 '' 'WRT_ERR_INVALID' run invalid.wasm

# ---- invoke ----
exactly 'i32 arguments and results' 5 run --invoke add values.wasm 2 3
exactly 'i32 negative and hexadecimal' -1 run --invoke add values.wasm -0x10 0xf
exactly 'i32 unsigned wraps to signed' -2 run --invoke add values.wasm 4294967295 -1
exactly 'i64' -9223372036854775808 run --invoke id64 values.wasm 0x8000000000000000
exactly 'f32 shortest digits' 0.1 run --invoke id32f values.wasm 0.1
exactly 'f64 shortest digits' 0.30000000000000004 run --invoke addf values.wasm 0.1 0.2
exactly 'infinity' -inf run --invoke id32f values.wasm -inf
exactly 'nan' nan run --invoke id32f values.wasm nan
exactly 'several results, one per line' "$(printf '1\n2\n2.5')" run --invoke several values.wasm
exactly 'no result prints nothing' '' run --invoke nothing values.wasm
exactly 'v128 from its lanes' 'i32x4:0x00000001 0xfffffffe 0x00000003 0x80000000' run --invoke idv values.wasm i32x4:1,-2,0x3,2147483648
exactly 'v128 of floats' 'i32x4:0x00000000 0x3ff00000 0x00000000 0xbfe00000' run --invoke idv values.wasm f64x2:1,-0.5
expect 'a v128 with a lane too few' 240 '' 'is no v128' run --invoke idv values.wasm i32x4:1,2,3
expect 'a v128 with a lane too large' 240 '' 'is no v128' run --invoke idv values.wasm i8x16:256,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0
exactly 'relaxed vectors, deterministic' 0 run --deterministic --invoke madd values.wasm
exactly 'null references' null run --invoke idref values.wasm null
exactly 'arguments after -- and options after FILE are the guest'"'"'s' -7 run --invoke id32 -- values.wasm -7
expect 'too few arguments' 240 '' '^wrt: add takes 2 arguments, 1 were given' run --invoke add values.wasm 1
expect 'an argument of the wrong type' 240 '' "argument 2 of add, '1.5', is no i32" run --invoke add values.wasm 1 1.5
expect 'an i32 that does not fit' 240 '' 'is no i32' run --invoke id32 values.wasm 4294967296
expect 'an i32 too negative' 240 '' 'is no i32' run --invoke id32 values.wasm -2147483649
expect 'an f64 out of range' 240 '' 'is no f64' run --invoke addf values.wasm 1e999 0
expect 'an export that is not there' 249 '' 'values.wasm exports no function missing' run --invoke missing values.wasm
expect 'an export that is no function' 249 '' 'exports no function memory' run --invoke memory values.wasm
expect 'a library without _start' 249 '' 'exports no function _start' run values.wasm
exactly 'a library is initialised before the call' 42 run --invoke get reactor.wasm

# ---- traps ----
expect 'a trap names kind, function and offset' 245 '' \
  '^wrt: traps.wasm: trap: integer divide by zero in divide \(function 0\) at byte [0-9]+$' \
  run --invoke outer traps.wasm 1 0
expect 'a trap has a backtrace' 245 '' '^  #1  outer \(function 1\) at byte [0-9]+$' run --invoke outer traps.wasm 1 0
offset=$(cd "$work" && wasm-objdump -d traps.wasm | sed -n 's/^ *\([0-9a-f]*\):.*i32.div_s.*/\1/p' | head -n 1)
expect 'the offset is that of the instruction' 245 '' "divide \(function 0\) at byte $((16#$offset))$" \
  run --invoke divide traps.wasm 1 0
expect 'unreachable' 245 '' 'trap: unreachable' run --invoke stop traps.wasm
expect 'endless recursion' 245 '' 'call stack exhausted' run --invoke forever traps.wasm
expect 'a long backtrace is cut and says so' 245 '' '^  \.\.\. and [0-9]+ more$' run --invoke forever traps.wasm
expect 'a small stack ends sooner' 245 '' 'call stack exhausted' run --stack 4K --invoke deep traps.wasm 500
exactly 'a larger one is enough' 500 run --stack 4M --invoke deep traps.wasm 500
expect 'a trap in the start function' 245 '' 'trap: unreachable' run startup.wasm
expect 'a missing import is named' 244 '' 'nowhere.*thing' run imports.wasm

# ---- limits ----
expect 'fuel' 246 '' '^wrt: traps.wasm: out of fuel in spin \(function' run --fuel 1000 --invoke spin traps.wasm
expect 'enough fuel' 0 '^3$' '' run --fuel 1000 --invoke add values.wasm 1 2
expect 'a deadline' 247 '' 'past its deadline in spin' run --deadline 50 --invoke spin traps.wasm
if "$wrt" doctor | grep -qE '^ +memory-tags-sync +[a-z]+ +yes'; then
  expect 'memory tags where they are' 0 '^hello, world$' '' run --memory-tags hello.wasm
else
  expect 'memory tags where there are none are refused by name' 250 '' 'no memory tags' run --memory-tags hello.wasm
fi
if "$wrt" doctor | grep -qE '^ +cache-colours +no +yes +no '; then
  expect 'a cache colour where it is to be had' 0 '^hello, world$' '' run --cache-colour 1/2 hello.wasm
else
  expect 'a cache colour where it is not is refused by name' 250 '' 'cache|huge page' run --cache-colour 1/2 hello.wasm
fi
for wrong in 2/2 0/3 0/1 0/0 1 /2 1/ 0/2@1 0/2@ 0/2@4 0/2x -1/2 4294967296/2 ''; do
  expect "no cache colour: '$wrong'" 240 '' 'cache-colour' run --cache-colour "$wrong" hello.wasm
done
expect 'more colours than a way has pages are refused by name' 250 '' 'less than a page|sets of cache|huge page' \
  run --cache-colour 0/65536 hello.wasm
expect 'a partition too small names the limit' 248 '' '^wrt: hello.wasm: .*(max|maximum|limit)' run --memory 0:64K hello.wasm
expect 'a partition large enough' 0 '^hello, world$' '' run --memory 64K:8M:128K hello.wasm
expect 'MIN above MAX' 240 '' 'min.*max' run --memory 2M:1M hello.wasm
expect 'growth stops at the partition'"'"'s maximum' 0 '^-1$' '' run --memory 0:8M --invoke grow values.wasm 200
expect 'growth within it succeeds' 0 '^1$' '' run --memory 0:32M --invoke grow values.wasm 200
(cd "$work" && "$wrt" run --invoke spin traps.wasm 2>stderr & echo $! >"$work/pid"; wait $!; echo $? >"$work/code") &
sleep 0.5; kill -INT "$(pgrep -P "$(cat "$work/pid")" || cat "$work/pid")" 2>/dev/null; wait
if [ "$(cat "$work/code")" = 130 ] && grep -q 'interrupted in spin' "$work/stderr"; then
  echo 'PASS the keyboard interrupts'; else cat "$work/code" "$work/stderr"; echo 'FAIL the keyboard interrupts'; fi

# ---- threads ----
exactly 'a guest runs with its threads' 01234 run --threads 4 threads.wasm
expect 'a guest may start no thread unless it is let' 244 '' 'unknown import' run threads.wasm
expect '--threads is for guests with a shared memory' 240 '' 'no shared memory' run --threads 1 hello.wasm
exactly 'threads share what they count' 12000 run --threads 6 --invoke count threads.wasm 6 2000
exactly 'more threads than are let are refused' 2 run --threads 2 --invoke crowd threads.wasm 9 0
expect 'a trap of a thread is the guest'"'"'s' 245 '' 'thread 2: trap: integer divide by zero' run --threads 3 --invoke trap threads.wasm 0 1
expect 'an exit of a thread is the guest'"'"'s' 42 '' '' run --threads 3 --invoke exit_by_thread threads.wasm 0 42
expect 'a deadlock meets its deadline' 247 '' 'past its deadline' run --threads 3 --deadline 100 --invoke deadlock threads.wasm 3 0
expect 'fuel of a thread' 246 '' 'thread 1: out of fuel' run --threads 3 --fuel 100000 --invoke spin_and_wait threads.wasm 1 0

# ---- WASI ----
mkdir "$work/folder" && echo content >"$work/folder/file"
expect 'the standard streams' 0 '^hello, world$' '' run hello.wasm
expect 'arguments' 0 '^argument 2: -x$' '' run hello.wasm one -x
expect 'arguments start with the program' 0 '^argument 0: hello.wasm$' '' run hello.wasm one
expect 'a guest'"'"'s exit code passes through' 7 '' '' run actions.wasm exit 7
expect 'a guest'"'"'s exit code above 255' 255 '' '' run actions.wasm exit 300
expect 'the exit code of main' 3 '' '' run actions.wasm return 3
expect 'no folder is granted' 1 '' 'cannot open' run actions.wasm read folder/file
expect 'a granted folder' 0 '^content$' '' run --dir folder actions.wasm read folder/file
expect 'a granted folder under another name' 0 '^content$' '' run --dir folder::/data actions.wasm read /data/file
expect 'nothing outside it' 1 '' 'cannot open' run --dir folder::/data actions.wasm read /data/../hello.wasm
expect 'a folder may be written' 0 '' '' run --dir=folder actions.wasm write folder/new
expect 'a read-only folder may not' 1 '' 'cannot open' run --dir folder::/data:ro actions.wasm write /data/newer
expect 'but may be read' 0 '^content$' '' run --dir folder:ro actions.wasm read folder/file
[ -e "$work/folder/new" ] && [ ! -e "$work/folder/newer" ] && echo 'PASS the files say the same' ||
  echo 'FAIL the files say the same'
expect 'a folder that is not there' 241 '' 'nofolder' run --dir nofolder actions.wasm exit 0
expect 'no variable is inherited' 0 '^0 variables$' '' run actions.wasm variables
expect 'variables' 0 '^K=v=w$' '' run --env K=v=w --env L=m actions.wasm variables
expect 'clocks' 0 '^clock works$' '' run actions.wasm clock
expect 'clocks can be withheld' 1 '' 'no clock' run --clocks none actions.wasm clock
expect 'only the monotonic one' 1 '' 'no clock' run --clocks monotonic actions.wasm clock
expect 'clocks can be coarse' 0 '^resolution 1000000$' '' run --clock-resolution 1000000 actions.wasm resolution
expect 'and their steps moved' 0 '^clock works$' '' run --clock-resolution 1000 --clock-jitter actions.wasm clock
expect 'which needs steps' 240 '' 'clock_jitter without clock_resolution' run --clock-jitter actions.wasm clock
exactly 'seeded random numbers repeat' "$(cd "$work" && "$wrt" run --random 7 actions.wasm random)" run --random 7 actions.wasm random
expect 'random numbers can be withheld' 1 '' 'no random' run --random none actions.wasm random
expect 'canonical NaN' 0 '^2143289344$' '' run --canonical-nan --invoke nanbits values.wasm

# ---- stats and footprint ----
expect 'stats go to standard error' 0 '^hello, world$' '^  linear ' run --stats hello.wasm
expect 'stats tell fuel' 0 '^3$' '^fuel +3 used' run --stats --invoke add values.wasm 1 2
for key in .fuel .instructions_per_second .load_ms .instantiate_ms .run_ms .memory.high_water \
  .memory.kinds.linear.current; do
  if (cd "$work" && "$wrt" run --stats=json --invoke add values.wasm 1 2 2>&1 >/dev/null) |
    jq -e "$key > 0" >/dev/null; then echo "PASS JSON stats have $key"; else echo "FAIL JSON stats have $key"; fi
done
for level in off minimal standard full critical; do
  expect "verification level $level" 0 '^5$' '' run --verify $level --invoke add values.wasm 2 3
done
for file in values hello actions reactor traps; do
  footprint=$(cd "$work" && "$wrt" inspect --footprint=json $file.wasm | jq -cS '[.instantiated, .kinds | if type == "object" then map_values(.instantiated) else . end]')
  case $file in
    hello) set -- hello.wasm ;;
    actions) set -- actions.wasm ;;
    *) set -- --invoke none $file.wasm ;;
  esac
  stats=$(cd "$work" && "$wrt" run --stats=json "$@" 2>&1 >/dev/null | grep '^{' | jq -cS '[.memory.instantiated, .memory.kinds | if type == "object" then map_values(.instantiated) else . end]')
  if [ -n "$stats" ] && [ "$footprint" = "$stats" ]; then
    echo "PASS footprint of $file is what stats show"
  else
    printf '  footprint %s\n  stats     %s\n' "$footprint" "$stats"
    echo "FAIL footprint of $file is what stats show"
  fi
done
# Without the cache of freed arenas, which a partition at its maximum gives up before it refuses.
export WRT_ARENA_CACHE_MAXBLK=0
peak=$(cd "$work" && "$wrt" inspect --footprint=json hello.wasm | jq .high_water)
expect 'a partition of exactly the footprint suffices to start' 0 '^hello, world$' '' run --memory "0:$peak" hello.wasm
expect 'one byte less does not' 248 '' 'is 1 too many' run --memory "0:$((peak - 1))" hello.wasm
unset WRT_ARENA_CACHE_MAXBLK
expect 'the footprint of a larger stack is larger' 0 '^  stack +1048[0-9]{3} ' '' inspect --footprint --stack 1M values.wasm
expect 'the footprint runs nothing' 0 '^  total ' '' inspect --footprint startup.wasm
expect 'the footprint needs no imports' 0 '^  total ' '' inspect --footprint imports.wasm

# ---- features ----
expect 'a feature that is turned off is named' 243 '' 'feature is turned off: multi-value' validate --without simd,multi-value values.wasm
expect 'run refuses it too' 243 '' 'feature is turned off: ' run --features none --invoke add values.wasm 1 2
expect 'features that are not used may be off' 0 'valid' '' validate --without tail-call,gc values.wasm
expect 'the features used may be the only ones' 0 'valid' '' validate --features "$( (cd "$work" && "$wrt" inspect values.wasm) | sed -n 's/^features beyond WebAssembly 1.0: //p' | tr ' ' ,)" values.wasm
expect 'an unknown feature is refused' 240 '' '--without takes' validate --without warp values.wasm
expect 'an empty name in a list is refused' 240 '' '--features takes' run --features gc,, values.wasm

# ---- snapshots ----
# A program that is paused every N instructions, each time written and continued by another
# process, says, writes and costs the same as one that is not.
mkdir -p "$work/d1" "$work/d2"
(cd "$work" && "$wrt" run --stats=json --env NAME=ann --dir d1::/data journal.wasm 5 >straight.out 2>straight.err); straight=$?
(cd "$work" && "$wrt" run --fuel 200000 --snapshot-on-pause s.snap --env NAME=ann --dir d2::/data journal.wasm 5 >moved.out 2>moved.err); code=$?
moves=0
while [ $code = 246 ] && [ $moves -lt 40 ]; do
  moves=$((moves + 1))
  mv "$work/s.snap" "$work/last.snap"
  (cd "$work" && "$wrt" resume --stats=json --fuel 200000 --snapshot-on-pause s.snap --dir d2::/data last.snap >>moved.out 2>moved.err); code=$?
done
fuel() { grep '^{' "$1" | jq -c .fuel; }
if [ $straight = 7 ] && [ $code = 7 ] && [ $moves -gt 2 ] && cmp -s "$work/straight.out" "$work/moved.out" &&
  cmp -s "$work/d1/journal" "$work/d2/journal" && [ -n "$(fuel "$work/straight.err")" ] &&
  [ "$(fuel "$work/straight.err")" = "$(fuel "$work/moved.err")" ]; then
  echo "PASS a program that was moved $moves times ends the same"
else
  echo "  codes $straight $code, $moves moves"; cat "$work/moved.err"
  echo "FAIL a program that was moved ends the same"
fi
expect 'a snapshot needs the folders again' 251 '' 'directory /data is not granted' resume last.snap
(cd "$work" && head -c 900 last.snap >cut.snap && { head -c 2000 last.snap; printf X; tail -c +2002 last.snap; } >bad.snap)
expect 'a snapshot that is cut short is refused' 242 '' 'damaged' resume --dir d2::/data cut.snap
expect 'a damaged snapshot is refused' 242 '' 'damaged' resume --dir d2::/data bad.snap
expect 'a module is no snapshot' 242 '' 'no snapshot' resume journal.wasm
expect 'resume takes one file' 240 '' 'resume takes one file' resume
expect 'an invoked call is written when it pauses' 246 '' 'i.snap continues it' run --fuel 1000 --snapshot-on-pause i.snap --invoke count values.wasm 2000
expect 'and its result is printed by resume' 0 '^2000$' '' resume i.snap

# ---- inspect ----
expect 'types' 0 '^  0 +\(i32, i32\) -> \(i32\)$' '' inspect values.wasm
expect 'exports' 0 '^  function add = 0: \(i32, i32\) -> \(i32\)$' '' inspect values.wasm
expect 'imports' 0 '^  function nowhere.thing: \(i64\) -> \(\)$' '' inspect imports.wasm
expect 'imported memory' 0 '^  memory   nowhere.memory: 1 to 3 pages of 65536 bytes$' '' inspect imports.wasm
expect 'imported global' 0 '^  global   nowhere.global: mutable f64$' '' inspect imports.wasm
expect 'tables' 0 '^  0    2 to 5 funcref$' '' inspect imports.wasm
expect 'memories' 0 '^  0    1 or more pages of 65536 bytes$' '' inspect values.wasm
expect 'features' 0 '^features beyond WebAssembly 1.0:.* multi-value' '' inspect values.wasm
expect 'custom sections' 0 '^  name: [0-9]+ bytes at byte [0-9]+$' '' inspect values.wasm
expect 'control characters in names are not obeyed' 0 '^  function a\\x1b\[31mb = 7' '' inspect traps.wasm
expect 'the start function' 0 '^start: function 0 boot$' '' inspect startup.wasm

# ---- profile ----
cat >"$work/hot.c" <<'EOF'
#include <stdio.h>
static int square(int n) { int sum = 0; for (volatile int i = 0; i < n; i++) sum += n; return sum; }
int (*volatile pointer)(int) = square;
int main(void) {
  int total = 0;
  for (int i = 0; i < 1000; i++)
    total += pointer(i);
  if (total == 1)
    puts("never");
  printf("%d\n", total);
  return 0;
}
EOF
clang-19 --target=wasm32-wasi -O1 -g -o "$work/hot.wasm" "$work/hot.c" || echo 'FAIL hot.c does not compile'
expect 'profile runs the guest' 0 '^332833500$' '^ +[0-9]+ +[0-9.]+% +1000  square$' \
  profile --sample 1000 --output hot --coverage hot.info --trace hot.trace hot.wasm
has() { # TEXT PATTERN FILE
  if grep -qE -- "$2" "$work/$3"; then echo "PASS $1"; else echo "FAIL $1"; head -20 "$work/$3"; fi
}
has 'profile folds stacks' 'main;square [0-9]{5,}$' hot.folded
has 'profile draws them' '^<p>Stacks sampled by fuel' hot.html
has 'profile counts lines' '^DA:7,1000$' hot.info
has 'profile tells lines that never ran' '^DA:9,0$' hot.info
has 'profile traces host calls' 'wasi_snapshot_preview1\.fd_write\(1, [0-9]+, [0-9]+, [0-9]+\) -> 0$' hot.trace
first=$(sha256sum <"$work/hot.folded")
expect 'profile runs again' 0 '^332833500$' 'hot.folded' profile --sample 1000 --output hot hot.wasm
if [ "$first" = "$(sha256sum <"$work/hot.folded")" ]; then echo 'PASS profiles repeat'; else echo 'FAIL profiles repeat'; fi
expect 'profile tells what it cannot write' 241 '' '^wrt: cannot write none/hot.trace' \
  profile --trace none/hot.trace hot.wasm
expect 'profile follows one thread' 240 '' 'one thread' profile --threads 2 hot.wasm
expect 'too fine a sample' 240 '' '^wrt: --sample takes FUEL' profile --sample 1 hot.wasm
