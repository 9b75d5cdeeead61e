;; display, write and newline in one program; errors caught and shown; exit
;; runs the winders and flushes the output, and nothing after it is printed.
(import (scheme base) (scheme write) (scheme process-context))
(display "a string, a symbol: ") (write "a string") (display " ") (write 'symbol) (newline)
(display '("in a list" #\a sym 1.5 1/2 #u8(1 2))) (newline)
(write '("in a list" #\a sym 1.5 1/2 #u8(1 2))) (newline)
(guard (e ((error-object? e) (display (error-object-message e)) (write (error-object-irritants e)) (newline)))
  (error "caught: " 'a "b" #\c))
(write (call-with-values (lambda () (values 1 2)) cons)) (newline)
(write-string "λ → ∞\n")
(dynamic-wind
  (lambda () (display "in") (newline))
  (lambda () (exit 0) (display "never"))
  (lambda () (display "out") (newline)))
(display "never")
