; Takeuchi's function: calls and comparisons of small integers.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

(define (tak x y z)
  (if (< y x)
      (tak (tak (- x 1) y z) (tak (- y 1) z x) (tak (- z 1) x y))
      z))

; A unit is a call.
(measure 'tak 63609 7 (lambda () (tak 18 12 6)))
