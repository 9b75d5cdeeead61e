; Generators: procedures without arguments that answer one value after the other, and an
; end-of-file object for ever after.
(define-library (segno generator)
  (export make-generator)
  (import (scheme base) (segno control))
  (begin

    ; A generator of what the procedure yields, which gets `yield` as its argument.
    (define (make-generator procedure)
      (define tag (make-continuation-prompt-tag 'generator))
      (define (yield value)
        (shift0-at tag rest
          (set! next (lambda () (rest #t)))
          value))
      (define (next)
        (reset-at tag
          (procedure yield)
          (set! next eof-object)
          (eof-object)))
      (lambda () (next)))))
