;; Suspends inside handlers and guard clauses; the answer decides what
;; raise-continuable returns, and which clause of guard is taken.
(import (scheme base) (scheme write) (segno control))
(define (show x) (write x) (newline))
(show (with-exception-handler
        (lambda (e) (suspend! (list 'handle e)))
        (lambda () (let* ((a (raise-continuable 'first)) (b (raise-continuable 'second))) (- a b)))))
(show (guard (e ((eq? (suspend! 'test) 'yes) (list 'clause e (suspend! 'clause)))) (raise 'x)))
(show (guard (outer (#t (list 'outer outer)))
        (guard (e ((eq? (suspend! 'test) 'yes) 'not-taken)) (raise 'y))))
(show (guard (e ((error-object? e) (list (error-object-message e) (error-object-irritants e))))
        (error "after a suspension:" (suspend! 'irritant))))
(show (guard (e ((string? e) e)) (suspend! 'body) (raise "in the body")))
(show (with-exception-handler
        (lambda (e) (list 'outer e))
        (lambda ()
          (with-exception-handler
            (lambda (e) (raise-continuable (list (suspend! 'inner) e)))
            (lambda () (raise-continuable 'z))))))
(show (guard (e (#t 'car-of-non-pair)) (car (suspend! 'give-a-number))))
