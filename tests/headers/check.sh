#!/bin/bash
# Each public header alone, twice, as C11 and as C++17, by gcc and by clang.
# SPDX-License-Identifier: Apache-2.0
set -u
flags='-Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -fsyntax-only -Iinclude'

one() { # HEADER COMPILER STANDARD LANGUAGE
  if ! command -v "$2" >/dev/null; then
    echo "SKIP $1 as $3 by $2: not installed"
  elif printf '#include "%s"\n#include "%s"\n' "$1" "$1" | "$2" -x "$4" -std="$3" $flags -; then
    echo "PASS $1 as $3 by $2"
  else
    echo "FAIL $1 as $3 by $2"
  fi
}

for header in include/wrt/*.h include/wasm.h; do
  name=${header#include/}
  for cc in "${WRT_GCC:-gcc}" "${WRT_CLANG:-clang-19}"; do
    one "$name" "$cc" c11 c
    one "$name" "$(echo "$cc" | sed 's/gcc/g++/; s/clang/clang++/')" c++17 c++
  done
done

# The umbrella header names every other one.
for header in include/wrt/*.h; do
  name=${header#include/}
  [ "$name" = wrt/wrt.h ] && continue
  grep -q "#include \"$name\"" include/wrt/wrt.h && echo "PASS wrt/wrt.h has $name" ||
    echo "FAIL wrt/wrt.h lacks $name"
done

# Each public function states its cost, not below what was counted. A header without any functions has no line.
if command -v python3 >/dev/null; then
  python3 tests/headers/costs.py tests/timing/counts-gcc-12 docs/assurance/stack.md include/wrt/*.h
else
  echo 'SKIP costs in the headers: no python3'
fi
