# tests/support/arm64.sh: sourced in the project's root. The tests' libraries for AArch64, from Debian's
# packages for arm64, unpacked into .cache/arm64; nothing is installed.
# SPDX-License-Identifier: Apache-2.0
libraries=$PWD/.cache/arm64/root

fetch_libraries() {
  local work=$PWD/.cache/arm64 deb options
  [ -f "$libraries/usr/include/cmocka.h" ] && return
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$libraries"
  options=(-qq -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache"
    -o APT::Architecture=arm64 -o APT::Architectures::=arm64)
  (cd "$work" && apt-get "${options[@]}" update &&
    apt-get "${options[@]}" download libcmocka0 libcmocka-dev libcjson1 libcjson-dev) || return
  for deb in "$work"/*.deb; do dpkg -x "$deb" "$libraries" || return; done
}
