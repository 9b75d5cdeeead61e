; Whether two trees have the same leaves in the same order, with a coroutine in each: it
; pauses at a leaf, in the middle of its recursion.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")
(include "lib/generator.scm")

(define (leaves tree)
  (make-generator
    (lambda (yield)
      (let walk ((tree tree))
        (if (pair? tree)
            (begin
              (walk (car tree))
              (walk (cdr tree)))
            (yield tree))))))

(define (same-fringe? left right)
  (let ((next-left (leaves left)) (next-right (leaves right)))
    (let loop ()
      (let ((leaf (next-left)))
        (and (eqv? leaf (next-right))
             (or (not leaf) (loop)))))))

; The tree of the integers from low to below high, the first part of which has so many of them
; as (part count) says.
(define (tree low high part)
  (let ((count (- high low)))
    (if (= count 1)
        low
        (let ((middle (+ low (part count))))
          (cons (tree low middle part) (tree middle high part))))))

(define halves (tree 0 1000 (lambda (count) (quotient count 2))))
(define quarters (tree 0 1000 (lambda (count) (quotient (+ count 3) 4))))
(define comb (tree 0 1000 (lambda (count) (- count 1))))

; A unit is a leaf compared with another: two yields. The trees are 10 and 20 levels deep in
; the first line, 10 and 1,000 in the second.
(measure 'same-fringe 1000 #t (lambda () (same-fringe? halves quarters)))
(measure 'same-fringe-comb 1000 #t (lambda () (same-fringe? halves comb)))
