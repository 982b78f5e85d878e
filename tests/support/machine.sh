# machine.sh - an emulated x86-64 machine with a Linux kernel of Debian's and one program, for what
# this machine's processor or kernel does not have. Sourced; `name` says what is tested, `work` is
# the caller's temporary folder. The kernel (about 30 MB) is fetched with apt-get into
# .cache/kernel; nothing of it is installed.  SPDX-License-Identifier: Apache-2.0
cache=$PWD/.cache/kernel

fetch_kernel() { # leaves $cache/vmlinuz
  local package
  [ -f "$cache/vmlinuz" ] && return
  mkdir -p "$cache"
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
  [ -n "$package" ] || return
  (cd "$work" && apt-get -qq download "$package" && dpkg-deb -x ./*.deb kernel) || return
  cp "$work"/kernel/boot/vmlinuz-* "$cache/vmlinuz"
}

need_machine() { # ends with a SKIP line where there can be none
  tools/install keys || { echo "SKIP $name: the emulator cannot be installed"; exit 0; }
  if [ "$(uname -m)" != x86_64 ] || ! command -v qemu-system-x86_64 >/dev/null; then
    echo "SKIP $name: no qemu-system-x86_64, or this is not an x86-64 machine"
    exit 0
  fi
  if ! fetch_kernel >"$work/log" 2>&1 || [ ! -f "$cache/vmlinuz" ]; then
    tail -n 3 "$work/log"
    echo "SKIP $name: the kernel cannot be fetched with apt-get"
    exit 0
  fi
}

boot() { # PROCESSOR [OPTION...]: runs $work/root as its file system; the console goes to $work/said
  (cd "$work/root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd.gz"
  timeout 300 qemu-system-x86_64 -accel tcg -M q35 -cpu "$@" -m 512 -nographic -no-reboot -nodefaults \
    -serial stdio -kernel "$cache/vmlinuz" -initrd "$work/initrd.gz" \
    -append 'console=ttyS0 panic=-1 quiet' </dev/null 2>&1 |
    tr -d '\r' | sed -E 's/\x1b(\[[0-9;?]*)?[a-zA-Z]//g' >"$work/said"
}
