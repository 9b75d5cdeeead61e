;; A search by backtracking that suspends before each try: continuations
;; taken before a suspension are entered after it.
(import (scheme base) (scheme write) (segno control))
(define fail #f)
(define tries 0)
(define (amb choices)
  (let ((saved fail))
    (call/cc
      (lambda (return)
        (for-each
          (lambda (choice)
            (call/cc (lambda (next) (set! fail (lambda () (next #f))) (return choice))))
          choices)
        (set! fail saved)
        (fail)))))
(call/cc
  (lambda (none)
    (set! fail (lambda () (none 'none)))
    (let* ((a (amb '(1 2 3))) (b (amb '(1 2 3))))
      (set! tries (+ tries 1))
      (let ((verdict (suspend! (list a b))))
        (display (list 'try tries a b verdict)) (newline)
        (if (eq? verdict 'wrong) (fail))
        (display (list 'found a b)) (newline)))))
(write tries) (newline)
