; Symbolic derivation by x: symbols compared, lists built, map with procedures.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

(define (deriv e)
  (cond
    ((number? e) 0)
    ((symbol? e) (if (eq? e 'x) 1 0))
    ((eq? (car e) '+) (cons '+ (map deriv (cdr e))))
    ((eq? (car e) '-) (cons '- (map deriv (cdr e))))
    ((eq? (car e) '*)
     (list '* e (cons '+ (map (lambda (factor) (list '/ (deriv factor) factor)) (cdr e)))))
    ((eq? (car e) 'square) (list '* 2 (cadr e) (deriv (cadr e))))
    (else (error "cannot derive" e))))

(define (derive-often times)
  (let ((derived (deriv '(- (+ (* a x) (square x) 7) (* b (square y))))))
    (if (= times 1)
        derived
        (derive-often (- times 1)))))

; A unit is an expression of which deriv is called, and there are twelve.
(measure 'deriv 12000
  '(- (+ (* (* a x) (+ (/ 0 a) (/ 1 x))) (* 2 x 1) 0)
      (* (* b (square y)) (+ (/ 0 b) (/ (* 2 y 0) (square y)))))
  (lambda () (derive-often 1000)))
