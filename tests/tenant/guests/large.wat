;; Needs 64 pages, 4 MiB.
(module (memory 64) (func (export "_start")))
