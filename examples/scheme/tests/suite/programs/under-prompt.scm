;; Suspends under prompts, inside shift's body, and inside a composable
;; continuation that is called twice.
(import (scheme base) (scheme write) (segno control))
(define (show x) (write x) (newline))
(define tag (make-continuation-prompt-tag 'under))
(show (call-with-continuation-prompt
        (lambda () (+ 1 (abort-current-continuation tag (suspend! 'abort-with))))
        tag
        (lambda (x) (list 'handler x (suspend! 'in-handler)))))
(show (reset (+ 1 (shift k (let* ((a (k (suspend! 'first))) (b (k (suspend! 'second)))) (- a b))))))
(define k (reset (let ((n 0)) (shift k k) (set! n (+ n (suspend! (list 'n n)))) n)))
(show (k #f))
(show (k #f))
(show (reset (cons 'a (reset (shift f (shift g (list (suspend! 'inner))))))))
(show (prompt (+ 1 (control k (k (control j (j (suspend! 'control))))))))
(show (reset0 (list 0 (reset0 (list 1 (shift0 j (shift0 k (list 'out (k (j (suspend! 'zero)))))))))))
(show (call-with-continuation-prompt
        (lambda ()
          (* 2 (call-with-composable-continuation (lambda (k) (k (k (suspend! 'composable)))) tag)))
        tag))
(show (reset-at tag (list 'outer (reset (list 'inner (shift-at tag k (let* ((a (k (suspend! 1))) (b (k (suspend! 2)))) (list a b))))))))
