#!/bin/bash
# Index masking (-DWRT_INDEX_MASKING=ON) in the interpreter's machine code: each handler that checks
# an index has the mask (cmp, sbb, and) behind its compare; without the option none has. By clang,
# which makes a function of each handler. The attack itself: ./check spectre (by name).
# SPDX-License-Identifier: Apache-2.0
set -u
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cc=${WRT_CLANG:-clang-19}
if [ "$(uname -m)" != x86_64 ] || ! command -v "$cc" >/dev/null || ! command -v objdump >/dev/null; then
  echo 'SKIP index masking: needs x86-64, clang and objdump'
  exit
fi

# Handlers that access memory, an array or a table by an index, or jump by one; those of constant
# addresses (_k) are folded by nobody, so they have it too.
accesses='^op_((i32|i64|f32|f64|v128)_(load|store)|store_(i32|f32|f64)|copy_|atomic_(load|store|add|sub|and|or|xor|xchg|cmpxchg)|array_(get|set)_|call_indirect|return_call_indirect|br_table_[as]|vector_access)'

handlers() { # MASKED: prints "NAME masks" for each handler that accesses
  if ! "$cc" -std=gnu11 -O2 -DNDEBUG -Iinclude -Isrc -ffp-contract=off -fno-math-errno \
      -DWRT_INDEX_MASKING="$1" -c src/engine/interpret.c -o "$work/interpret.o"; then
    echo 'FAIL src/engine/interpret.c does not compile'
    return
  fi
  objdump -d --no-show-raw-insn "$work/interpret.o" | awk -v wanted="$accesses" '
    /^[0-9a-f]+ <.*>:$/ { if (name != "") print name, masks
                          name = $2; gsub(/[<>:]/, "", name); masks = 0; borrow = 0
                          if (name !~ wanted) name = "" }
    $2 == "sbb" { borrow = 1 }
    borrow && $2 == "and" { masks++; borrow = 0 }
    END { if (name != "") print name, masks }'
}

handlers 1 >"$work/masked"
handlers 0 >"$work/plain"
count=$(wc -l <"$work/masked")
if ! grep -q '^op_i32_load_s ' "$work/masked"; then # gcc, or a clang without musttail
  echo "SKIP index masking: $cc makes no functions of handlers"
  exit
fi
missing=$(awk '$2 == 0 { print $1 }' "$work/masked")
if [ -z "$missing" ] && [ "$count" -gt 150 ]; then
  echo "PASS all $count handlers that check an index mask it"
else
  echo "$missing"
  echo "FAIL all $count handlers that check an index mask it"
fi
if [ "$(awk '$2 != 0' "$work/plain" | wc -l)" = 0 ]; then
  echo 'PASS none does without the option, so the check would have found it'
else
  awk '$2 != 0' "$work/plain"
  echo 'FAIL none does without the option'
fi

cat >"$work/mask.c" <<'END'
#include "engine/masking.h"
int main(void)
{
    static const uint64_t values[] = {0, 1, 7, 8, 9, 65535, 65536, 1ull << 31, 1ull << 32, ~0ull >> 1, 1ull << 63, ~0ull};
    enum { COUNT = sizeof values / sizeof values[0] };
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++)
            if (wrt_mask_index(values[i], values[j]) != (values[i] < values[j] ? values[i] : 0))
                return 1;
    return 0;
}
END
for compiler in "${WRT_GCC:-gcc}" "$cc"; do
  for level in -O0 -O2 -O3; do
    if "$compiler" -std=gnu11 $level -Isrc -DWRT_INDEX_MASKING=1 "$work/mask.c" -o "$work/mask" && "$work/mask"; then
      echo "PASS $compiler $level: the mask keeps what is inside and makes 0 of all else"
    else
      echo "FAIL $compiler $level: the mask keeps what is inside and makes 0 of all else"
    fi
  done
done
