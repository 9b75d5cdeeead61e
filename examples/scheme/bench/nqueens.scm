; All ways to place eight queens that leave one another alone.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

; placed has the columns of the queens so far, the nearest row first.
(define (safe? column placed)
  (let loop ((placed placed) (distance 1))
    (or (null? placed)
        (and (not (= column (car placed)))
             (not (= distance (abs (- column (car placed)))))
             (loop (cdr placed) (+ distance 1))))))

(define (solutions size)
  (let place ((rows size) (placed '()))
    (if (= rows 0)
        1
        (let try ((column 1) (count 0))
          (cond
            ((> column size) count)
            ((safe? column placed)
             (try (+ column 1) (+ count (place (- rows 1) (cons column placed)))))
            (else (try (+ column 1) count)))))))

; A unit is a call of safe?.
(measure 'nqueens 15720 92 (lambda () (solutions 8)))
