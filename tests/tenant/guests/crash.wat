;; Traps as soon as it is started.
(module (func (export "_start") unreachable))
