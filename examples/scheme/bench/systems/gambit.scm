(declare (standard-bindings) (extended-bindings) (block))
(define (jiffies-per-second) 1000000000)
(define (current-jiffy)
  (inexact->exact (round (* 1000000000 (real-time)))))
; This system's compiler knows no syntax-rules: they are passed over, for macros of its own kind.
(define-macro (define-syntax name rules) '(begin))
(include "lib/shift.scm")
(define-macro (reset . body) `(call-with-reset (lambda () ,@body)))
(define-macro (shift rest . body) `(call-with-shift (lambda (,rest) ,@body)))
