;; Prompts, delimited control operators, and their puzzles. The names and
;; meanings are Racket's. Winders: control-winders.scm; marks: control-marks.scm.

(import (scheme base) (scheme write) (segno control))
(include "harness.scm")

(section "prompts and aborts")
(test 5 (call-with-continuation-prompt (lambda () 5)))
(test 3 (call-with-continuation-prompt + (default-continuation-prompt-tag) list 1 2))
(test '(handled 1 2)
      (call-with-continuation-prompt
        (lambda () (+ 1 (abort-current-continuation (default-continuation-prompt-tag) 1 2)))
        (default-continuation-prompt-tag)
        (lambda args (cons 'handled args))))
(test 6 (+ 1 (call-with-continuation-prompt
               (lambda ()
                 (+ 100 (abort-current-continuation (default-continuation-prompt-tag) (lambda () 5)))))))
(test 'again
      (call-with-continuation-prompt
        (lambda ()
          (abort-current-continuation (default-continuation-prompt-tag)
            (lambda ()
              (abort-current-continuation (default-continuation-prompt-tag) (lambda () 'again)))))))
(define tag-a (make-continuation-prompt-tag 'a))
(define tag-b (make-continuation-prompt-tag))
(test '(outer 5)
      (call-with-continuation-prompt
        (lambda ()
          (call-with-continuation-prompt
            (lambda () (abort-current-continuation tag-a 5))
            tag-b
            (lambda (x) (list 'inner x))))
        tag-a
        (lambda (x) (list 'outer x))))
(test '(inner 5)
      (call-with-continuation-prompt
        (lambda ()
          (call-with-continuation-prompt
            (lambda () (abort-current-continuation tag-a 5))
            tag-a
            (lambda (x) (list 'inner x))))
        tag-a
        (lambda (x) (list 'outer x))))
(test-error (abort-current-continuation (make-continuation-prompt-tag 'nowhere) 1))
(test-values '(1 2) (call-with-continuation-prompt (lambda () (values 1 2))))
(test '(1 2 3) (call-with-continuation-prompt (lambda args args) tag-a list 1 2 3))
(test 'from-handler
      (call-with-continuation-prompt
        (lambda ()
          (call-with-continuation-prompt
            (lambda () (abort-current-continuation tag-a 1))
            tag-a
            (lambda (x) (abort-current-continuation tag-a 'from-handler))))
        tag-a
        (lambda (x) x)))

(section "composable continuations")
(test 8 (+ 1 (call-with-continuation-prompt
               (lambda ()
                 (* 1 (call-with-composable-continuation (lambda (k) (k (k 7)))))))))
(test 14 (call-with-continuation-prompt
           (lambda () (* 2 (call-with-composable-continuation (lambda (k) 7))))))
(test '(1 (1 (1 . end)))
      (let ((k (call-with-continuation-prompt
                 (lambda ()
                   (cons 1 (call-with-composable-continuation
                             (lambda (k)
                               (abort-current-continuation (default-continuation-prompt-tag)
                                 (lambda () k)))))))))
        (list 1 (list 1 (k 'end)))))
(define (capture-plus n)
  (call-with-continuation-prompt
    (lambda ()
      (+ n (call-with-composable-continuation
             (lambda (k) (abort-current-continuation tag-a k))
             tag-a)))
    tag-a
    (lambda (k) k)))
(test 15 ((capture-plus 5) 10))
(test 115 (+ 100 ((capture-plus 5) 10)))
(test 25 (let ((k (capture-plus 5))) (k (k (k 10)))))
(test 1000005 (let ((k (capture-plus 1))) (let loop ((i 0) (x 5)) (if (= i 1000000) x (loop (+ i 1) (k x))))))
(test-error (call-with-composable-continuation (lambda (k) k) (make-continuation-prompt-tag 'nowhere)))

(section "call/cc under prompts")
(test 6 (call-with-continuation-prompt (lambda () (+ 1 (call/cc (lambda (k) (* 10 (k 5))))))))
(test 6 (call-with-continuation-prompt
          (lambda () (+ 1 (call-with-current-continuation (lambda (k) (* 10 (k 5))) tag-a)))
          tag-a))
(test '(outer 11)
      (let ((k (call-with-continuation-prompt
                 (lambda () (+ 1 (call-with-current-continuation (lambda (k) (abort-current-continuation tag-a k)) tag-a)))
                 tag-a
                 (lambda (k) k))))
        (list 'outer (call-with-continuation-prompt (lambda () (+ 100 (k 10))) tag-a))))
(test-error (let ((k (call-with-continuation-prompt
                       (lambda () (call-with-current-continuation (lambda (k) k) tag-a))
                       tag-a)))
              (k 1)))

(section "shift, reset")
(test 5 (reset 5))
(test 8 (reset (+ 2 (shift k (* 2 (k 2))))))
(test 117 (+ 10 (reset (+ 2 (shift k (+ 100 (k (k 3))))))))
(test 10 (+ 10 (reset (+ 2 (shift k 0)))))
(test '(1 2 3) (reset (cons 1 (shift k (k (cons 2 (shift j (j '(3)))))))))
(test '(a 1 b b c) (cons 'a (reset (cons 'b (shift f (cons 1 (f (f (cons 'c '())))))))))
(test '(1 (2 (3 ()))) (let loop ((l '(1 2 3))) (if (null? l) '() (reset (list (car l) (shift k (k (loop (cdr l)))))))))
(test '(0 10 20) (reset (let ((x (shift k (map k '(0 1 2))))) (* x 10))))
(test '((1 a) (1 b) (2 a) (2 b))
      (reset (let* ((x (shift k (apply append (map k '(1 2))))) (y (shift k (apply append (map k '(a b)))))) (list (list x y)))))
(test 3 (reset (reset (shift k (+ 1 (k 2))))))
(test 13 (+ (reset (+ 1 (shift k (k 2)))) 10))
(test 'thrown (reset (+ 1 (shift k 'thrown))))
(test 60 ((reset (let ((x (shift k k))) (* x 10))) 6))
(test '(60 70) (let ((k (reset (* 10 (shift k k))))) (list (k 6) (k 7))))

(section "the four reductions")
;; What the body's continuation is (does the prompt stay?) tells shift from
;; shift0; what k brings back (does it carry the prompt?) tells shift from control.
(test '(a) (reset (let ((x (shift f (cons 'a (f '()))))) (shift g x))))
(test '() (prompt (let ((x (control f (cons 'a (f '()))))) (control g x))))
(test '(a) (reset0 (let ((x (shift0 f (cons 'a (f '()))))) (shift0 g x))))
(test '() (prompt0 (prompt0 (let ((x (control0 f (cons 'a (f '()))))) (control0 g x)))))
(test '(a) (reset (cons 'a (reset (shift f (shift g '()))))))
(test '(a) (prompt (cons 'a (prompt (control f (control g '()))))))
(test '() (reset0 (cons 'a (reset0 (shift0 f (shift0 g '()))))))
(test '() (prompt0 (cons 'a (prompt0 (control0 f (control0 g '()))))))
(define-syntax define-traversal
  (syntax-rules ()
    ((_ name delimit capture)
     (define (name xs)
       (define (visit xs)
         (if (null? xs) '() (visit (capture k (cons (car xs) (k (cdr xs)))))))
       (delimit (visit xs))))))
(define-traversal by-shift reset shift)
(define-traversal by-control prompt control)
(define-traversal by-shift0 reset0 shift0)
(test '((1 2 3) (3 2 1) (1 2 3))
      (map (lambda (t) (t '(1 2 3))) (list by-shift by-control by-shift0)))

(section "control, shift0, control0")
(test 7 (prompt (+ 2 (control k (k 5)))))
(test 5 (prompt (+ 2 (control k 5))))
(test 18 (prompt (+ (control k (k (k 4))) 7)))
(test '(1 (2) 3)
      (prompt (list 1 (prompt (list (control k (k 2)))) 3)))
(test 5 (prompt (prompt (+ 1 (control k (k 4))))))
(test '(1 2) (reset0 (cons 1 (reset0 (begin (shift0 k (shift0 j (j (k '(2))))))))))
(test '(b a) (reset0 (cons 'a (reset0 (cons 'c (shift0 f (shift0 g (list 'b 'a))))))))
(test '(2 1) (prompt0 (list 0 (prompt0 (+ 10 (control0 f (control0 g '(2 1))))))))
(test 12 (prompt (+ 1 (prompt (+ 10 (control0 k (k 1)))))))
(test 12 (let ((k (reset (+ 2 (shift k k))))) (k 10)))

(section "tagged forms")
(test 15 (reset-at tag-a (+ 10 (reset-at tag-b (+ 100 (shift-at tag-a k (k (shift-at tag-a j 15))))))))
(test 111 (reset-at tag-a (+ 10 (reset-at tag-b (+ 100 (shift-at tag-a k (k 1)))))))
(test 101 (prompt-at tag-a (+ 10 (prompt-at tag-b (+ 100 (control-at tag-a k 101))))))
(test 11 (prompt-at tag-a (+ 10 (prompt-at tag-b (+ 100 (control-at tag-b k 1))))))
(test 121 (prompt-at tag-a (+ 10 (prompt-at tag-b (+ 100 (control-at tag-a k (+ 10 (k 1))))))))
(test 111 (reset0-at tag-a (+ 10 (reset0-at tag-b (+ 100 (shift0-at tag-b k (k 1)))))))
(test 1 (reset0-at tag-a (+ 10 (reset0-at tag-b (+ 100 (shift0-at tag-b k (shift0-at tag-a j 1)))))))
(test 1 (prompt0-at tag-a (+ 10 (prompt0-at tag-b (+ 100 (control0-at tag-b k (control0-at tag-a j 1)))))))
(test 23 (reset-at tag-a (+ 1 (reset-at tag-b (+ 2 (shift-at tag-a k (+ (k 0) 20)))))))

(section "call/1cc")
(test 6 (+ 1 (call/1cc (lambda (k) (* 10 (k 5))))))
(test 51 (+ 1 (call/1cc (lambda (k) (* 10 5)))))
(test 'found (call/1cc (lambda (return) (for-each (lambda (x) (if (= x 3) (return 'found))) '(1 2 3 4)) 'no)))
(test-values '(1 2) (call/1cc (lambda (k) (k 1 2))))

(section "barriers")
(test 5 (call-with-continuation-barrier (lambda () 5)))
(test 'out (call/cc (lambda (k) (call-with-continuation-barrier (lambda () (k 'out))))))
(test 7 (call-with-continuation-barrier (lambda () (+ 1 (call/cc (lambda (k) (k 6)))))))
(test 9 (call-with-continuation-barrier (lambda () (reset (+ 2 (shift k (k (k 5))))))))
(test 'aborted
      (call-with-continuation-prompt
        (lambda () (call-with-continuation-barrier (lambda () (abort-current-continuation tag-a 'aborted))))
        tag-a
        (lambda (x) x)))
(test-error (call-with-continuation-prompt
              (lambda () (call-with-continuation-barrier
                           (lambda () (call-with-composable-continuation (lambda (k) k)))))))
(test-error (let ((k #f) (n 0))
              (call-with-continuation-barrier (lambda () (call/cc (lambda (c) (set! k c)))))
              (set! n (+ n 1))
              (if (= n 1) (k 1) n)))

(report)
