;; A start function and an initialiser that both take a while; step checks that they ran.
(module (global $n (mut i32) (i32.const 0))
  (func $busy (local $i i32)
    (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $i) (i32.const 3000000))))
    (global.set $n (i32.add (global.get $n) (i32.const 1))))
  (start $busy)
  (func (export "_initialize") (call $busy))
  (func (export "step") (if (i32.ne (global.get $n) (i32.const 2)) (then unreachable))))
