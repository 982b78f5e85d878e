;; A tenant with a secret: it looks a block of 64 bytes up by it, in a plain table of 64 blocks or
;; in an oblivious store.  SPDX-License-Identifier: Apache-2.0
(module
  (import "wrt_oblivious" "create" (func $create (param i32 i32) (result i32)))
  (import "wrt_oblivious" "access" (func $access (param i32 i64 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "create") (drop (call $create (i32.const 64) (i32.const 64))))
  (func (export "plain") (param $secret i32) (result i32)
    (i32.load (i32.add (i32.const 65536) (i32.shl (local.get $secret) (i32.const 6)))))
  (func (export "oblivious") (param $secret i32) (result i32)
    (drop (call $access (i32.const 0) (i64.extend_i32_u (local.get $secret)) (i32.const 0) (i32.const 256)))
    (i32.load (i32.const 256))))
