;; Ends at once; as step, does nothing.
(module (func (export "_start")) (func (export "step")))
