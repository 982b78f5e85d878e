#!/bin/bash
# Statements (regions), branches and MC/DC of the runtime by room, over the unit tests, sweeps, attack,
# WASI and tenant tests and the specification's suite, by clang-19. Writes the table and the list of
# files to docs/assurance/coverage.md; fails if a room falls below tests/coverage/floor.
# It builds everything again and runs for a quarter of an hour:
# only by name
# SPDX-License-Identifier: Apache-2.0
set -u
tools/install assurance
tree=build-coverage page=docs/assurance/coverage.md floor=tests/coverage/floor
for tool in clang-19 llvm-cov-19 llvm-profdata-19 jq; do
  command -v $tool >/dev/null || { echo "SKIP coverage: $tool is not installed"; exit 0; }
done
options='-O1 -g0 -DNDEBUG -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc'
if [ -z "${WRT_COVERAGE_KEEP:-}" ]; then # else: count again what was run before
  generator=$(command -v ninja >/dev/null && echo -GNinja)
  cmake -B $tree $generator -DCMAKE_C_COMPILER=clang-19 -DCMAKE_BUILD_TYPE=Coverage \
    -DCMAKE_C_FLAGS_COVERAGE="$options" && cmake --build $tree -j "$(nproc)" ||
    { echo 'FAIL build for coverage'; exit 1; }
  rm -rf $tree/raw && mkdir -p $tree/raw
  # Left out: tests that run for time, and those of the simulated QNX, which is not in this build.
  LLVM_PROFILE_FILE=$PWD/$tree/raw/%p-%m.profraw ctest --test-dir $tree -j "$(nproc)" --timeout 300 \
    -E 'stress|sim_|fuzz_differ|schedules'
  # And what only the command line runs: the supervisor, compiled guests. Whether they pass is not asked here.
  for script in cli tenant aot; do
    LLVM_PROFILE_FILE=$PWD/$tree/raw/%p-%m.profraw WRT_BUILD=$PWD/$tree bash tests/$script/check.sh >$tree/$script.log 2>&1
  done
fi
ls $tree/raw | sed "s|^|$tree/raw/|" >$tree/raw.list
llvm-profdata-19 merge -sparse --failure-mode=all -f $tree/raw.list -o $tree/all.profdata ||
  { echo 'FAIL profiles do not merge'; exit 1; }

summary() { llvm-cov-19 export -summary-only "$@" -instr-profile=$tree/all.profdata 2>/dev/null; }
{ summary $tree/libwrt.so; summary $tree/wrt; } | jq -r --arg root "$PWD/" '.data[0].files[] |
  select(.filename | test("src/[a-z]+/") and startswith($root + "src/") or startswith($root + "port/linux") or startswith($root + "port/posix")) |
  [(.filename | ltrimstr($root)), .summary.regions.covered, .summary.regions.count,
   .summary.branches.covered, .summary.branches.count, .summary.mcdc.covered, .summary.mcdc.count] | @tsv' |
  sort -k1,1 -k2,2nr | awk '!seen[$1]++' >$tree/files
[ -s $tree/files ] || { echo 'FAIL no coverage was counted'; exit 1; }
# The matcher of fused sequences is a table (tools/fuse) of which tests meet a part: counted apart.
awk '{ n = split($1, p, "/"); room = $1 == "src/engine/fuse.c" ? "src/engine/fuse" : p[1] "/" p[2]; for (i = 2; i <= 7; i++) sum[room, i] += $i; rooms[room] = 1 }
  function pc(a, b) { return b == 0 ? "-" : sprintf("%.1f", 100 * a / b) }
  END { for (r in rooms) print r, pc(sum[r, 2], sum[r, 3]), pc(sum[r, 4], sum[r, 5]), pc(sum[r, 6], sum[r, 7]),
    sum[r, 3], sum[r, 5], sum[r, 7] }' $tree/files | sort >$tree/rooms
{
  sed '/^<!-- table -->$/q' "$page"
  echo
  echo '| room | statements | branches | MC/DC | of statements, branches, conditions |'
  echo '|---|---|---|---|---|'
  awk '{ print "| " $1 " | " $2 " % | " $3 " % | " ($4 == "-" ? "-" : $4 " %") " | " $5 ", " $6 ", " $7 " |" }' $tree/rooms
  echo
  echo '## By file'
  echo
  echo '| file | statements not reached | branches not taken | conditions not shown to matter |'
  echo '|---|---|---|---|'
  awk '$3 != $2 || $5 != $4 || $7 != $6 { print "| " $1 " | " $3 - $2 " of " $3 " | " $5 - $4 " of " $5 " | " $7 - $6 " of " $7 " |" }' $tree/files
} >$tree/page && cp $tree/page "$page"
cat $tree/rooms
while read -r room statements branches conditions; do
  awk -v r="$room" -v s="$statements" -v b="$branches" -v c="$conditions" '$1 == r { found = 1
      ok = $2 >= s && $3 >= b && ($4 == "-" || $4 >= c)
      printf "%s coverage of %s: %s %% of statements, %s %% of branches, %s %% MC/DC (floor %s %s %s)\n", ok ? "PASS" : "FAIL", r, $2, $3, $4, s, b, c }
    END { if (!found) print "FAIL coverage of " r ": not counted" }' $tree/rooms
done < <(grep -v '^#' $floor)
if tools/uncovered >$tree/uncovered; then
  echo "PASS each uncovered branch and condition of the core rooms has its reason: $(tail -n 1 $tree/uncovered)"
else
  cat $tree/uncovered
  echo 'FAIL uncovered branches or conditions of the core rooms have no reason in tests/coverage/justified'
fi
