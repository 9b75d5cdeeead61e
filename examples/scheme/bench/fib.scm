; Fibonacci's numbers by the double recursion.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

(define (fib n)
  (if (< n 2)
      n
      (+ (fib (- n 1)) (fib (- n 2)))))

; A unit is a call.
(measure 'fib 242785 75025 (lambda () (fib 25)))
