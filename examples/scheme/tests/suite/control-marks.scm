;; Continuation marks, alone and with captured continuations, winders,
;; parameters and handlers.

(import (scheme base) (scheme write) (segno control))
(include "harness.scm")

(define (marks key) (continuation-mark-set->list (current-continuation-marks) key))
(define (first-mark key) (continuation-mark-set-first #f key 'none))
(define (id x) x)
(define tag (make-continuation-prompt-tag 'marks))

(section "frames and tail position")
(test '(1) (with-continuation-mark 'k 1 (marks 'k)))
(test '() (marks 'k))
(test '(2) (with-continuation-mark 'k 1 (with-continuation-mark 'k 2 (marks 'k))))
(test '(2 1) (with-continuation-mark 'k 1 (id (with-continuation-mark 'k 2 (marks 'k)))))
(test '((1) (2))
      (with-continuation-mark 'a 1 (with-continuation-mark 'b 2 (list (marks 'a) (marks 'b)))))
(test '(2) (let ((f (lambda () (with-continuation-mark 'k 2 (marks 'k))))) (with-continuation-mark 'k 1 (f))))
(test '(2 1) (let ((f (lambda () (with-continuation-mark 'k 2 (marks 'k))))) (with-continuation-mark 'k 1 (id (f)))))
(test '(1) (with-continuation-mark 'k 1 (begin (with-continuation-mark 'k 2 0) (marks 'k))))
(test '(1) (with-continuation-mark 'k 1 (let ((x (with-continuation-mark 'k 2 0))) (marks 'k))))
(test '(inner) (with-continuation-mark 'k 'outer (if #t (with-continuation-mark 'k 'inner (marks 'k)) 0)))
(test 'none (first-mark 'k))
(test 2 (with-continuation-mark 'k 1 (id (with-continuation-mark 'k 2 (first-mark 'k)))))
(test 1 (with-continuation-mark 'k 1 (id (with-continuation-mark 'j 2 (first-mark 'k)))))
(test #f (continuation-mark-set-first #f 'k))
(test 5 (with-continuation-mark 'k 5 (continuation-mark-set-first (current-continuation-marks) 'k)))
(test '(1000000)
      (let loop ((n 0)) (with-continuation-mark 'k n (if (= n 1000000) (marks 'k) (loop (+ n 1))))))
(test '(3 2 1 0)
      (let loop ((n 0)) (with-continuation-mark 'k n (if (= n 3) (marks 'k) (id (loop (+ n 1)))))))
(test '(1) (let ((key (list 'k))) (with-continuation-mark key 1 (marks key))))
(test '() (let ((key (list 'k))) (with-continuation-mark (list 'k) 1 (marks key))))
(test 100000
      (let loop ((n 100000))
        (if (= n 0)
            (length (marks 'deep))
            (id (with-continuation-mark 'deep n (id (loop (- n 1))))))))
(define seen #f)
(define (factorial n)
  (if (= n 0)
      (begin (set! seen (marks 'fact)) 1)
      (* n (with-continuation-mark 'fact n (factorial (- n 1))))))
(test '(6 (1 2 3)) (let ((r (factorial 3))) (list r seen)))
(define (tail-factorial n acc)
  (if (= n 0)
      (begin (set! seen (marks 'fact)) acc)
      (with-continuation-mark 'fact n (tail-factorial (- n 1) (* n acc)))))
(test '(6 (1)) (let ((r (tail-factorial 3 1))) (list r seen)))

(section "immediate marks")
(test 'none (call-with-immediate-continuation-mark 'k id 'none))
(test 1 (with-continuation-mark 'k 1 (call-with-immediate-continuation-mark 'k id 'none)))
(test 'none (with-continuation-mark 'k 1 (id (call-with-immediate-continuation-mark 'k id 'none))))
(test '(11)
      (with-continuation-mark 'k 1
        (call-with-immediate-continuation-mark 'k
          (lambda (v) (with-continuation-mark 'k (+ v 10) (marks 'k))) 0)))

(section "marks of a continuation")
(test '(1) (with-continuation-mark 'k 1
             (call/cc (lambda (c) (continuation-mark-set->list (continuation-marks c) 'k)))))
(test '(2 1)
      (let ((c (with-continuation-mark 'k 1 (id (with-continuation-mark 'k 2 (call/cc id))))))
        (continuation-mark-set->list (continuation-marks c) 'k)))
(test '(outer)
      (with-continuation-mark 'k 'outer
        (id (call-with-continuation-prompt (lambda () (id (marks 'k))) tag))))
(test '(in out)
      (with-continuation-mark 'k 'out
        (id (call-with-continuation-prompt
              (lambda () (with-continuation-mark 'k 'in (marks 'k)))
              tag))))
(test '(in)
      (with-continuation-mark 'k 'out
        (id (call-with-continuation-prompt
              (lambda ()
                (with-continuation-mark 'k 'in
                  (continuation-mark-set->list (current-continuation-marks tag) 'k tag)))
              tag))))

(section "marks in captured continuations")
(test '((2 1) (2 1))
      (let ((k #f) (results '()))
        (let ((r (with-continuation-mark 'k 1
                   (id (with-continuation-mark 'k 2
                         (begin (call/cc (lambda (c) (set! k c))) (marks 'k)))))))
          (set! results (cons r results))
          (if (< (length results) 2) (k #f) results))))
;; The continuation that shift captures ends in a prompt, and marks are seen
;; up to the nearest prompt.
(test '(captured)
      (let ((k (reset (with-continuation-mark 'k 'captured (begin (shift k k) (marks 'k))))))
        (with-continuation-mark 'k 'use (id (k #f)))))
(test '(captured)
      (let ((k (call-with-continuation-prompt
                 (lambda ()
                   (with-continuation-mark 'k 'captured
                     (begin
                       (call-with-composable-continuation
                         (lambda (k) (abort-current-continuation tag k)) tag)
                       (marks 'k))))
                 tag id)))
        (with-continuation-mark 'k 'use (k #f))))
(test '(captured use)
      (let ((k (call-with-continuation-prompt
                 (lambda ()
                   (with-continuation-mark 'k 'captured
                     (begin
                       (call-with-composable-continuation
                         (lambda (k) (abort-current-continuation tag k)) tag)
                       (marks 'k))))
                 tag id)))
        (with-continuation-mark 'k 'use (id (k #f)))))
(test '((1) ())
      (let ((after #f))
        (call/cc (lambda (c) (with-continuation-mark 'k 1 (begin (set! after (marks 'k)) (c #f)))))
        (list after (marks 'k))))
(test '((1) (1) (1))
      (with-continuation-mark 'k 1
        (let ((l '()))
          (dynamic-wind (lambda () (set! l (cons (marks 'k) l)))
                        (lambda () (with-continuation-mark 'j 2 (set! l (cons (marks 'k) l))))
                        (lambda () (set! l (cons (marks 'k) l))))
          l)))

(section "winders see the marks of their own frame")
(test '((1) (1))
      (let ((l '()))
        (with-continuation-mark 'k 1
          (begin
            (call/cc (lambda (out)
                       (dynamic-wind (lambda () (set! l (cons (marks 'k) l)))
                                     (lambda () (with-continuation-mark 'k 2 (begin (out 0) 0)))
                                     (lambda () (set! l (cons (marks 'k) l))))))
            l))))

(section "parameters through re-entry")
(define p (make-parameter 'outside))
(test '(inside outside)
      (let ((k (parameterize ((p 'inside)) (reset (begin (shift k k) (p))))))
        (list (parameterize ((p 'inside)) (k #f)) (p))))
(test '(captured captured here)
      (let ((k (reset (parameterize ((p 'captured)) (begin (shift k k) (p))))))
        (parameterize ((p 'here)) (let* ((a (k #f)) (b (k #f))) (list a b (p))))))
(test '(use use2)
      (let ((k (reset (begin (shift k k) (p)))))
        (let* ((a (parameterize ((p 'use)) (k #f))) (b (parameterize ((p 'use2)) (k #f)))) (list a b))))
(test '(inside inside outside)
      (let ((k #f) (l '()))
        (let ((v (parameterize ((p 'inside)) (call/cc (lambda (c) (set! k c))) (p))))
          (set! l (cons v l))
          (if (< (length l) 2) (k #f) (append l (list (p)))))))
(section "handlers through re-entry")
(test '((handled x) (handled x))
      (let ((k (reset (with-exception-handler
                        (lambda (e) (list 'handled e))
                        (lambda () (shift k k) (raise-continuable 'x))))))
        (let* ((a (k #f)) (b (k #f))) (list a b))))
(test 'by-user
      (let ((k (reset (begin (shift k k) (raise-continuable 'x)))))
        (with-exception-handler (lambda (e) 'by-user) (lambda () (k #f)))))
(test '(caught late)
      (let ((k (reset (guard (e (#t (list 'caught e))) (shift k k) (raise 'late)))))
        (k #f)))

(section "several keys at once")
(define (several keys . missing)
  (apply continuation-mark-set->list* (current-continuation-marks) keys missing))
(define (not-tail x) (values x))
(test '(#(1 2))
      (with-continuation-mark 'a 1 (with-continuation-mark 'b 2 (several '(a b)))))
(test '(#(none 3) #(2 none) #(1 1))
      (with-continuation-mark 'a 1
        (with-continuation-mark 'b 1
          (not-tail
            (with-continuation-mark 'a 2
              (not-tail (with-continuation-mark 'b 3 (not-tail (several '(a b) 'none)))))))))
(test '(#(#f 7)) (with-continuation-mark 'a 7 (several '(b a))))
(test '() (with-continuation-mark 'a 7 (several '(b c))))
(test-error (several 'a))

(report)
