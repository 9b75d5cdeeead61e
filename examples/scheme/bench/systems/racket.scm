#lang racket/base
(require racket/control racket/include)
(define exact inexact->exact)
(define (jiffies-per-second) 1000000000)
(define (current-jiffy)
  (inexact->exact (round (* 1000000 (current-inexact-monotonic-milliseconds)))))
