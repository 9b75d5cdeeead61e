;; R7RS section 4.3: macros.

(import (scheme base) (scheme write))
(include "harness.scm")

(section "4.3.1 let-syntax, letrec-syntax")
(test 'now
      (let-syntax ((given-that (syntax-rules ()
                                 ((_ test stmt1 stmt2 ...)
                                  (if test (begin stmt1 stmt2 ...))))))
        (let ((if #t))
          (given-that if (set! if 'now))
          if)))
(test 'outer
      (let ((x 'outer))
        (let-syntax ((m (syntax-rules () ((m) x))))
          (let ((x 'inner)) (m)))))
(test 7
      (letrec-syntax
          ((my-or (syntax-rules ()
                    ((my-or) #f)
                    ((my-or e) e)
                    ((my-or e1 e2 ...)
                     (let ((temp e1)) (if temp temp (my-or e2 ...)))))))
        (let ((x #f) (y 7) (temp 8) (let odd?) (if even?))
          (my-or x (let temp) (if y) y))))
(test '(outer-m inner)
      (let-syntax ((m (syntax-rules () ((_) 'outer-m))))
        (let-syntax ((m (syntax-rules () ((_) 'inner)))
                     (n (syntax-rules () ((_) (m)))))
          (list (n) (m)))))
(test '(inner inner)
      (let-syntax ((m (syntax-rules () ((_) 'outer-m))))
        (letrec-syntax ((m (syntax-rules () ((_) 'inner)))
                        (n (syntax-rules () ((_) (m)))))
          (list (n) (m)))))
(test #t
      (letrec-syntax ((ev? (syntax-rules () ((_) #t) ((_ x y ...) (od? y ...))))
                      (od? (syntax-rules () ((_) #f) ((_ x y ...) (ev? y ...)))))
        (ev? 1 2 3 4)))
(test 5 (let-syntax ((m (syntax-rules () ((_ v) (begin (define t v) t)))))
          (define x 5) x))
(test 2 (let ((m 1)) (let-syntax ((m (syntax-rules () ((_) 2)))) (m))))
(test 1 (let-syntax ((m (syntax-rules () ((_) 2)))) (let ((m (lambda () 1))) (m))))

(section "4.3.2 pattern language")
(define-syntax be-like-begin
  (syntax-rules ()
    ((be-like-begin name)
     (define-syntax name
       (syntax-rules ()
         ((name expr (... ...)) (begin expr (... ...))))))))
(be-like-begin sequence)
(test 4 (sequence 1 2 3 4))
(test 'ok (let ((=> #f)) (cond (#t => 'ok))))

(define-syntax swap!
  (syntax-rules () ((_ a b) (let ((tmp a)) (set! a b) (set! b tmp)))))
(test '(2 1) (let ((tmp 1) (other 2)) (swap! tmp other) (list tmp other)))

(define-syntax my-if
  (syntax-rules (then else)
    ((_ c then t else e) (if c t e))
    ((_ c then t) (if c t 'nothing))
    ((_ . rest) '(no match))))
(test '(1 2 1 nothing)
      (list (my-if #t then 1 else 2) (my-if #f then 1 else 2)
            (my-if #t then 1) (my-if #f then 1)))
(test '(no match) (my-if #t 1 2))
(test '(no match) (let ((then 1)) (my-if #t then 1)))

(define-syntax under
  (syntax-rules () ((_ _ x _) 'x)))
(test 'b (under a b c))
(define-syntax count-args
  (syntax-rules () ((_) 0) ((_ _ . rest) (+ 1 (count-args . rest)))))
(test 4 (count-args a (b) #(c) "d"))
(define-syntax head-of
  (syntax-rules () ((anything-at-all x . rest) 'x)))
(test 'a (head-of a b c))

(define-syntax tail-pattern
  (syntax-rules () ((_ x ... y z) '((x ...) y z))))
(test '((1 2) 3 4) (tail-pattern 1 2 3 4))
(test '(() 1 2) (tail-pattern 1 2))
(define-syntax dotted-tail
  (syntax-rules () ((_ x ... y . z) '((x ...) y z))))
(test '((1 2) 3 ()) (dotted-tail 1 2 3))
(test '((1 2) 3 4) (dotted-tail 1 2 3 . 4))
(test '(() 1 4) (dotted-tail 1 . 4))
(define-syntax nested-tail
  (syntax-rules () ((_ (x ... y) ... (z w ...)) '((y ...) (x ... ...) z (w ...)))))
(test '((2 5) (1 3 4) 6 (7)) (nested-tail (1 2) (3 4 5) (6 7)))

(define-syntax vector-pattern
  (syntax-rules ()
    ((_ #(x y ...)) '(x (y ...)))
    ((_ #()) 'empty)
    ((_ x) 'other)))
(test '(1 (2 3)) (vector-pattern #(1 2 3)))
(test 'empty (vector-pattern #()))
(test 'other (vector-pattern (1 2 3)))
(define-syntax vector-tail
  (syntax-rules () ((_ #(x ... (y z) w)) '#(w (x ...) z y))))
(test #(5 (1 2) 4 3) (vector-tail #(1 2 (3 4) 5)))
(define-syntax to-vector
  (syntax-rules () ((_ (a b) ...) #(a ... (b a) ...))))
(test #(1 3 (2 1) (4 3)) (to-vector (1 2) (3 4)))

(define-syntax literal-data
  (syntax-rules ()
    ((_ 1) 'one) ((_ "s") 'string) ((_ #\c) 'char) ((_ #t) 'true) ((_ ()) 'nil)
    ((_ 1/2) 'half) ((_ x) 'other)))
(test '(one string char true nil half other)
      (list (literal-data 1) (literal-data "s") (literal-data #\c)
            (literal-data #t) (literal-data ()) (literal-data 1/2) (literal-data 2)))

(define-syntax my-let
  (syntax-rules ()
    ((_ ((n v) ...) body ...) ((lambda (n ...) body ...) v ...))
    ((_ tag ((n v) ...) body ...)
     ((letrec ((tag (lambda (n ...) body ...))) tag) v ...))))
(test 3 (my-let ((a 1) (b 2)) (+ a b)))
(test 120 (my-let f ((n 5)) (if (= n 0) 1 (* n (f (- n 1))))))

(define-syntax flatten2
  (syntax-rules () ((_ ((x ...) ...) ...) '(x ... ... ...))))
(test '(1 2 3 4 5 6) (flatten2 ((1 2) (3)) () ((4) () (5 6))))
(define-syntax outer-constant
  (syntax-rules () ((_ c x ...) '((c x) ...))))
(test '((k 1) (k 2)) (outer-constant k 1 2))
(define-syntax my-let*
  (syntax-rules ()
    ((_ () body ...) (let () body ...))
    ((_ ((x v) rest ...) body ...) (let ((x v)) (my-let* (rest ...) body ...)))))
(test 6 (my-let* ((a 1) (b (+ a 1)) (c (+ b 1))) (+ a b c)))
(define-syntax my-cond
  (syntax-rules (else)
    ((_ (else e ...)) (begin e ...))
    ((_ (c e ...) rest ...) (if c (begin e ...) (my-cond rest ...)))))
(test 'c (my-cond (#f 'a) ((= 1 2) 'b) (else 'c)))

(define-syntax escaped-dots (syntax-rules () ((_ x) '(x (... ...)))))
(test '(1 ...) (escaped-dots 1))
(define-syntax escaped-template (syntax-rules () ((_ x y) '(... (x ... y ...)))))
(test '(1 ... 2 ...) (escaped-template 1 2))
(define-syntax other-ellipsis
  (syntax-rules ::: () ((_ x :::) '(x ::: ...))))
(test '(1 2 3 ...) (other-ellipsis 1 2 3))
(define-syntax define-lister
  (syntax-rules ::: ()
    ((_ name) (define-syntax name (syntax-rules () ((_ (a b ...) ...) '((b ... a) ...)))))))
(define-lister rotate)
(test '((2 3 1) (5 4)) (rotate (1 2 3) (4 5)))
(define-syntax ellipsis-literal
  (syntax-rules (...) ((_ ...) 'dots) ((_ x) 'other)))
(test '(dots other) (list (ellipsis-literal ...) (ellipsis-literal 1)))
(define-syntax underscore-literal
  (syntax-rules (_) ((m _) 'under) ((m x) 'other)))
(test '(under other) (list (underscore-literal _) (underscore-literal 1)))

(section "4.3.2 hygiene")
(define-syntax my-or2
  (syntax-rules () ((_) #f) ((_ e) e) ((_ e r ...) (let ((t e)) (if t t (my-or2 r ...))))))
(test 5 (let ((t 5)) (my-or2 #f t)))
(test 5 (let ((if list) (let vector) (t 5)) (my-or2 #f t)))
(test 5 (let ((my-or2 list) (t 5)) (let-syntax ((m (syntax-rules () ((_ x) x)))) (m t))))
(define global-x 'global)
(define-syntax get-global-x (syntax-rules () ((_) global-x)))
(test 'global (let ((global-x 'local)) (get-global-x)))
(define-syntax set-global-x! (syntax-rules () ((_ v) (set! global-x v))))
(test 'changed (let ((global-x 'local)) (set-global-x! 'changed) (get-global-x)))
(test 'global (begin (set! global-x 'global) (get-global-x)))
(define-syntax while
  (syntax-rules ()
    ((_ c body ...) (let loop () (when c body ... (loop))))))
(test '(3 user)
      (let ((loop 'user) (n 0)) (while (< n 3) (set! n (+ n 1))) (list n loop)))
(define-syntax my-do-twice (syntax-rules () ((_ e) (begin e e))))
(test 2 (let ((n 0)) (my-do-twice (set! n (+ n 1))) n))
(define-syntax bind-it
  (syntax-rules () ((_ name value body) (let ((name value) (hidden 'macro)) body))))
(test '(1 user) (let ((hidden 'user)) (bind-it v 1 (list v hidden))))
(test 'user (let ((hidden 'user)) (bind-it hidden2 1 hidden)))
(define-syntax two-temps
  (syntax-rules () ((_ a) (two-temps a t1)) ((_ a b) (let ((a 1)) (let ((b 2)) (list a b))))))
(test '(1 2) (two-temps t1))
(define-syntax define-getter
  (syntax-rules () ((_ getter value) (begin (define hidden-cell value) (define (getter) hidden-cell)))))
(test '(1 2)
      (let () (define-getter g1 1) (define-getter g2 2) (list (g1) (g2))))
(define-syntax reverse-bind
  (syntax-rules ()
    ((_ () ((n v) ...) body) (let ((n v) ...) body))
    ((_ (v rest ...) (b ...) body) (reverse-bind (rest ...) ((tmp v) b ...) (cons tmp body)))))
(test '(3 2 1) (reverse-bind (1 2 3) () '()))
(define-syntax generate-temps
  (syntax-rules ()
    ((_ (v ...)) (generate-temps (v ...) ()))
    ((_ () ((t v) ...)) (let ((t v) ...) (list t ...)))
    ((_ (v . rest) (acc ...)) (generate-temps rest (acc ... (t v))))))
(test '(1 2 3) (generate-temps (1 2 3)))
(define-syntax quote-it (syntax-rules () ((_ x) 'x)))
(test '(a b) (quote-it (a b)))
(define-syntax inserted-symbol (syntax-rules () ((_) 'inserted)))
(test #t (eq? 'inserted (inserted-symbol)))
(define-syntax inserted-case
  (syntax-rules () ((_ e) (case e ((alpha) 'yes) (else 'no)))))
(test '(yes no) (list (inserted-case 'alpha) (inserted-case 'beta)))
(define-syntax my-cond-with-else
  (syntax-rules () ((_) (cond (#f 'yes) (else 'no)))))
(test 'no (let ((else #f)) (my-cond-with-else)))
(test 'fell (let ((else #f)) (cond (else 'taken) (#t 'fell))))
(test 10 (let loop ((i 0))
           (define-syntax next (syntax-rules () ((_ v) (loop (+ v 1)))))
           (if (= i 10) i (next i))))
(define-syntax my-define (syntax-rules () ((_ n v) (define n v))))
(my-define top-by-macro 11)
(test 11 top-by-macro)
(test 12 (let () (my-define n 12) n))
(define-syntax ten (syntax-rules () ((_) 10)))
(test 20 (let ((x (ten))) (define (ten) 20) (ten)))
(define-syntax make-adder
  (syntax-rules () ((_ n) (lambda (x) (+ x n)))))
(test 15 (let ((x 10)) ((make-adder x) 5)))
(test '(1 2 2)
      (let ((x 1))
        (define-syntax with-x (syntax-rules () ((_ y e) (let ((y 2)) (list x y e)))))
        (let ((x 3)) (with-x x x))))
(define-syntax jabberwocky
  (syntax-rules ()
    ((_ hatter)
     (begin
       (define march-hare 42)
       (define-syntax hatter (syntax-rules () ((_) march-hare)))))))
(jabberwocky mad-hatter)
(test 42 (mad-hatter))
(define-syntax my-letrec-body
  (syntax-rules () ((_ name e) (let () (define (name x) e) (name 4)))))
(test 24 (my-letrec-body f (if (= 1 1) 24 (f 1))))
(define-syntax cps-reverse
  (syntax-rules ()
    ((_ k () acc) (k . acc))
    ((_ k (x . y) (z ...)) (cps-reverse k y (x z ...)))))
(test 2 (cps-reverse - (1 2 5) ()))
(define-syntax keyword-arg
  (syntax-rules ()
    ((_ m a ...) (m a ...))))
(test '(1 2) (keyword-arg let ((a 1) (b 2)) (list a b)))
(define-syntax my-list-of
  (syntax-rules (for in)
    ((_ e for x in l) (map (lambda (x) e) l))))
(test '(1 4 9) (my-list-of (* n n) for n in '(1 2 3)))
(define-syntax literal-through
  (syntax-rules () ((_ e x l) (my-list-of e for x in l))))
(test '(2 3) (literal-through (+ 1 n) n '(1 2)))

(test 4 (let-syntax ((foo (syntax-rules () ((_ e) (+ e 1))))) (let ((+ *)) (foo 3))))
(test 1 (let ((x 1))
          (let-syntax ((foo (syntax-rules ()
                              ((_ y) (let-syntax ((bar (syntax-rules () ((_) (let ((x 2)) y))))) (bar))))))
            (foo x))))
(test 1 (let-syntax ((x (syntax-rules ()))) 1))

(section "4.3.2 expansion order")
(define-syntax m1 (syntax-rules () ((_ x) (m2 x x))))
(define-syntax m2 (syntax-rules () ((_ x y) '(x y))))
(test '(1 1) (m1 1))
(test '((1 . 2)) (let-syntax ((m (syntax-rules () ((_ (a . b)) '((a . b)))))) (m (1 . 2))))
(define-syntax many
  (syntax-rules () ((_ (a b ...) ...) '((a ...) (b ... ...) (b ...) ...))))
(test '((1 4 6) (2 3 5) (2 3) (5) ()) (many (1 2 3) (4 5) (6)))
(define-syntax zip
  (syntax-rules () ((_ (a ...) (b ...)) '((a b) ...))))
(test '((1 3) (2 4)) (zip (1 2) (3 4)))
(define-syntax big-sum (syntax-rules () ((_ x ...) (+ x ...))))
(test 210 (big-sum 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20))

(section "4.3.3 syntax-error")
(define-syntax simple-let
  (syntax-rules ()
    ((_ (head ... ((x . y) val) . tail) body1 body2 ...)
     (syntax-error "expected an identifier but got" (x . y)))
    ((_ ((name val) ...) body1 body2 ...)
     ((lambda (name ...) body1 body2 ...) val ...))))
(test 3 (simple-let ((a 1) (b 2)) (+ a b)))

(report)
