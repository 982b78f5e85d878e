;; SPDX-License-Identifier: Apache-2.0
(module
  (memory (export "memory") 1)
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "id32") (param i32) (result i32) (local.get 0))
  (func (export "id64") (param i64) (result i64) (local.get 0))
  (func (export "id32f") (param f32) (result f32) (local.get 0))
  (func (export "addf") (param f64 f64) (result f64) (f64.add (local.get 0) (local.get 1)))
  (func (export "idref") (param externref) (result externref) (local.get 0))
  (func (export "several") (result i32 i64 f32) (i32.const 1) (i64.const 2) (f32.const 2.5))
  (func (export "nothing") (nop))
  (func (export "idv") (param v128) (result v128) (local.get 0))
  ;; (1 + 2^-12)^2 - (1 + 2^-11): 0 if it is rounded twice
  (func (export "madd") (result f32)
    (f32x4.extract_lane 0 (f32x4.relaxed_madd
      (f32x4.splat (f32.const 0x1.001p0)) (f32x4.splat (f32.const 0x1.001p0))
      (f32x4.splat (f32.const -0x1.002p0)))))
  (func (export "count") (param i32) (result i32) (local i32)
    (loop (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get 1) (local.get 0))))
    (local.get 1))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  ;; The sign and payload of the NaN that 0/0 gives differ between machines.
  (func (export "nanbits") (result i32)
    (local f32)
    (i32.reinterpret_f32 (f32.div (local.get 0) (f32.const 0)))))
