; A loop takes the leaves of a tree from its recursive walk, by call/cc.
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

; The perfect tree of so many levels; its leaves are numbered from first.
(define (perfect levels first)
  (if (= levels 0)
      first
      (let ((half (expt 2 (- levels 1))))
        (cons (perfect (- levels 1) first)
              (perfect (- levels 1) (+ first half))))))

(define ten-levels (perfect 10 1))

; A unit is a leaf.
(measure 'tree-generator 1024 524800
  (lambda ()
    (let ((next (leaves ten-levels)))
      (let loop ((sum 0))
        (let ((leaf (next)))
          (if leaf
              (loop (+ sum leaf))
              sum))))))
