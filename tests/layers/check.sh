#!/bin/bash
# The walls between the rooms (docs/design.md): who may include whom, where an operating
# system may be named, who may allocate.  SPDX-License-Identifier: Apache-2.0
set -u

rank() {
  case $1 in
    base) echo 0 ;;
    arena | sync | integrity | secure) echo 1 ;;
    partition) echo 2 ;;
    memory) echo 3 ;;
    engine) echo 4 ;;
    aot | wasi | capi) echo 5 ;;
    tenant) echo 6 ;;
    *) echo 9 ;;
  esac
}

verdict() { # TEXT VIOLATIONS
  if [ -z "$2" ]; then echo "PASS $1"; else printf '%s\n' "$2"; echo "FAIL $1"; fi
}

upward() {
  local file room include other
  for file in src/*/*.[ch]; do
    [ -f "$file" ] || continue
    room=${file#src/} room=${room%%/*}
    sed -n 's/^ *# *include *"\([a-z_]*\)\/[^"]*".*/\1/p' "$file" | sort -u | while read -r other; do
      [ "$other" = wrt ] || [ "$other" = "$room" ] && continue
      [ "$(rank "$other")" -lt "$(rank "$room")" ] || echo "$file includes $other/"
    done
  done
}
verdict 'includes point one way' "$(upward)"

verdict 'the port is included only by rooms that may' "$(
  grep -lE '# *include *"port[a-z_]*\.h"' -r src --include='*.[ch]' 2>/dev/null |
    grep -vE '^src/(aot|arena|memory|partition|sync|secure|tenant|wasi)/|^src/port')"

verdict 'no operating system is tested for outside port/ and sim/' "$(
  grep -rnE '^[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif).*(__linux|__QNX|__unix|__APPLE|_WIN32|__BSD)' \
    src include cli)"

verdict 'nothing in src/ but src/capi allocates from the heap' "$(
  grep -rnE '\b(malloc|calloc|realloc|strdup|strndup|asprintf|alloca)[[:space:]]*\(' src |
    grep -vE '^src/capi/|^[^:]+:[0-9]+:[[:space:]]*(/?\*|//)')"

verdict 'the command line and the examples use only public headers' "$(
  grep -rnE '# *include *"(base|arena|sync|integrity|secure|partition|memory|engine|wasi|tenant|port)[/._]' \
    cli examples)"

verdict 'every source file names its licence' "$(
  { find * -path 'build*' -prune -o \
      \( -name '*.[ch]' -o -name '*.cmake' -o -name '*.sh' -o -name CMakeLists.txt \) -type f -print
    echo run check .ci/run bench/run tools/install tools/build-tree proofs/install proofs/run proofs/prove proofs/record proofs/handlers | tr ' ' '\n'
  } | while read -r f; do head -n 30 "$f" | grep -q SPDX-License-Identifier || echo "$f"; done)"
