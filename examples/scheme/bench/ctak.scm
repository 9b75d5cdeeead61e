; Takeuchi's function, in which every call captures a continuation to return through.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

(define (ctak x y z)
  (call-with-current-continuation (lambda (return) (ctak-into return x y z))))

(define (ctak-into return x y z)
  (if (< y x)
      (call-with-current-continuation
        (lambda (return)
          (ctak-into return (ctak (- x 1) y z) (ctak (- y 1) z x) (ctak (- z 1) x y))))
      (return z)))

; A unit is a call, as in tak.
(measure 'ctak 63609 7 (lambda () (ctak 18 12 6)))
