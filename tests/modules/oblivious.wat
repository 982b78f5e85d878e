;; A guest of wrt_oblivious (tests/unit/wasi_oblivious.c).  SPDX-License-Identifier: Apache-2.0
(module
  (import "wrt_oblivious" "create" (func $create (param i32 i32) (result i32)))
  (import "wrt_oblivious" "access" (func $access (param i32 i64 i32 i32) (result i32)))
  (import "wrt_oblivious" "destroy" (func $destroy (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "create") (param i32 i32) (result i32) (call $create (local.get 0) (local.get 1)))
  (func (export "destroy") (param i32) (result i32) (call $destroy (local.get 0)))
  (func (export "access") (param i32 i64 i32 i32) (result i32)
    (call $access (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  ;; writes count squares, reads them back: the number of those that are right
  (func (export "squares") (param $handle i32) (param $count i32) (result i32)
    (local $i i32) (local $right i32)
    (loop $put
      (i32.store (i32.const 0) (i32.mul (local.get $i) (local.get $i)))
      (drop (call $access (local.get $handle) (i64.extend_i32_u (local.get $i)) (i32.const 1) (i32.const 0)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $put (i32.lt_u (local.get $i) (local.get $count))))
    (local.set $i (i32.const 0))
    (loop $get
      (i32.store (i32.const 0) (i32.const -1))
      (drop (call $access (local.get $handle) (i64.extend_i32_u (local.get $i)) (i32.const 0) (i32.const 0)))
      (local.set $right (i32.add (local.get $right)
        (i32.eq (i32.load (i32.const 0)) (i32.mul (local.get $i) (local.get $i)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $get (i32.lt_u (local.get $i) (local.get $count))))
    (local.get $right))
  (func (export "_start")
    (if (i32.ne (call $create (i32.const 100) (i32.const 8)) (i32.const 0)) (then unreachable))))
