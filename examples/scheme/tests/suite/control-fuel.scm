;; call-with-fuel: (call-with-fuel fuel thunk expired) calls thunk with so
;; many units of fuel. Its values are returned if it ends in time; otherwise
;; expired is called, in the continuation of call-with-fuel, with a procedure
;; that takes more fuel and an expired procedure, and goes on.

(import (scheme base) (scheme write) (segno control))
(include "harness.scm")

(section "call-with-fuel")
(define (forever) (let loop () (loop)))
(define (count-to n) (let loop ((i 0)) (if (= i n) i (loop (+ i 1)))))
(test 5 (call-with-fuel 1000 (lambda () 5) (lambda (go-on) 'expired)))
(test-values '(1 2) (call-with-fuel 1000 (lambda () (values 1 2)) (lambda (go-on) 'expired)))
(test 'expired (call-with-fuel 1000 forever (lambda (go-on) 'expired)))
(test #t
      (let ((rounds 0))
        (define (again go-on) (set! rounds (+ rounds 1)) (go-on 500 again))
        (and (= 10000 (call-with-fuel 500 (lambda () (count-to 10000)) again))
             (> rounds 3))))
(test 'inner-expired
      (call-with-fuel 1000000
        (lambda () (call-with-fuel 1000 forever (lambda (go-on) 'inner-expired)))
        (lambda (go-on) 'outer-expired)))
(test 'outer-expired
      (call-with-fuel 1000
        (lambda () (call-with-fuel 1000000000 forever (lambda (go-on) 'inner-expired)))
        (lambda (go-on) 'outer-expired)))
(test 'raised (guard (e (#t e)) (call-with-fuel 1000 (lambda () (raise 'raised)) (lambda (go-on) 'expired))))
(test '(expired 1000) (let ((x 0))
                        (define (tick) (set! x (if (< x 1000) (+ x 1) x)) (tick))
                        (let ((r (call-with-fuel 100000 tick (lambda (go-on) 'expired)))) (list r x))))
;; Two countdowns take turns.
(test '(a b)
      (let ((ended '()))
        (define (job name n) (lambda () (count-to n) (set! ended (cons name ended)) 'ended))
        (let turn ((queue (list (lambda (fuel expired) (call-with-fuel fuel (job 'a 5000) expired))
                                (lambda (fuel expired) (call-with-fuel fuel (job 'b 20000) expired)))))
          (if (null? queue)
              (reverse ended)
              (let ((left ((car queue) 500 (lambda (go-on) go-on))))
                (turn (if (eq? left 'ended) (cdr queue) (append (cdr queue) (list left)))))))))

(report)
