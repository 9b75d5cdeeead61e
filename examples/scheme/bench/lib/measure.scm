; What the benchmarks share: to run, to check, and to say what a unit of work costs.

; Runs thunk, whose result must be expected, twice as often each time until it has taken a
; fifth of a second. One run is so many units. Prints a line: NAME result=R ns=T. A run before
; those is not timed: it pays for memory that the process has never had, by what the system and
; the machine below it happen to take for a fresh page.
(define (measure name units expected thunk)
  (define (jiffies runs)
    (let ((start (current-jiffy)))
      (do ((i 0 (+ i 1)))
          ((= i runs) (- (current-jiffy) start))
        (let ((result (thunk)))
          (when (not (equal? result expected))
            (error "wrong result" name result expected))))))
  (jiffies 1)
  (let repeat ((runs 1))
    (let ((taken (jiffies runs)))
      (if (< (* 5 taken) (jiffies-per-second))
          (repeat (* 2 runs))
          (report name expected (/ taken (jiffies-per-second) runs units))))))

; Two digits after the point.
(define (report name result seconds)
  (let* ((hundredths (exact (round (* seconds 100000000000))))
         (digits (number->string (+ 100 (modulo hundredths 100)))))
    (display name)
    (display " result=")
    (write result)
    (display " ns=")
    (display (quotient hundredths 100))
    (display ".")
    (display (substring digits 1 3))
    (newline)))

; Calls thunk where so many calls wait for it to return.
(define (at-depth depth thunk)
  (if (= depth 0)
      (thunk)
      (begin
        (at-depth (- depth 1) thunk)
        (set! waiting (- depth 1)))))
(define waiting 0)
