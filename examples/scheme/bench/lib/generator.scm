; A generator is a procedure of no arguments. It gives what body passes to yield, one value a
; call, and then #f. Each way is a call/cc and a call of what an earlier one captured.
(define (make-generator body)
  (define leave #f)
  (define enter #f)
  (define (yield value)
    (call-with-current-continuation
      (lambda (rest)
        (set! enter rest)
        (leave value))))
  (set! enter
    (lambda (ignored)
      (body yield)
      (set! enter (lambda (ignored) (leave #f)))
      (leave #f)))
  (lambda ()
    (call-with-current-continuation
      (lambda (caller)
        (set! leave caller)
        (enter #f)))))
