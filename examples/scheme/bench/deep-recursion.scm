; A recursion that is not a tail call, a million deep.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

(define (depth n)
  (if (= n 0)
      0
      (+ 1 (depth (- n 1)))))

; A unit is a call and its return.
(measure 'deep-recursion 1000000 1000000 (lambda () (depth 1000000)))
