; Who lives on which of five floors, by trial: amb goes on with the next choice whenever a
; requirement fails, through continuations that are entered many times.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

(define pending '()) ; continuations of the choices not yet exhausted, the latest first
(define tried 0)

(define (fail)
  (let ((latest (car pending)))
    (set! pending (cdr pending))
    (latest latest)))

(define (amb choices)
  (let ((again (call-with-current-continuation (lambda (again) again))))
    (if (null? choices)
        (fail)
        (let ((choice (car choices)))
          (set! choices (cdr choices))
          (set! pending (cons again pending))
          (set! tried (+ tried 1))
          choice))))

(define (require-that condition)
  (when (not condition) (fail)))

(define (apart? one other)
  (> (abs (- one other)) 1))

; Of five people nobody shares a floor. Ann is not at the top and Bob not on the ground. Cem is
; at neither end. Dee lives above Bob. Eve and Cem are no neighbours, nor are Cem and Bob.
(define (floors)
  (set! pending '())
  (set! tried 0)
  (let* ((all '(1 2 3 4 5))
         (ann (amb all))
         (bob (amb all))
         (cem (amb all))
         (dee (amb all))
         (eve (amb all)))
    (require-that (not (= ann 5)))
    (require-that (not (= bob 1)))
    (require-that (not (or (= cem 1) (= cem 5))))
    (require-that (> dee bob))
    (require-that (apart? eve cem))
    (require-that (apart? cem bob))
    (require-that (distinct? (list ann bob cem dee eve)))
    (list ann bob cem dee eve tried)))

(define (distinct? floors)
  (or (null? floors)
      (and (not (memv (car floors) (cdr floors)))
           (distinct? (cdr floors)))))

; A unit is a choice tried; the last number of the result says how many there were.
(measure 'amb 1840 '(3 2 4 5 1 1840) floors)
