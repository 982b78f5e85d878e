;; A step that never ends by itself.
(module (func (export "step") (loop (br 0))))
