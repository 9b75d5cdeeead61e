; Fibonacci's numbers, each call of which returns by calling a captured continuation.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

(define (fibc n return)
  (if (< n 2)
      (return n)
      (return
        (+ (call-with-current-continuation (lambda (return) (fibc (- n 1) return)))
           (call-with-current-continuation (lambda (return) (fibc (- n 2) return)))))))

; A unit is a call.
(measure 'fibc 8361 2584
  (lambda ()
    (call-with-current-continuation (lambda (return) (fibc 18 return)))))
