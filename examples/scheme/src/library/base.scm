;; Standard procedures that call back. They are written in Scheme, so that a continuation can be
;; captured in what they call, and be resumed any number of times.

(define (map f first . others)
  (if (null? others)
      (let loop ((items first))
        (if (pair? items)
            (let ((value (f (car items))))
              (cons value (loop (cdr items))))
            '()))
      (let loop ((lists (cons first others)))
        (if (%all-pairs? lists)
            (let ((value (apply f (%cars lists))))
              (cons value (loop (%cdrs lists))))
            '()))))

(define (for-each f first . others)
  (if (null? others)
      (let loop ((items first))
        (if (pair? items)
            (begin
              (f (car items))
              (loop (cdr items)))))
      (let loop ((lists (cons first others)))
        (if (%all-pairs? lists)
            (begin
              (apply f (%cars lists))
              (loop (%cdrs lists)))))))

(define (%all-pairs? lists)
  (or (null? lists)
      (and (pair? (car lists))
           (%all-pairs? (cdr lists)))))

(define (%cars lists)
  (if (null? lists)
      '()
      (cons (car (car lists)) (%cars (cdr lists)))))

(define (%cdrs lists)
  (if (null? lists)
      '()
      (cons (cdr (car lists)) (%cdrs (cdr lists)))))

(define (vector-map f first . others)
  (list->vector (apply map f (vector->list first) (map vector->list others))))

(define (vector-for-each f first . others)
  (apply for-each f (vector->list first) (map vector->list others)))

(define (string-map f first . others)
  (list->string (apply map f (string->list first) (map string->list others))))

(define (string-for-each f first . others)
  (apply for-each f (string->list first) (map string->list others)))

(define member
  (case-lambda
    ((item items) (%member item items))
    ((item items same?)
     (let loop ((items items))
       (cond ((not (pair? items)) #f)
             ((same? item (car items)) items)
             (else (loop (cdr items))))))))

(define assoc
  (case-lambda
    ((key items) (%assoc key items))
    ((key items same?)
     (let loop ((items items))
       (cond ((not (pair? items)) #f)
             ((same? key (car (car items))) (car items))
             (else (loop (cdr items))))))))

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

(define (with-input-from-file name thunk)
  (call-with-input-file name
    (lambda (port)
      (parameterize ((current-input-port port)) (thunk)))))

(define (with-output-to-file name thunk)
  (call-with-output-file name
    (lambda (port)
      (parameterize ((current-output-port port)) (thunk)))))

(define (call-with-output-string f)
  (let ((port (open-output-string)))
    (f port)
    (get-output-string port)))

(define (with-output-to-string thunk)
  (call-with-output-string
    (lambda (port)
      (parameterize ((current-output-port port)) (thunk)))))
