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

;; Where a frame has marks and is left in tail position, its place is taken: by the handler of a
;; prompt, and by the lowest frame of a composable continuation.
(section "frames with marks in tail position")
(test '((7 2))
      (list (with-continuation-mark 'x 1
              (call-with-continuation-prompt
                (lambda () (abort-current-continuation tag 7))
                tag
                (lambda (n) (with-continuation-mark 'x 2 (cons n (marks 'x))))))))
(test '((8 9 1) y)
      (call-with-values
        (lambda ()
          (with-continuation-mark 'x 1
            (call-with-continuation-prompt
              (lambda () (abort-current-continuation tag 8 9))
              tag
              (lambda (m n) (values (append (list m n) (marks 'x)) 'y)))))
        list))
(test '((3) (2) (1) (0))
      (let ((k (call-with-continuation-prompt
                 (lambda () ((call-with-composable-continuation (lambda (k) (lambda () k))))))))
        (let loop ((n 0) (found '()))
          (if (= n 4)
              found
              (with-continuation-mark 'n n (k (lambda () (loop (+ n 1) (cons (marks 'n) found)))))))))
(test '((own) (mine))
      (let ((k (call-with-continuation-prompt
                 (lambda ()
                   (with-continuation-mark 'x 'own
                     ((call-with-composable-continuation (lambda (k) (lambda () k)))))))))
        (with-continuation-mark 'x 'given
          (with-continuation-mark 'y 'mine
            (k (lambda () (list (marks 'x) (marks 'y))))))))
(test '(a)
      (let* ((k (call-with-continuation-prompt
                  (lambda ()
                    (with-continuation-mark 'x 'a
                      ((call-with-composable-continuation (lambda (k) (lambda () k))))))))
             (twice (call-with-continuation-prompt
                      (lambda ()
                        (k (lambda ()
                             (k (lambda ()
                                  ((call-with-composable-continuation
                                     (lambda (k) (lambda () k)))))))))))) 
        (continuation-mark-set->list (continuation-marks twice) 'x)))

(section "sets of marks by prompt")
(test '(b a) (with-continuation-mark 'x 'a (cons 'b (continuation-mark-set->list #f 'x))))
(test '(#(1 #f))
      (with-continuation-mark 'x 1 (continuation-mark-set->list* #f '(x y))))
(test-error (current-continuation-marks (make-continuation-prompt-tag 'nowhere)))
(test-error (continuation-mark-set-first #f 'x #f (make-continuation-prompt-tag 'nowhere)))
(test-error (continuation-marks (call/cc (lambda (k) k)) (make-continuation-prompt-tag 'nowhere)))
(test '(in)
      (continuation-mark-set->list
        (continuation-marks
          (with-continuation-mark 'x 'out
            (values (call-with-continuation-prompt
              (lambda () (with-continuation-mark 'x 'in (values (call-with-current-continuation (lambda (k) k) tag))))
              tag)))
          tag)
        'x))
(test '((s) () ())
      (let ((one (make-continuation-mark-key 'k)) (other (make-continuation-mark-key 'k)))
        (with-continuation-mark one 's (list (marks one) (marks other) (marks 'k)))))

;; A set is looked at down to a prompt.
(test '((c b a) (c b) (c) none c (c) (c b))
      (let ((outer (make-continuation-prompt-tag 'outer)) (inner (make-continuation-prompt-tag 'inner)))
        (with-continuation-mark 'x 'a
          (values
            (call-with-continuation-prompt
              (lambda ()
                (with-continuation-mark 'x 'b
                  (values
                    (call-with-continuation-prompt
                      (lambda ()
                        (with-continuation-mark 'x 'c
                          (let ((all (current-continuation-marks)))
                            (list
                              (continuation-mark-set->list all 'x)
                              (continuation-mark-set->list all 'x outer)
                              (continuation-mark-set->list all 'x inner)
                              (continuation-mark-set-first all 'y 'none inner)
                              (continuation-mark-set-first all 'x 'none inner)
                              (continuation-mark-set->list (current-continuation-marks outer) 'x inner)
                              (continuation-mark-set->list
                                (call/cc (lambda (k) (continuation-marks k))) 'x outer)))))
                      inner))))
              outer)))))

(report)
