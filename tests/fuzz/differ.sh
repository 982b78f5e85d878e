#!/bin/bash
# differ.sh DIFFER FIRST COUNT [NODE]: generated modules, run by wrt and by node, must give the
# same transcripts. NODE: another node than the installed one, for instance a newer one, which
# has more features to compare. Exit status 77: there is no node.  SPDX-License-Identifier: Apache-2.0
set -o pipefail
differ=$1 first=$2 count=$3 node=${4:-${WRT_NODE:-node}}
script=$(dirname "$0")/differ.js
if ! command -v "$node" >/dev/null; then
  echo "skipped: there is no node to compare with (Debian package nodejs)"
  exit 77
fi
flags=
for flag in --experimental-wasm-return-call --experimental-wasm-extended-const; do
  "$node" "$flag" -e 0 2>/dev/null && flags="$flags $flag"
done
features=$("$node" $flags "$script" --features) || exit 1
"$differ" "$first" "$count" "$features" | "$node" $flags "$script"
