;; Suspends under dynamic-wind: in the body, in the thunk before, in the
;; thunk after, and with an escape afterwards. No winder runs for a suspension.
(import (scheme base) (scheme write) (segno control))
(define (say . x) (for-each display x) (newline))
(define depth 0)
(define (wind name body)
  (dynamic-wind
    (lambda () (set! depth (+ depth 1)) (say "in " name " at " depth))
    body
    (lambda () (say "out " name " at " depth) (set! depth (- depth 1)))))
(say (wind 'a (lambda () (suspend! 'body))))
(say (wind 'a (lambda () (wind 'b (lambda () (let* ((x (suspend! 1)) (y (suspend! 2))) (- x y)))))))
(dynamic-wind
  (lambda () (say "before " (suspend! 'before)))
  (lambda () (say "during " (suspend! 'during)))
  (lambda () (say "after " (suspend! 'after))))
(say (call/cc (lambda (k) (wind 'c (lambda () (wind 'd (lambda () (k (suspend! 'leaving)))))))))
(define (enter-again)
  (let ((again #f) (rounds 0))
    (wind 'e (lambda () (call/cc (lambda (k) (set! again k))) (say "round " rounds " " (suspend! rounds))))
    (set! rounds (+ rounds 1))
    (if (< rounds 3) (again #f))))
(enter-again)
(say "depth " depth)
