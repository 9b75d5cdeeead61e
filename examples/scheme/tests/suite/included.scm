;; Included by r7rs-05-programs.scm in a program, a library and a body.
(define included-value 7)
(define (included-function x) (* x 2))
