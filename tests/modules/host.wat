;; A guest of the host functions in tests/unit/engine_host.c.
;; SPDX-License-Identifier: Apache-2.0
(module
  (import "host" "sum" (func $sum (param i32 i64 f32 f64) (result f64)))
  (import "host" "two" (func $two (param i32) (result i32 i64)))
  (import "host" "pause" (func $pause (param i32) (result i32)))
  (import "host" "trap" (func $trap))
  (import "host" "fail" (func $fail))
  (import "host" "exit" (func $exit (param i32)))
  (import "host" "again" (func $again (param i32) (result i32)))
  (import "host" "peek" (func $peek (param i32 i32) (result i32)))
  (import "host" "work" (func $work (param i32)))
  (import "host" "reference" (func $reference (param externref funcref) (result externref)))
  (import "host" "half" (func $half (param f32) (result f32)))
  (import "host" "wide" (func $wide (param i64) (result i64)))
  (import "host" "dirty" (func $dirty (result i32)))
  (import "host" "grow" (func $grow))
  (memory (export "memory") 1 2)
  (data (i32.const 16) "wrt")

  (func (export "sum") (result f64)
    (call $sum (i32.const -1) (i64.const 0x100000000) (f32.const 0.5) (f64.const 0.25)))
  (func (export "two") (param i32) (result i64)
    (call $two (local.get 0)) (i64.add (i64.extend_i32_u (i32.const 0))) (br 0 (i64.add (i64.const 1))))
  (func (export "pause") (param i32) (result i32)
    (i32.add (i32.const 100) (call $pause (i32.add (local.get 0) (i32.const 1)))))
  (func (export "trap") (call $trap))
  (func (export "fail") (call $fail))
  (func (export "exit") (param i32) (call $exit (local.get 0)) unreachable)
  ;; 0 -> 0; n -> 1 + again(n - 1), through the host each time
  (func (export "again") (param i32) (result i32) (local $n i32)
    (loop $pausable
      (br_if $pausable (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3))))
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $again (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "peek") (param i32 i32) (result i32) (call $peek (local.get 0) (local.get 1)))
  (func (export "work") (param i32) (local $n i32)
    (call $work (local.get 0))
    (loop $again
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3)))))
  (func $self (export "reference") (param externref) (result externref)
    (call $reference (local.get 0) (ref.func $self)))
  ;; 42 + 256 + 7
  (func (export "scalars") (result i64)
    (i64.add
      (i64.add (i64.trunc_f32_s (call $half (f32.const 84)))
               (i64.shr_u (call $wide (i64.const 1)) (i64.const 32)))
      (i64.extend_i32_u (call $dirty))))
  ;; a byte of the page that the host adds meanwhile
  (func (export "grown") (result i32) (call $grow) (i32.load8_u (i32.const 65541)))
)
