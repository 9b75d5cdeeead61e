;; Loops that capture a hundred thousand times or a million times: apart,
;; for where every capture is saved they take too long.

(import (scheme base) (scheme write) (segno control))
(include "harness.scm")

(section "captures in loops")
(test 100000
      (let ((k (reset (let loop ((n 0)) (shift k k) (loop (+ n 1))))) (count 0))
        (let loop ((k k) (n 0)) (if (= n 100000) n (loop (k #f) (+ n 1))))))
(test 1000000 (let loop ((i 0)) (if (= i 1000000) i (loop (call/cc (lambda (k) (+ i 1)))))))
(test 1000000 (let loop ((i 0)) (if (= i 1000000) i (loop (call/cc (lambda (k) (k (+ i 1))))))))
(test 1000000 (let loop ((i 0)) (if (= i 1000000) i (loop (reset (+ 1 (shift k (k i))))))))

(section "tail calls through control")
(test 'done (let loop ((n 1000000)) (if (= n 0) 'done (call/cc (lambda (k) (loop (- n 1)))))))
(test 'done
      (let ((k #f) (n 0))
        (call/cc (lambda (c) (set! k c)))
        (set! n (+ n 1))
        (if (< n 1000000) (k #f) 'done)))
(test 'done
      (call-with-continuation-prompt
        (lambda ()
          (let loop ((n 100000))
            (if (= n 0)
                'done
                (abort-current-continuation (default-continuation-prompt-tag)
                  (lambda () (loop (- n 1)))))))))

(report)
