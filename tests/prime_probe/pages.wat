;; A tenant with a secret: it reads one of 16 host pages by it, every 64 bytes.
;; SPDX-License-Identifier: Apache-2.0
(module
  (memory 1 1)
  (func $write (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)))
  (start $write)
  (func (export "read") (param $secret i32) (result i32)
    (local $at i32) (local $sum i32)
    (local.set $at (i32.shl (local.get $secret) (i32.const 12)))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 64)))
      (br_if $next (i32.and (local.get $at) (i32.const 4095))))
    (local.get $sum)))
