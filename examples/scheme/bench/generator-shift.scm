; A loop takes values from a generator that counts, by shift.
(import (scheme base) (scheme write) (scheme time) (segno control))
(include "lib/measure.scm")

; A pair of a value and of the procedure that asks for the next such pair, or #f.
(define (count-to limit)
  (reset
    (do ((i 1 (+ i 1)))
        ((> i limit) #f)
      (shift rest (cons i rest)))))

(define (sum-of-yields count)
  (let loop ((item (count-to count)) (sum 0))
    (if item
        (loop ((cdr item) #f) (+ sum (car item)))
        sum)))

; A unit is a yield and the call that asks for it, at the depths of generator.
(define (measure-at depth name)
  (at-depth depth
    (lambda ()
      (measure name 1000 500500 (lambda () (sum-of-yields 1000))))))

(measure-at 10 'generator-shift)
(measure-at 10000 'generator-shift-deep)
