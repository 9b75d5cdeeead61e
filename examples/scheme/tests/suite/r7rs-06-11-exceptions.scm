;; R7RS section 6.11: exceptions; and guard of 4.2.7 in depth.

(import (scheme base) (scheme write) (scheme read) (scheme file))
(include "harness.scm")

(define log '())
(define (note x) (set! log (cons x log)))
(define-syntax logged
  (syntax-rules ()
    ((_ e) (begin (set! log '()) (let ((v e)) (reverse (cons (list 'result v) log)))))))

(section "6.11 with-exception-handler")
(test-output "condition: an-error\n"
             (call/cc
               (lambda (k)
                 (with-exception-handler
                   (lambda (e) (display "condition: ") (write e) (newline) (k 'exception))
                   (lambda () (+ 1 (raise 'an-error)))))))
(test 'exception
      (call/cc
        (lambda (k)
          (with-exception-handler
            (lambda (e) (k 'exception))
            (lambda () (+ 1 (raise 'an-error)))))))
(test '((handled an-error) (result secondary))
      (logged (guard (e (#t 'secondary))
                (with-exception-handler
                  (lambda (e) (note (list 'handled e)) 'returned)
                  (lambda () (+ 1 (raise 'an-error)))))))
(test 65 (with-exception-handler
           (lambda (con) (cond ((string? con) 42) (else 23)))
           (lambda () (+ (raise-continuable "should be a number") 23))))
(test 46 (with-exception-handler
           (lambda (con) (cond ((string? con) 42) (else 23)))
           (lambda () (+ (raise-continuable 'not-a-string) 23))))
(test '((outer (inner x)) (result 11))
      (logged (with-exception-handler
                (lambda (e) (note (list 'outer e)) 10)
                (lambda ()
                  (with-exception-handler
                    (lambda (e) (+ 1 (raise-continuable (list 'inner e))))
                    (lambda () (raise-continuable 'x)))))))
(test 'value (with-exception-handler (lambda (e) 'never) (lambda () 'value)))
(test-values '(1 2) (with-exception-handler (lambda (e) 'never) (lambda () (values 1 2))))
(test-values '(1 2) (with-exception-handler (lambda (e) (values 1 2)) (lambda () (raise-continuable 0))))
(test '((h 1) (h 2) (result (10 20)))
      (logged (with-exception-handler
                (lambda (e) (note (list 'h e)) (* e 10))
                (lambda () (let* ((a (raise-continuable 1)) (b (raise-continuable 2))) (list a b))))))
(test '((outer from-inner-handler) (result done))
      (logged (call/cc
                (lambda (k)
                  (with-exception-handler
                    (lambda (e) (note (list 'outer e)) (k 'done))
                    (lambda ()
                      (with-exception-handler
                        (lambda (e) (raise 'from-inner-handler))
                        (lambda () (raise 'first)))))))))
(test 'outer-again
      (let ((n 0))
        (with-exception-handler
          (lambda (e) 'outer-again)
          (lambda ()
            (with-exception-handler
              (lambda (e) (raise-continuable e))
              (lambda () (raise-continuable 'x)))))))
(test '(in handler in)
      (let ((l '()))
        (dynamic-wind
          (lambda () (set! l (cons 'in l)))
          (lambda ()
            (with-exception-handler
              (lambda (e) (set! l (cons 'handler l)) 0)
              (lambda () (raise-continuable 'x))))
          (lambda () (set! l (cons 'in l))))
        (reverse l)))
(test 7 (let ((p (make-parameter 1)))
          (with-exception-handler
            (lambda (e) (p))
            (lambda () (parameterize ((p 7)) (raise-continuable 'x))))))

(section "6.11 error objects")
(define (null-list? l)
  (cond ((pair? l) #f) ((null? l) #t) (else (error "null-list?: argument out of domain" l))))
(test '("null-list?: argument out of domain" (5))
      (guard (e ((error-object? e) (list (error-object-message e) (error-object-irritants e))))
        (null-list? 5)))
(test '("msg" (1 "two" three (4)))
      (guard (e (#t (list (error-object-message e) (error-object-irritants e))))
        (error "msg" 1 "two" 'three '(4))))
(test '("no irritants" ())
      (guard (e (#t (list (error-object-message e) (error-object-irritants e))))
        (error "no irritants")))
(test '(#t #f #f #f #f)
      (map error-object?
           (list (guard (e (#t e)) (error "x")) 5 "error" 'error '(error "x"))))
(test #t (guard (e ((error-object? e) #t)) (car 5)))
(test #t (guard (e ((error-object? e) #t)) (vector-ref (vector 1 2) 2)))
(test #t (guard (e ((error-object? e) #t)) (raise (guard (e2 (#t e2)) (error "kept")))))
(test '(#f #t) (list (read-error? 'x) (guard (e ((read-error? e) #t)) (read (open-input-string ")")))))
(test #t (guard (e ((read-error? e) #t)) (read (open-input-string "(1 . 2 3)"))))
(test #t (guard (e ((read-error? e) #t)) (read (open-input-string "(1 2"))))
(test '(#f #t)
      (list (file-error? 'x)
            (guard (e ((file-error? e) #t)) (open-input-file "/no/such/directory/at/all"))))
(test '(#f #f) (guard (e (#t (list (read-error? e) (file-error? e)))) (error "plain")))
(test '(1 "s" #\c (l) #(v) #f)
      (map (lambda (x) (guard (e (#t e)) (raise x))) '(1 "s" #\c (l) #(v) #f)))
(test 'proc (guard (e ((procedure? e) (e))) (raise (lambda () 'proc))))

(section "4.2.7 guard")
(test 42 (guard (condition ((assq 'a condition) => cdr) ((assq 'b condition)))
           (raise (list (cons 'a 42)))))
(test '(b . 23) (guard (condition ((assq 'a condition) => cdr) ((assq 'b condition)))
                  (raise (list (cons 'b 23)))))
(test '((outer reraised) (result done))
      (logged (guard (e (#t (note (list 'outer e)) 'done))
                (guard (e ((number? e) (note 'never))) (raise 'reraised)))))
(test 43 (with-exception-handler
           (lambda (e) 42)
           (lambda () (+ 1 (guard (e ((string? e) 0)) (raise-continuable 'passes-through))))))
(test '((in) (out) (clause e) (result v))
      (logged (guard (e (#t (note (list 'clause e)) 'v))
                (dynamic-wind (lambda () (note '(in)))
                              (lambda () (raise 'e))
                              (lambda () (note '(out)))))))
(test '((in) (out) (test) (in) (out) (outer e) (result v))
      (logged (guard (e (#t (note (list 'outer e)) 'v))
                (guard (e ((begin (note '(test)) #f) 0))
                  (dynamic-wind (lambda () (note '(in)))
                                (lambda () (raise 'e))
                                (lambda () (note '(out))))))))
(test '((in) (out) (in) (handler e) (out) (result (back answered)))
      (logged (with-exception-handler
                (lambda (e) (note (list 'handler e)) 'answered)
                (lambda ()
                  (guard (e ((string? e) 0))
                    (dynamic-wind (lambda () (note '(in)))
                                  (lambda () (list 'back (raise-continuable 'e)))
                                  (lambda () (note '(out)))))))))
(test 'param-outside
      (let ((p (make-parameter 'param-outside)))
        (guard (e (#t (p))) (parameterize ((p 'inside)) (raise 1)))))
(test 'from-clause (guard (e ((eq? e 'second) 'from-clause))
                     (guard (e ((eq? e 'first) (raise 'second))) (raise 'first))))
(test 'x (guard (e ((symbol? e) e)) (raise-continuable 'x)))
(test '(e 2) (let ((x 1)) (guard (e (#t (set! x (+ x 1)) (list e x))) (raise 'e))))
(test 3 (guard (e (#f 0) ((assq 'k e) => (lambda (p) (cdr p)))) (raise '((k . 3)))))
(test 'ok (guard (e ((memq 'b e))) 'ok))
(test '(b c) (guard (e ((memq 'b e))) (raise '(a b c))))
(test '(1 2 3)
      (map (lambda (x) (guard (e ((number? e) e)) (raise x))) '(1 2 3)))
(test 10 (let loop ((i 0)) (guard (e ((= e 10) e) (else (loop (+ e 1)))) (raise i))))
(test '(first second)
      (let ((k #f) (seen '()))
        (guard (e (#t (set! seen (cons e seen))))
          (raise (call/cc (lambda (c) (set! k c) 'first))))
        (if (= (length seen) 1) (k 'second))
        (reverse seen)))
(test 'never-raised (guard (e (#t 'bad)) (call/cc (lambda (k) (k 'never-raised)))))
(test 'through
      (guard (e ((eq? e 'deep) 'through))
        (let loop ((n 10000)) (if (= n 0) (raise 'deep) (+ 1 (loop (- n 1)))))))

(report)
