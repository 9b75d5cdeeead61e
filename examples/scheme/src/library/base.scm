; Standard procedures that call back. They are written in Scheme, so that a continuation can be
; captured in what they call, and be resumed any number of times.
;
; Each loop keeps what it has so far in a variable that nobody assigns to. So a continuation that
; is resumed again goes on with what was there when it was captured, and a long list takes no
; deep recursion.

(define (%expected by what value)
  (error (string-append by ": expected " what) value))

; The elements so far, reversed, as a list, if what is left of the argument is the end of a list.
(define (%end by rest items)
  (if (null? rest)
      (reverse items)
      (%expected by "a list" rest)))

; The first of the lists that has no more elements; all of them, if none has.
(define (%shortest lists)
  (let loop ((rest lists))
    (cond ((null? rest) lists)
          ((pair? (car rest)) (loop (cdr rest)))
          (else (car rest)))))

(define (%cars lists)
  (let loop ((lists lists) (cars '()))
    (if (pair? lists)
        (loop (cdr lists) (cons (car (car lists)) cars))
        (reverse cars))))

(define (%cdrs lists)
  (let loop ((lists lists) (cdrs '()))
    (if (pair? lists)
        (loop (cdr lists) (cons (cdr (car lists)) cdrs))
        (reverse cdrs))))

(define map
  (case-lambda
    ((f items)
     (let loop ((items items) (values '()))
       (if (pair? items)
           (let ((value (f (car items))))
             (loop (cdr items) (cons value values)))
           (%end "map" items values))))
    ((f first second)
     (let loop ((first first) (second second) (values '()))
       (cond ((not (pair? first)) (%end "map" first values))
             ((not (pair? second)) (%end "map" second values))
             (else
              (let ((value (f (car first) (car second))))
                (loop (cdr first) (cdr second) (cons value values)))))))
    ((f first second . others)
     (let loop ((lists (cons first (cons second others))) (values '()))
       (let ((shortest (%shortest lists)))
         (if (eq? shortest lists)
             (let ((value (apply f (%cars lists))))
               (loop (%cdrs lists) (cons value values)))
             (%end "map" shortest values)))))))

(define for-each
  (case-lambda
    ((f items)
     (let loop ((items items))
       (if (pair? items)
           (begin
             (f (car items))
             (loop (cdr items)))
           (if (not (null? items))
               (%expected "for-each" "a list" items)))))
    ((f first . others)
     (let loop ((lists (cons first others)))
       (let ((shortest (%shortest lists)))
         (cond ((eq? shortest lists)
                (apply f (%cars lists))
                (loop (%cdrs lists)))
               ((not (null? shortest))
                (%expected "for-each" "a list" shortest))))))))

; The elements at an index, one of each sequence.
(define (%nth ref sequences index)
  (let loop ((sequences sequences) (elements '()))
    (if (pair? sequences)
        (loop (cdr sequences) (cons (ref (car sequences) index) elements))
        (reverse elements))))

; The length of the shortest sequence. All of them have to be of the type.
(define (%least by what is? length sequences)
  (let loop ((sequences sequences) (least #f))
    (cond ((null? sequences) least)
          ((not (is? (car sequences))) (%expected by what (car sequences)))
          (else
           (let ((next (length (car sequences))))
             (loop (cdr sequences)
                   (if (and least (< least next)) least next)))))))

(define (%map-indexed f ref count sequences)
  (if (null? (cdr sequences))
      (let ((sequence (car sequences)))
        (let loop ((index 0) (values '()))
          (if (< index count)
              (let ((value (f (ref sequence index))))
                (loop (+ index 1) (cons value values)))
              (reverse values))))
      (let loop ((index 0) (values '()))
        (if (< index count)
            (let ((value (apply f (%nth ref sequences index))))
              (loop (+ index 1) (cons value values)))
            (reverse values)))))

(define (%for-each-indexed f ref count sequences)
  (if (null? (cdr sequences))
      (let ((sequence (car sequences)))
        (let loop ((index 0))
          (if (< index count)
              (begin
                (f (ref sequence index))
                (loop (+ index 1))))))
      (let loop ((index 0))
        (if (< index count)
            (begin
              (apply f (%nth ref sequences index))
              (loop (+ index 1)))))))

(define (vector-map f . vectors)
  (let ((count (%least "vector-map" "a vector" vector? vector-length vectors)))
    (list->vector (%map-indexed f vector-ref count vectors))))

(define (vector-for-each f . vectors)
  (let ((count (%least "vector-for-each" "a vector" vector? vector-length vectors)))
    (%for-each-indexed f vector-ref count vectors)))

(define (string-map f . strings)
  (let ((count (%least "string-map" "a string" string? string-length strings)))
    (list->string (%map-indexed f string-ref count strings))))

(define (string-for-each f . strings)
  (let ((count (%least "string-for-each" "a string" string? string-length strings)))
    (%for-each-indexed f string-ref count strings)))

(define member
  (case-lambda
    ((item items) (%member item items))
    ((item items same?)
     (let loop ((rest items))
       (cond ((pair? rest)
              (if (same? item (car rest)) rest (loop (cdr rest))))
             ((null? rest) #f)
             (else (%expected "member" "a list" items)))))))

(define assoc
  (case-lambda
    ((key items) (%assoc key items))
    ((key items same?)
     (let loop ((rest items))
       (cond ((pair? rest)
              (if (pair? (car rest))
                  (if (same? key (car (car rest))) (car rest) (loop (cdr rest)))
                  (%expected "assoc" "a pair" (car rest))))
             ((null? rest) #f)
             (else (%expected "assoc" "a list" items)))))))

(define (call-with-port port f)
  (call-with-values
    (lambda () (f port))
    (lambda results
      (close-port port)
      (apply values results))))

(define (call-with-input-file name f)
  (call-with-port (open-input-file name) f))

(define (call-with-output-file name f)
  (call-with-port (open-output-file name) f))

; All programs of a thread share what is defined here, so it asks for their ports.

(define (with-input-from-file name thunk)
  (call-with-input-file name
    (lambda (port)
      (parameterize (((%current-input-port) port)) (thunk)))))

(define (with-output-to-file name thunk)
  (call-with-output-file name
    (lambda (port)
      (parameterize (((%current-output-port) port)) (thunk)))))

(define (call-with-output-string f)
  (let ((port (open-output-string)))
    (f port)
    (get-output-string port)))

(define (with-output-to-string thunk)
  (call-with-output-string
    (lambda (port)
      (parameterize (((%current-output-port) port)) (thunk)))))

; A promise of SRFI 45, whose value may be a promise.
(define (eager value)
  (delay value))

(define (scheme-report-environment version)
  (case version
    ((5) (environment '(scheme r5rs)))
    ((7) (environment '(scheme base) '(scheme case-lambda) '(scheme char) '(scheme complex)
                      '(scheme cxr) '(scheme eval) '(scheme file) '(scheme inexact)
                      '(scheme lazy) '(scheme load) '(scheme process-context) '(scheme read)
                      '(scheme repl) '(scheme time) '(scheme write)))
    (else (%expected "scheme-report-environment" "5 or 7" version))))

(define (null-environment version)
  (if (eqv? version 5)
      (environment
        '(only (scheme r5rs)
               and begin case cond define define-syntax delay do if lambda let let* let-syntax
               letrec letrec-syntax or quasiquote quote set! syntax-rules else => ... _))
      (%expected "null-environment" "5" version)))

; Short names that Racket has too.

(define call/prompt call-with-continuation-prompt)
(define call/comp call-with-composable-continuation)
(define abort/cc abort-current-continuation)

; Leaves for the nearest default prompt with values.
(define (abort . results)
  (abort-current-continuation
    (default-continuation-prompt-tag)
    (lambda () (apply values results))))

; A way out of the call of a procedure, as long as that lasts: a prompt of its own, so that it
; is found in a composable continuation too.
(define (call-with-escape-continuation f)
  (let ((tag (make-continuation-prompt-tag 'escape)))
    (call-with-continuation-prompt
      (lambda ()
        (f (lambda results (apply abort-current-continuation tag results))))
      tag
      values)))

(define call/ec call-with-escape-continuation)

; Engines, after Haynes and Friedman. What is left of one takes part of the time that was used
; already, so that the deadlines of engines in it stay as they are.

(define (call-with-fuel fuel thunk expired)
  (%engine fuel 0 thunk expired))

(define (%engine fuel used thunk expired)
  (%call-with-fuel fuel used thunk (%with-rest expired)))

; Procedures of their own, so that what is left does not hold on to what was left before.
(define (%with-rest expired)
  (lambda (used rest)
    (expired (%rest used rest))))

(define (%rest used rest)
  (lambda (fuel expired)
    (%engine fuel used rest expired)))

; The clock is looked at after each slice of fuel.
(define (call-with-timeout milliseconds thunk expired)
  (%timer milliseconds
          (lambda (fuel expired) (call-with-fuel fuel thunk expired))
          expired))

(define (%timer milliseconds run expired)
  (let ((end (+ (current-jiffy)
                (* milliseconds (quotient (jiffies-per-second) 1000)))))
    (let loop ((run run))
      (run 20000
           (lambda (resume)
             (if (< (current-jiffy) end)
                 (loop resume)
                 (expired
                   (lambda (milliseconds expired)
                     (%timer milliseconds resume expired)))))))))
