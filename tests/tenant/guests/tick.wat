;; A control loop's step: 1,000 turns over a page of memory, one heartbeat.
(module
  (import "wrt" "heartbeat" (func $heartbeat))
  (memory 1)
  (func (export "step") (local $i i32)
    (call $heartbeat)
    (loop $turn
      (i32.store (i32.mul (local.get $i) (i32.const 4))
        (i32.add (i32.load (i32.mul (local.get $i) (i32.const 4))) (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $turn (i32.lt_u (local.get $i) (i32.const 1000))))))
