;; Imports what nobody provides.
(module (import "moon" "base" (func)) (func (export "_start")))
