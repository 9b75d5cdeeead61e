; A loop takes values from a generator that counts, by call/cc.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")
(include "lib/generator.scm")

(define (sum-of-yields count)
  (let ((next
          (make-generator
            (lambda (yield)
              (do ((i 1 (+ i 1)))
                  ((> i count))
                (yield i))))))
    (let loop ((sum 0))
      (let ((value (next)))
        (if value
            (loop (+ sum value))
            sum)))))

; A unit is a yield and the call that asks for it. At the second depth the same must cost the
; same, unless a capture copies what waits.
(define (measure-at depth name)
  (at-depth depth
    (lambda ()
      (measure name 1000 500500 (lambda () (sum-of-yields 1000))))))

(measure-at 10 'generator)
(measure-at 10000 'generator-deep)
