;; Each kind of mistake raises an error object that guard catches, with a
;; message that is a string and irritants that are a list.

(import (scheme base) (scheme write) (scheme char) (scheme inexact) (scheme eval)
        (scheme lazy) (scheme case-lambda) (scheme cxr))
(include "harness.scm")

(define (well-formed? e)
  (and (error-object? e)
       (string? (error-object-message e))
       (positive? (string-length (error-object-message e)))
       (list? (error-object-irritants e))))
(define-syntax test-errors
  (syntax-rules ()
    ((_ e ...) (begin (test-error well-formed? e) ...))))
(define (opaque x) x)
(define-record-type cell (make-cell v) cell? (v cell-v set-cell-v!))

(section "wrong types")
(test-errors
  (car 5) (cdr '()) (set-car! 5 1) (caar '(1)) (cadr '(1)) (cdddr '(1 2))
  (length 5) (length '(1 . 2)) (reverse '(1 . 2)) (append '(1 . 2) '(3)) (list-tail '(1) 2) (list-ref '(1) 1)
  (memq 1 2) (assq 'a '(1))
  (+ 1 'a) (- "1") (* 'x 2) (/ 'x) (< 1 'a) (= 'a 'a) (zero? 'a) (sqrt 'x) (abs "1") (< 1 +i) (max 1 'a)
  (even? 1.5) (exact +inf.0) (exact +nan.0) (number->string 'a) (number->string 10 1) (string->number 5)
  (symbol->string "a") (string->symbol 'a) (string->symbol 5)
  (string-length 5) (string-ref 'a 0) (string-append "a" 5) (string-upcase 'a) (string->list 5)
  (char->integer "a") (char-upcase 65) (char<? #\a "b") (integer->char 'a)
  (vector-length '(1)) (vector-ref '(1) 0) (vector-set! "abc" 0 #\a) (vector->list 5) (list->vector 5)
  (bytevector-u8-ref #(1) 0) (bytevector-append #u8(1) 2) (utf8->string "a") (bytevector 'a)
  (map car 5) (for-each car '(1)) (apply + 1) (apply + 1 '(2 . 3)) (vector-map car #(1))
  (cell-v 5) (set-cell-v! 'a 1) (symbol=? 'a 1)
  (call/cc 5) (dynamic-wind 1 2 3) (call-with-values 1 2)
  (error-object-message 5) (write-char "a") (read-char 5) (close-port 5))

(section "out of range")
(test-errors
  (vector-ref #(1 2) 2) (vector-ref #(1 2) -1) (vector-ref #(1 2) 1.0) (vector-ref #(1 2) (expt 10 30))
  (vector-set! (vector 1) 1 0) (string-ref "ab" 2) (string-set! (make-string 1 #\a) 1 #\b)
  (bytevector-u8-ref #u8(1) 1) (bytevector-u8-set! (bytevector 1) 0 256) (bytevector 256)
  (substring "abc" 2 1) (substring "abc" 0 4) (string-copy "abc" 4) (vector-copy #(1 2) 1 5)
  (vector-fill! (vector 1 2) 0 3) (vector->list #(1 2) 2 1) (integer->char #xD800) (integer->char #x110000)
  (make-vector -1) (make-string -1 #\a) (make-vector 1.5 0) (list-tail '(1 2) 3)
  (exact-integer-sqrt -1) (string->number "1" 37) (make-list -1 0))

(section "arithmetic")
(test-errors
  (/ 1 0) (/ 0 0) (/ 5 1 0) (quotient 1 0) (remainder 1 0) (modulo 1 0) (floor/ 1 0) (truncate-quotient 1 0)
  (floor-remainder 1 0) (expt 0 -1))

(section "calls")
(test-errors
  ((opaque 5)) ((opaque "f") 1) ((opaque '()) 1 2) ((opaque #t)) ((car '(not-a-procedure)))
  ((lambda (x) x)) ((lambda (x) x) 1 2) ((lambda (x . y) x)) ((lambda () 1) 2)
  (car) (car '(1) '(2)) (cons 1) (vector-ref #(1)) ((case-lambda ((a) 1) ((a b c) 2)) 1 2)
  (make-cell) (make-cell 1 2) (cell-v) (apply car '()) (apply (lambda (x) x) '(1 2)) (map (lambda (x) x) '(1) '(2)))

(section "variables")
(test-errors
  no-such-variable
  (no-such-procedure 1)
  (set! no-such-variable-either 1)
  (letrec ((a b) (b 1)) a)
  (letrec* ((a (lambda () b)) (c (a)) (b 1)) c)
  (let () (define a b) (define b 1) a))

(section "syntax, seen by eval")
(define base (environment '(scheme base)))
(test-errors
  (eval '(if) base) (eval '(if 1 2 3 4) base) (eval '(let ((x)) x) base) (eval '(let ((x 1 2)) x) base)
  (eval '(lambda (x x) x) base) (eval '(lambda (1) 1) base) (eval '(quote) base) (eval '(quote 1 2) base)
  (eval '(1 . 2) base) (eval '() base) (eval '(set! 5 1) base) (eval '(cond (else)) base)
  (eval '(let ((x 1))) base) (eval '(lambda (x)) base) (eval 'else base) (eval '(else) base)
  (eval '(let-syntax ((m (syntax-rules () ((_ a) a)))) (m)) base)
  (eval '(let-syntax ((m 5)) 1) base)
  (eval '(let-syntax ((m (syntax-rules () ((_ a ...) (a))))) (m 1)) base)
  (eval '(let-syntax ((m (syntax-rules () ((_) (syntax-error "stop here" 1 2))))) (m)) base)
  (eval '(import-nothing) base) (eval 'if base) (eval '(define-record-type) base)
  (environment '(no such library)) (environment 5))

(section "messages and irritants")
(test '("broken" (1 2)) (guard (e (#t (list (error-object-message e) (error-object-irritants e)))) (error "broken" 1 2)))
(define (irritants-of thunk) (guard (e (#t (error-object-irritants e))) (thunk)))
(test #t (and (member 5 (irritants-of (lambda () (car (opaque 5))))) #t))
(test #t (and (member 7 (irritants-of (lambda () (vector-ref (vector 1 2) 7)))) #t))
(test #t (and (memq 'no-such-variable (irritants-of (lambda () no-such-variable))) #t))
(test '("stop here" (1 2))
      (guard (e (#t (list (error-object-message e) (error-object-irritants e))))
        (eval '(let-syntax ((m (syntax-rules () ((_) (syntax-error "stop here" 1 2))))) (m)) base)))

(section "the program goes on")
(test 'after (begin (guard (e (#t 0)) (car 5)) 'after))
(test '(in out caught)
      (let ((l '()))
        (guard (e (#t (set! l (cons 'caught l))))
          (dynamic-wind (lambda () (set! l (cons 'in l))) (lambda () (car 5)) (lambda () (set! l (cons 'out l)))))
        (reverse l)))
(test 10000 (let loop ((n 0)) (if (= n 10000) n (loop (guard (e (#t (+ n 1))) (vector-ref (vector) n))))))
(test 'deep (guard (e (#t 'deep)) (let loop ((n 100000)) (if (= n 0) (car n) (+ 1 (loop (- n 1)))))))
(test 'seen (call/cc (lambda (k) (with-exception-handler (lambda (e) (k (if (error-object? e) 'seen e))) (lambda () (+ 1 (car 5)))))))
(test 'secondary
      (guard (e ((error-object? e) 'secondary))
        (with-exception-handler (lambda (e) 'returns) (lambda () (+ 1 (raise 'not-continuable))))))

(report)
