; Coroutines that are resumed and yield, and that transfer control to each other.
;
; A coroutine runs under a prompt. Whatever leaves it, its end too, answers there with a procedure
; that says what becomes of the coroutine, and of whoever has resumed it. That is called in tail
; position, so that transfers, however many, take no room.
(define-library (segno coroutine)
  (export make-coroutine coroutine? coroutine-done? resume yield transfer)
  (import (scheme base) (segno control))
  (begin

    (define-record-type <coroutine>
      (coroutine rest state)
      coroutine?
      (rest coroutine-rest set-coroutine-rest!)
      (state coroutine-state set-coroutine-state!))

    (define tag (make-continuation-prompt-tag 'coroutine))

    ; A coroutine of a procedure, which gets what it is resumed with first.
    (define (make-coroutine procedure)
      (coroutine
        (lambda (value)
          (let ((result (procedure value)))
            (lambda (coroutine)
              (set-coroutine-state! coroutine 'done)
              result)))
        'waiting))

    (define (coroutine-done? coroutine)
      (eq? (coroutine-state coroutine) 'done))

    (define (wait coroutine rest)
      (set-coroutine-rest! coroutine rest)
      (set-coroutine-state! coroutine 'waiting))

    (define (run by coroutine value)
      (if (not (coroutine? coroutine))
          (error (string-append by ": expected a coroutine") coroutine))
      (if (not (eq? (coroutine-state coroutine) 'waiting))
          (error (string-append by ": a coroutine that is not waiting")
                 (coroutine-state coroutine)))
      (let ((rest (coroutine-rest coroutine)))
        (set-coroutine-rest! coroutine #f)
        (set-coroutine-state! coroutine 'running)
        ((reset-at tag (rest value)) coroutine)))

    ; Goes on with a coroutine: with what it yields next, or its result.
    (define (resume coroutine . value)
      (run "resume" coroutine (and (pair? value) (car value))))

    ; Answers whoever has resumed this coroutine. The value is what it is resumed with next.
    (define (yield . value)
      (control0-at tag rest
        (lambda (coroutine)
          (wait coroutine rest)
          (and (pair? value) (car value)))))

    ; Goes on with another coroutine in place of this one, which waits.
    (define (transfer other . value)
      (control0-at tag rest
        (lambda (coroutine)
          (wait coroutine rest)
          (run "transfer" other (and (pair? value) (car value))))))))
