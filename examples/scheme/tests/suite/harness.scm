;; A harness for the files of this suite: each begins with its imports and
;; (include "harness.scm"), and ends with (report).
;;
;; Needed: (scheme base) and (scheme write).
;; Printed: one line for each failure, and at the end "N passed, M failed".

(define passed-count 0)
(define failed-count 0)
(define section-name "")

(define (section name)
  (set! section-name name))

(define (pass!)
  (set! passed-count (+ passed-count 1)))

(define (fail! form expected got)
  (set! failed-count (+ failed-count 1))
  (display "FAIL ")
  (display section-name)
  (display " ")
  (write form)
  (display ": expected ")
  (write expected)
  (display " got ")
  (write-outcome got)
  (newline))

;; What a test raised, told apart from every value that it could return.
(define-record-type raised
  (make-raised condition)
  raised?
  (condition raised-condition))

(define (write-outcome got)
  (cond
    ((not (raised? got)) (write got))
    ((error-object? (raised-condition got))
     (display "error ")
     (write (error-object-message (raised-condition got)))
     (display " ")
     (write (error-object-irritants (raised-condition got))))
    (else
     (display "raised ")
     (write (raised-condition got)))))

(define (outcome thunk)
  (guard (condition (#t (make-raised condition)))
    (thunk)))

(define (check same? form expected thunk)
  (let ((got (outcome thunk)))
    (if (and (not (raised? got)) (same? expected got))
        (pass!)
        (fail! form expected got))))

(define (check-raised accept? form thunk)
  (let ((got (outcome thunk)))
    (if (and (raised? got) (accept? (raised-condition got)))
        (pass!)
        (fail! form '(a condition) got))))

(define (close-enough? expected got)
  (and (number? got)
       (or (= expected got)
           (< (abs (- expected got)) (* 1e-10 (+ 1 (abs expected)))))))

;; The value of expr is equal? to the value of expected.
(define-syntax test
  (syntax-rules ()
    ((_ expected expr)
     (check equal? 'expr expected (lambda () expr)))))

;; Like test, with a name in place of the form.
(define-syntax test-named
  (syntax-rules ()
    ((_ name expected expr)
     (check equal? name expected (lambda () expr)))))

;; The value of expr is a number close to expected.
(define-syntax test-approx
  (syntax-rules ()
    ((_ expected expr)
     (check close-enough? 'expr expected (lambda () expr)))))

;; The value of expr is true, or false.
(define-syntax test-true
  (syntax-rules ()
    ((_ expr)
     (check (lambda (expected got) got) 'expr #t (lambda () expr)))))

(define-syntax test-false
  (syntax-rules ()
    ((_ expr) (test #f expr))))

;; The value of expr is a member of the list of answers that are all right.
(define-syntax test-one-of
  (syntax-rules ()
    ((_ answers expr)
     (check (lambda (expected got) (member got expected)) 'expr answers
            (lambda () expr)))))

;; The values of expr, as a list.
(define-syntax test-values
  (syntax-rules ()
    ((_ expected expr)
     (check equal? 'expr expected
            (lambda () (call-with-values (lambda () expr) list))))))

;; What expr displays on the current output port.
(define-syntax test-output
  (syntax-rules ()
    ((_ expected expr)
     (check equal? 'expr expected
            (lambda ()
              (let ((port (open-output-string)))
                (parameterize ((current-output-port port)) expr)
                (get-output-string port)))))))

;; expr raises something; with a predicate, something that satisfies it.
(define-syntax test-error
  (syntax-rules ()
    ((_ expr) (test-error (lambda (condition) #t) expr))
    ((_ accept? expr) (check-raised accept? 'expr (lambda () expr)))))

(define (report)
  (display passed-count)
  (display " passed, ")
  (display failed-count)
  (display " failed")
  (newline))
