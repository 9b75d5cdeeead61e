;; dynamic-wind together with prompts, delimited continuations and marks.

(import (scheme base) (scheme write) (segno control))
(include "harness.scm")

(define log '())
(define (note x) (set! log (cons x log)))
(define-syntax logged
  (syntax-rules ()
    ((_ e) (begin (set! log '()) (let ((v e)) (reverse (cons (list 'is v) log)))))))
(define (wind name body)
  (dynamic-wind (lambda () (note (list '+ name))) body (lambda () (note (list '- name)))))
(define tag (make-continuation-prompt-tag 'winders))

(section "aborts and winders")
(test '((+ a) (- a) (is 5))
      (logged (call-with-continuation-prompt
                (lambda () (wind 'a (lambda () (abort-current-continuation tag 5))))
                tag (lambda (x) x))))
(test '((+ a) (+ b) (- b) (- a) (is (handler)))
      (logged (call-with-continuation-prompt
                (lambda () (wind 'a (lambda () (wind 'b (lambda () (abort-current-continuation tag))))))
                tag (lambda () '(handler)))))
(test '((+ outside) (+ a) (- a) handler (- outside) (is 1))
      (logged (wind 'outside
                    (lambda ()
                      (call-with-continuation-prompt
                        (lambda () (wind 'a (lambda () (abort-current-continuation tag))))
                        tag (lambda () (note 'handler) 1))))))

(section "composable continuations and winders")
(test '((+ a) (- a) (+ a) (- a) (is (got 7)))
      (logged (let ((k (reset (wind 'a (lambda () (list 'got (shift k k)))))))
                (k 7))))
(test '((+ a) (- a) (+ a) (- a) (+ a) (- a) (is (1 2)))
      (logged (let ((k (reset (wind 'a (lambda () (shift k k))))))
                (let* ((x (k 1)) (y (k 2))) (list x y)))))
(test '((+ a) (- a) (+ b) (+ a) (- a) (- b) (is 3))
      (logged (let ((k (reset (wind 'a (lambda () (shift k k))))))
                (wind 'b (lambda () (k 3))))))
(test '((+ a) (- a) shifted (+ a) (- a) (is (a (x))))
      (logged (reset (list 'a (wind 'a (lambda () (shift k (begin (note 'shifted) (k '(x))))))))))
(test '((+ a) (+ a) (- a) (- a) (is (1 (1 5))))
      (logged (call-with-continuation-prompt
                (lambda ()
                  (wind 'a (lambda ()
                             (list 1 (call-with-composable-continuation
                                       (lambda (k) (k 5))
                                       (default-continuation-prompt-tag)))))))))
(test '((+ outer) (+ a) (- a) (+ a) (- a) (- outer) (is 9))
      (logged (wind 'outer (lambda ()
                             (let ((k (reset (wind 'a (lambda () (shift k k)))))) (k 9))))))
(test '((+ a) (- a) (+ a) (+ b) (- b) (- a) (is done))
      (logged (reset (wind 'a (lambda ()
                                (shift k (k 1))
                                (wind 'b (lambda () 'done)))))))
(test '((+ a) (+ b) (- b) (- a) (+ a) (+ b) (- b) (- a) (is (2 1)))
      (logged (let ((k (reset (wind 'a (lambda () (list (wind 'b (lambda () (shift k k))) 1))))))
                (k 2))))
(test '((+ a) (- a) (+ a) (- a) (+ a) (- a) (is (y z)))
      (logged (let* ((k (reset (wind 'a (lambda () (let* ((x (shift k k)) (y (shift k k))) (list x y))))))
                     (j (k 'y)))
                (j 'z))))
(test '((+ a) (- a) (+ a) (- a) (is 1))
      (logged (prompt (wind 'a (lambda () (control k (k 1)))))))
(test '((+ a) (- a) (+ a) (- a) (is 1))
      (logged (reset0 (wind 'a (lambda () (shift0 k (k 1)))))))
(test '((+ p) (+ a) (- a) (- p) shifted (is 1))
      (logged (reset-at tag (wind 'p (lambda () (reset (wind 'a (lambda () (shift-at tag k (begin (note 'shifted) 1))))))))))

(section "full continuations and winders")
(test '((+ a) (- a) (+ a) (- a) (is 2))
      (logged (let ((k #f) (n 0))
                (wind 'a (lambda () (call/cc (lambda (c) (set! k c)))))
                (set! n (+ n 1))
                (if (< n 2) (k #f) n))))
(test '((+ a) (+ b) (- b) (+ c) (- c) (+ b) (- b) (- a) (is 2))
      (logged (wind 'a (lambda ()
                         (let ((k #f) (n 0))
                           (wind 'b (lambda () (call/cc (lambda (c) (set! k c)))))
                           (set! n (+ n 1))
                           (if (< n 2) (wind 'c (lambda () (k #f))) n))))))
(test '((+ a) (+ b) (- b) (is-still-in a) (- a) (is 1))
      (logged (wind 'a (lambda ()
                         (reset (call/cc (lambda (k) (wind 'b (lambda () (k 0))))))
                         (note '(is-still-in a))
                         1))))
;; A continuation captured under a prompt shares the winders outside it.
(test '((+ a) (+ b) (- b) (+ b) (- b) (- a) (is again))
      (logged (wind 'a (lambda ()
                         (let ((k (call-with-continuation-prompt
                                    (lambda () (wind 'b (lambda () (call-with-current-continuation (lambda (k) k) tag))))
                                    tag)))
                           (if (procedure? k)
                               (call-with-continuation-prompt (lambda () (k 'again)) tag)
                               k))))))
(test '((+ a) (- a) (+ b) (- b) (+ a) (- a) (is again))
      (logged (let ((k (call-with-continuation-prompt
                         (lambda () (wind 'a (lambda () (call-with-current-continuation (lambda (k) k) tag))))
                         tag)))
                (call-with-continuation-prompt
                  (lambda () (wind 'b (lambda () (k 'again))))
                  tag))))

(section "leaving from inside a winder")
(test '((+ a) post (is from-post))
      (logged (call-with-continuation-prompt
                (lambda ()
                  (dynamic-wind (lambda () (note '(+ a)))
                                (lambda () 'body)
                                (lambda () (note 'post) (abort-current-continuation tag 'from-post))))
                tag (lambda (x) x))))
(test '(pre (is from-pre))
      (logged (call-with-continuation-prompt
                (lambda ()
                  (dynamic-wind (lambda () (note 'pre) (abort-current-continuation tag 'from-pre))
                                (lambda () (note 'body))
                                (lambda () (note 'post))))
                tag (lambda (x) x))))
;; While a post thunk runs, its own winder is already off: leaving it again
;; does not run it twice, and the outer ones still run.
(test '((+ a) (+ b) (- b) (- a) (is second))
      (logged (call-with-continuation-prompt
                (lambda ()
                  (wind 'a (lambda ()
                             (dynamic-wind (lambda () (note '(+ b)))
                                           (lambda () (abort-current-continuation tag 'first))
                                           (lambda () (note '(- b)) (abort-current-continuation tag 'second))))))
                tag (lambda (x) x))))
(test '((+ a) (- b) (- a) (is second))
      (logged (call/cc
                (lambda (k)
                  (wind 'a (lambda ()
                             (dynamic-wind (lambda () #f)
                                           (lambda () (k 'first))
                                           (lambda () (note '(- b)) (k 'second)))))))))
(test '((+ a) in-post (- a) (is value))
      (logged (wind 'a (lambda ()
                         (dynamic-wind (lambda () #f)
                                       (lambda () 'value)
                                       (lambda () (reset (+ 1 (shift k (note 'in-post))))))))))
(test '((+ a) (- a) (is caught))
      (logged (guard (e (#t 'caught)) (reset (wind 'a (lambda () (raise 'x)))))))

;; A winder that runs because of an escape may capture a continuation: the
;; escape is the rest of it.
(section "continuations of winders of an escape")
(define (escaping how after)
  (dynamic-wind (lambda () #f) how after))
(test '((first-odd 7) (is out))
      (logged (call/cc
                (lambda (k)
                  (escaping
                    (lambda () (k 'out))
                    (lambda ()
                      (note (list 'first-odd
                                  (call/cc
                                    (lambda (return)
                                      (for-each (lambda (x) (if (odd? x) (return x))) '(6 7 8 9))
                                      'none))))))))))
(test '(leaving leaving leaving (is (gone 3)))
      (logged (call-with-continuation-prompt
                (lambda ()
                  (let* ((times 0) (leave #f)
                         (value (call/cc
                                  (lambda (k)
                                    (escaping
                                      (lambda () (k 'gone))
                                      (lambda () (call/cc (lambda (l) (set! leave l))) (note 'leaving)))))))
                    (set! times (+ times 1))
                    (if (< times 3) (leave #f) (list value times)))))))
;; An abort goes to the prompt that is there when the continuation is resumed.
(define (aborted-twice capture)
  (let* ((rest #f)
         (first (call-with-continuation-prompt
                  (lambda ()
                    (wind 'a
                      (lambda ()
                        (escaping
                          (lambda () (abort-current-continuation tag 5))
                          (lambda ()
                            (wind 'b (lambda () (capture (lambda (k) (set! rest k)) tag))))))))
                  tag
                  (lambda (x) (list 'first x))))
         (second (wind 'c
                   (lambda ()
                     (call-with-continuation-prompt
                       (lambda () (+ 1 (wind 'd (lambda () (rest #f)))))
                       tag
                       (lambda (x) (list 'second x)))))))
    (list first second)))
(test '((+ a) (+ b) (- b) (- a) (+ c) (+ d) (- d) (+ a) (+ b) (- b) (- a) (- c) (is ((first 5) (second 5))))
      (logged (aborted-twice call-with-current-continuation)))
(test '((+ a) (+ b) (- b) (- a) (+ c) (+ d) (+ a) (+ b) (- b) (- a) (- d) (- c) (is ((first 5) (second 5))))
      (logged (aborted-twice call-with-composable-continuation)))
;; A winder of an escape that a winder of another escape began.
(test '((last 1) (last 2) (is (inner 2)))
      (logged (let* ((times 0) (rest #f))
                (let ((value
                        (call-with-continuation-prompt
                          (lambda ()
                            (escaping
                              (lambda () (abort-current-continuation tag 'outer))
                              (lambda ()
                                (escaping
                                  (lambda () (abort-current-continuation tag 'inner))
                                  (lambda ()
                                    (call-with-current-continuation (lambda (k) (set! rest k)) tag)
                                    (set! times (+ times 1))
                                    (note (list 'last times)))))))
                          tag
                          (lambda (x) x))))
                  (if (< times 2)
                      (call-with-continuation-prompt
                        (lambda () (rest #f)) tag (lambda (x) (list x times)))
                      (list value times))))))
(test '((got 1) (got 2) (is (left left)))
      (logged (reset
                (escaping
                  (lambda ()
                    (abort-current-continuation (default-continuation-prompt-tag) (lambda () 'left)))
                  (lambda () (note (list 'got (shift k (list (k 1) (k 2))))))))))
(test '(caught oops)
      (guard (e ((symbol? e) (list 'caught e)))
        (call/cc (lambda (k) (escaping (lambda () (k 'out)) (lambda () (raise 'oops)))))))
(test 'passed-on
      (guard (outer (#t 'passed-on))
        (call/cc
          (lambda (k)
            (escaping (lambda () (k 'out))
                      (lambda () (guard (e ((string? e) 'wrong)) (raise 'oops))))))))
;; What no guard takes that a winder raises on the way in goes on to the guards around.
(test '(in in (is (caught late)))
      (logged (let ((again #f) (late #f))
                (guard (e ((symbol? e) (list 'caught e)))
                  (guard (e ((string? e) 'wrong))
                    (call-with-continuation-prompt
                      (lambda ()
                        (dynamic-wind
                          (lambda () (note 'in) (if late (raise 'late)))
                          (lambda () (call-with-current-continuation (lambda (k) (set! again k)) tag))
                          (lambda () #f)))
                      tag)
                    (set! late #t)
                    (call-with-continuation-prompt (lambda () (again #f)) tag))))))

;; A winder that runs because a continuation comes in may capture one too: what
;; is left of the way in is the rest of it.
(section "continuations of winders on the way in")
;; Two winders, entered for the second time by `enter`; the *before* of the one
;; that is named calls `at-entry`.
(define (entered name at-entry enter)
  (let ((back #f) (again #f))
    (define (winder this body)
      (dynamic-wind
        (lambda () (note (list '+ this)) (when (and again (eq? this name)) (at-entry)))
        body
        (lambda () (note (list '- this)))))
    (call-with-continuation-prompt
      (lambda ()
        (winder 'a
          (lambda ()
            (winder 'b
              (lambda ()
                (note (list 'in (call-with-composable-continuation
                                  (lambda (k) (set! back k) 0)
                                  tag))))))))
      tag)
    (set! again #t)
    (enter back)))
(define (entered-once name)
  (let ((rest #f))
    (logged
      (begin
        (entered name
          (lambda ()
            (note (list 'rest (call-with-composable-continuation
                                (lambda (k) (set! rest k) 1)
                                (default-continuation-prompt-tag)))))
          (lambda (back)
            (set! log '())
            (call/prompt (lambda () (wind 'c (lambda () (back 5)))))))
        (note 'now)
        (wind 'd (lambda () (rest 2)))
        (note 'once-more)
        (rest 3)
        'done))))
(test '((+ c) (+ a) (rest 1) (+ b) (in 5) (- b) (- a) (- c)
        now (+ d) (+ c) (rest 2) (+ b) (in 5) (- b) (- a) (- c) (- d)
        once-more (+ c) (rest 3) (+ b) (in 5) (- b) (- a) (- c) (is done))
      (entered-once 'a))
(test '((+ c) (+ a) (+ b) (rest 1) (in 5) (- b) (- a) (- c)
        now (+ d) (+ c) (+ a) (rest 2) (in 5) (- b) (- a) (- c) (- d)
        once-more (+ c) (+ a) (rest 3) (in 5) (- b) (- a) (- c) (is done))
      (entered-once 'b))
;; It leaves, and comes back to go on.
(test '((+ a) (+ b) (- a) shifted (+ a) back (in 7) (- b) (- a) (is out))
      (logged
        (entered 'b
          (lambda () (shift k (begin (note 'shifted) (k 0))) (note 'back))
          (lambda (back) (set! log '()) (reset (back 7) 'out)))))
(test '((+ a) (+ b) (- a) (is gone))
      (logged
        (call/ec
          (lambda (leave)
            (entered 'b (lambda () (leave 'gone)) (lambda (back) (set! log '()) (back 0)))))))
;; A winder that runs because shift leaves may shift too.
(test '((+ a) (- a) inner (+ c) outer (- c) (is (1 2)))
      (logged
        (let ((rest #f))
          (reset
            (dynamic-wind
              (lambda () (note '(+ a)))
              (lambda () (shift k (begin (note 'outer) '(1 2))))
              (lambda () (note '(- a)) (shift k (begin (note 'inner) (set! rest k) 0)))))
          (wind 'c (lambda () (reset (rest 5)))))))
;; So may each on that way.
(test '((+ a) (+ b) (- b) (- a) out (+ c) (+ a) (- b) (- a) out (- c) (is 9))
      (logged
        (let* ((rest #f) (times 0))
          (define (captures)
            (call-with-composable-continuation
              (lambda (k) (if (not rest) (set! rest k)))
              (default-continuation-prompt-tag)))
          (define (winder this body)
            (dynamic-wind
              (lambda () (note (list '+ this)))
              body
              (lambda () (captures) (note (list '- this)))))
          (define (leave) (winder 'a (lambda () (winder 'b (lambda () (shift k (begin (note 'out) 9)))))))
          (reset (leave))
          (wind 'c (lambda () (reset (rest 0)))))))
;; Its rest goes on each time.
(test '((+ a) (- a) left left left (is (3 k)))
      (logged
        (let* ((times 0) (rest #f)
               (value (reset
                        (dynamic-wind
                          (lambda () (note '(+ a)))
                          (lambda () (shift k 'k))
                          (lambda ()
                            (note '(- a))
                            (call-with-composable-continuation
                              (lambda (k) (set! rest k))
                              (default-continuation-prompt-tag))
                            (note 'left))))))
          (set! times (+ times 1))
          (reset (rest 0))
          (set! times (+ times 1))
          (list (+ times 1) (reset (rest 0))))))

(section "escape continuations")
(test '((+ a) (- a) (is 3))
      (logged (call/ec (lambda (k) (wind 'a (lambda () (k 3) 4))))))
(test '(1 2) (call-with-values (lambda () (let/ec k (k 1 2))) list))
(test 10 (let/ec k (+ 4 (let/ec k (+ 1 (k 6))))))
(test-error ((let/ec k k) 1))
;; It is found in a composable continuation too, that takes it along.
(test '(out 8)
      (let ((k (call/prompt
                 (lambda ()
                   (let/ec leave
                     (list 'in ((call/comp (lambda (k) (abort/cc (default-continuation-prompt-tag) (lambda () (lambda (x) (k (lambda () (leave (list 'out x))))))))))))))))
        (k 8)))
(test 9 (call/prompt (lambda () (+ 1 (abort 9)))))

(section "generators through winders")
(define (make-tree-walk walk)
  (let ((return #f) (resume #f))
    (lambda ()
      (reset-at tag
        (if resume
            (resume #f)
            (begin (walk (lambda (x) (shift-at tag k (set! resume k) x))) 'end))))))
(test '((+ walk) (- walk) (+ walk) (- walk) (+ walk) (- walk) (is (1 2 end)))
      (logged (let* ((next (make-tree-walk (lambda (yield) (wind 'walk (lambda () (yield 1) (yield 2))))))
                     (a (next)) (b (next)) (c (next)))
                (list a b c))))

(report)
