#!/bin/bash
# What `cmake --install` gives is enough for an outside project: the examples build against it
# by CMake package and by pkg-config, with either library, and print what they should. And the
# installed library is hardened and exports nothing but its interface.
# SPDX-License-Identifier: Apache-2.0
set -u
tree=$PWD/build-release
prefix=$tree/installed
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

verdict() { # TEXT COMMAND...
  local text=$1
  shift
  if "$@" >"$work/log" 2>&1; then echo "PASS $text"; else cat "$work/log"; echo "FAIL $text"; fi
}

prints() { # EXPECTED COMMAND...
  local expected=$1
  shift
  "$@" >"$work/out" || return 1
  cat "$work/out"
  grep -qE "$expected" "$work/out"
}

tools/build-tree release release "${CC:-cc}" || { echo 'FAIL release build'; exit 1; }
rm -rf "$prefix"
verdict 'examples build by find_package with the static library' examples/build "$tree"
embed='^average 23, [0-9]+ instructions$'
verdict 'embed runs' prints "$embed" "$tree/examples/embed" "$tree/examples/filter.wasm"
verdict 'two-tenants: the telemetry tenant reports' prints '^telemetry: 599 samples' \
  "$tree/examples/two-tenants" "$tree/examples" examples/data
verdict 'two-tenants: the greedy tenant is refused and ends well' prints \
  '^planner +exit 0; memory .* limit 4096 KiB, [1-9][0-9]* refused; fuel [1-9][0-9]* in [0-9]+ slices' \
  "$tree/examples/two-tenants" "$tree/examples" examples/data

if command -v ninja >/dev/null; then export CMAKE_GENERATOR=Ninja; fi
verdict 'examples build by find_package with the shared library' cmake -S examples -B "$work/shared" \
  -DCMAKE_PREFIX_PATH="$prefix" -DEXAMPLES_SHARED=ON
verdict 'they link' cmake --build "$work/shared" -j 2
verdict 'embed runs with the shared library' prints "$embed" "$work/shared/embed" "$tree/examples/filter.wasm"

pc=$(dirname "$(find "$prefix" -name wrt.pc)")
flags() { PKG_CONFIG_PATH=$pc pkg-config "$@" wrt; }
verdict 'pkg-config knows the version' prints '^0\.1\.0$' flags --modversion
verdict 'embed builds by pkg-config' ${WRT_GCC:-cc} -std=c11 -o "$work/embed" examples/embed.c \
  $(flags --cflags --libs)
verdict 'embed runs by pkg-config' prints "$embed" env LD_LIBRARY_PATH="$(flags --variable=libdir)" \
  "$work/embed" "$tree/examples/filter.wasm"
verdict 'embed builds by pkg-config --static' ${WRT_GCC:-cc} -std=c11 -o "$work/embed" \
  examples/embed.c $(flags --cflags) "$(flags --variable=libdir)/libwrt.a" -lm -pthread
mkdir "$work/elsewhere" && cp -r "$prefix/." "$work/elsewhere"
pc=$(dirname "$(find "$work/elsewhere" -name wrt.pc)")
verdict 'an installed tree can be moved' prints "$work/elsewhere" flags --cflags

# ---- what was built ----
library=$(find "$prefix" -name libwrt.so)
program=$prefix/bin/wrt
verdict 'the shared library exports only wrt_ and wasm_ names' test -z \
  "$(nm -D --defined-only "$library" | awk '{ print $3 }' | grep -vE '^(wrt|wasm)_')"
# (Macros declare most of wasm.h, so what the preprocessor makes of it is searched.)
for header in wrt/wrt.h wasm.h; do
  echo "#include <$header>" | ${WRT_GCC:-cc} -E -P -Iinclude -x c -
done >"$work/declared"
verdict 'every exported name is declared in a public header' test -z "$(
  nm -D --defined-only "$library" | awk '{ print $3 }' | while read -r name; do
    grep -qw "$name" "$work/declared" || echo "$name"
  done)"
# (wrt/tenant.h is of another library, wrt_supervise.)
verdict 'every function of the public headers is exported' test -z "$(
  ls include/wrt/*.h | grep -v tenant.h | xargs cat | tr '\n' ' ' | grep -oE 'WRT_API [^;{]*\(' | grep -oE 'wrt_[a-z0-9_]+ ?\($|wrt_[a-z0-9_]+\(' |
    grep -oE 'wrt_[a-z0-9_]+' | sort -u | while read -r name; do
      nm -D --defined-only "$library" | grep -qw "$name" || echo "$name"
    done)"
# (libgcc_s is the compiler's own: it walks the stack for a report of port/linux.)
verdict 'the library needs only the C library' test -z "$(
  readelf -d "$library" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|libpthread|libgcc_s|ld-linux.*)\.so')"
for file in "$library" "$program"; do
  name=$(basename "$file")
  verdict "$name: all relocations are read-only after start" prints 'BIND_NOW|FLAGS.*NOW' readelf -d "$file"
  verdict "$name: has a read-only-after-relocation segment" prints GNU_RELRO readelf -lW "$file"
  verdict "$name: its stack is not executable" prints 'GNU_STACK.* RW  ' readelf -lW "$file"
  verdict "$name: no segment is writable and executable" test -z "$(readelf -lW "$file" | grep 'LOAD.* RWE ')"
  verdict "$name: is position independent" prints 'Type: +DYN' readelf -h "$file"
  verdict "$name: has stack protectors" prints __stack_chk_fail nm -D "$file"
done
verdict 'the program uses fortified calls' prints '_chk@' nm -D "$program"
