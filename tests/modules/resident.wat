;; Takes memory of every kind that a running guest can take, and touches it.
(module
  (memory (export "memory") 1 4096)
  (table $t 1 4000000 funcref)
  (func $deep (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
  (elem declare func $deep)
  (func (export "recurse") (result i32) (call $deep (i32.const 0)))
  ;; by that many pages; a byte in every 4 KiB of them
  (func (export "pages") (param $count i32) (result i32) (local $at i32) (local $end i32)
    (local.set $at (i32.mul (memory.size) (i32.const 65536)))
    (if (i32.eq (memory.grow (local.get $count)) (i32.const -1)) (then (return (i32.const -1))))
    (local.set $end (i32.mul (memory.size) (i32.const 65536)))
    (loop $more
      (i32.store8 (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $more (i32.lt_u (local.get $at) (local.get $end))))
    (memory.size))
  (func (export "elements") (param i32) (result i32)
    (table.grow $t (ref.func $deep) (local.get 0))))
