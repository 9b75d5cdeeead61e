; shift and reset where a system has only call/cc, after Filinski (1994): what a reset has to
; return to is kept in a variable, and a captured continuation is applied below a reset of its own.
(define (return-to-reset value)
  (error "shift without reset" value))

(define (call-with-reset thunk)
  (let ((outer return-to-reset))
    (call-with-current-continuation
      (lambda (return)
        (set! return-to-reset
          (lambda (value)
            (set! return-to-reset outer)
            (return value)))
        (return-to-reset-of thunk)))))

(define (call-with-shift receiver)
  (call-with-current-continuation
    (lambda (rest)
      (return-to-reset-of
        (lambda ()
          (receiver (lambda (value) (call-with-reset (lambda () (rest value))))))))))

; The variable is read after the call: by then it may be another reset's.
(define (return-to-reset-of thunk)
  (let ((value (thunk)))
    (return-to-reset value)))

(define-syntax reset
  (syntax-rules ()
    ((reset body ...) (call-with-reset (lambda () body ...)))))

(define-syntax shift
  (syntax-rules ()
    ((shift rest body ...) (call-with-shift (lambda (rest) body ...)))))
