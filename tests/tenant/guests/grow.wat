;; Grows its memory and writes to every new page, for ever.
(module (memory 1)
  (func (export "_start") (local $old i32)
    (loop
      (local.set $old (memory.grow (i32.const 1)))
      (if (i32.ne (local.get $old) (i32.const -1))
        (then (i32.store (i32.shl (local.get $old) (i32.const 16)) (i32.const 1))))
      (br 0))))
