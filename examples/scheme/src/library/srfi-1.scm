; SRFI 1: lists. What calls nothing back is the interpreter's own.
;
; As in the standard procedures, what a loop has so far is in variables that nobody assigns to, so
; that a continuation can be resumed again. Those that may reuse their argument do not.
(define-library (srfi 1)
  (export
    cons list xcons cons* make-list list-tabulate list-copy circular-list iota
    pair? null? proper-list? circular-list? dotted-list? not-pair? null-list? list=
    car cdr caar cadr cdar cddr
    caaar caadr cadar caddr cdaar cdadr cddar cdddr
    caaaar caaadr caadar caaddr cadaar cadadr caddar cadddr
    cdaaar cdaadr cdadar cdaddr cddaar cddadr cdddar cddddr
    list-ref first second third fourth fifth sixth seventh eighth ninth tenth
    car+cdr take drop take-right drop-right split-at last last-pair
    (rename take take!) (rename drop-right drop-right!) (rename split-at split-at!)
    length length+ append concatenate reverse append-reverse
    append! reverse! append-reverse! (rename concatenate concatenate!)
    zip unzip1 unzip2 unzip3 unzip4 unzip5 count
    map for-each fold fold-right pair-fold pair-fold-right reduce reduce-right
    unfold unfold-right append-map filter-map map-in-order pair-for-each
    (rename append-map append-map!) (rename map map!)
    filter partition remove
    (rename filter filter!) (rename partition partition!) (rename remove remove!)
    memq memv member find find-tail any every list-index take-while drop-while span break
    (rename take-while take-while!) (rename span span!) (rename break break!)
    delete delete-duplicates
    (rename delete delete!) (rename delete-duplicates delete-duplicates!)
    assq assv assoc alist-cons alist-copy alist-delete (rename alist-delete alist-delete!)
    lset<= lset= lset-adjoin lset-union lset-intersection lset-difference lset-xor
    lset-diff+intersection
    (rename lset-union lset-union!) (rename lset-intersection lset-intersection!)
    (rename lset-difference lset-difference!) (rename lset-xor lset-xor!)
    (rename lset-diff+intersection lset-diff+intersection!)
    set-car! set-cdr!)
  (import (scheme base) (scheme case-lambda) (scheme cxr) (segno list))
  (begin

    (define (wrong by what value)
      (error (string-append by ": expected " what) value))

    ; What is left of a list has to be its end.
    (define (check-end by rest)
      (if (not (null? rest))
          (wrong by "a list" rest)))

    (define (null-list? list)
      (cond ((pair? list) #f)
            ((null? list) #t)
            (else (wrong "null-list?" "a list" list))))

    ; Whether all of the lists have an element left.
    (define (more? lists)
      (or (null? lists)
          (and (pair? (car lists))
               (more? (cdr lists)))))

    (define (cars lists) (map car lists))
    (define (cdrs lists) (map cdr lists))

    (define (list-tabulate count f)
      (let loop ((index 0) (items '()))
        (if (< index count)
            (let ((item (f index)))
              (loop (+ index 1) (cons item items)))
            (reverse items))))

    (define (list= same? . lists)
      (define (two? first second)
        (cond ((pair? first)
               (and (pair? second)
                    (same? (car first) (car second))
                    (two? (cdr first) (cdr second))))
              (else (not (pair? second)))))
      (or (null? lists)
          (let loop ((first (car lists)) (lists (cdr lists)))
            (or (null? lists)
                (and (two? first (car lists))
                     (loop (car lists) (cdr lists)))))))

    (define (zip first . others)
      (apply map list first others))

    (define (unzip1 lists) (map first lists))
    (define (unzip2 lists) (values (map first lists) (map second lists)))
    (define (unzip3 lists)
      (values (map first lists) (map second lists) (map third lists)))
    (define (unzip4 lists)
      (values (map first lists) (map second lists) (map third lists) (map fourth lists)))
    (define (unzip5 lists)
      (values (map first lists) (map second lists) (map third lists) (map fourth lists)
              (map fifth lists)))

    (define count
      (case-lambda
        ((satisfies? items)
         (fold (lambda (item count) (if (satisfies? item) (+ count 1) count)) 0 items))
        ((satisfies? . lists)
         (let loop ((lists lists) (count 0))
           (if (more? lists)
               (let ((satisfied (apply satisfies? (cars lists))))
                 (loop (cdrs lists) (if satisfied (+ count 1) count)))
               count)))))

    (define fold
      (case-lambda
        ((f result items)
         (let loop ((result result) (items items))
           (if (pair? items)
               (let ((result (f (car items) result)))
                 (loop result (cdr items)))
               (begin
                 (check-end "fold" items)
                 result))))
        ((f result . lists)
         (let loop ((result result) (lists lists))
           (if (more? lists)
               (let ((result (apply f (append (cars lists) (list result)))))
                 (loop result (cdrs lists)))
               result)))))

    (define fold-right
      (case-lambda
        ((f result items)
         (fold f result (reverse items)))
        ((f result . lists)
         (fold (lambda (items result) (apply f (append items (list result))))
               result
               (reverse (apply map list lists))))))

    (define (pair-fold f result . lists)
      (let loop ((result result) (lists lists))
        (if (more? lists)
            ; The call may change the pairs.
            (let* ((next (cdrs lists))
                   (result (apply f (append lists (list result)))))
              (loop result next))
            result)))

    (define (pair-fold-right f result . lists)
      (let loop ((lists lists) (tails '()))
        (if (more? lists)
            (loop (cdrs lists) (cons lists tails))
            (fold (lambda (lists result) (apply f (append lists (list result))))
                  result
                  tails))))

    (define (reduce f none items)
      (if (pair? items)
          (fold f (car items) (cdr items))
          (begin
            (check-end "reduce" items)
            none)))

    (define (reduce-right f none items)
      (reduce f none (reverse items)))

    (define unfold
      (case-lambda
        ((stop? item next seed) (unfold stop? item next seed (lambda (seed) '())))
        ((stop? item next seed end)
         (let loop ((seed seed) (items '()))
           (if (stop? seed)
               (append-reverse items (end seed))
               (let ((item (item seed)))
                 (loop (next seed) (cons item items))))))))

    (define unfold-right
      (case-lambda
        ((stop? item next seed) (unfold-right stop? item next seed '()))
        ((stop? item next seed items)
         (let loop ((seed seed) (items items))
           (if (stop? seed)
               items
               (let ((item (item seed)))
                 (loop (next seed) (cons item items))))))))

    (define (append-map f first . others)
      (concatenate (apply map f first others)))

    (define map-in-order map)

    (define (pair-for-each f . lists)
      (let loop ((lists lists))
        (if (more? lists)
            (let ((next (cdrs lists)))
              (apply f lists)
              (loop next)))))

    (define filter-map
      (case-lambda
        ((f items)
         (let loop ((items items) (values '()))
           (if (pair? items)
               (let ((value (f (car items))))
                 (loop (cdr items) (if value (cons value values) values)))
               (begin
                 (check-end "filter-map" items)
                 (reverse values)))))
        ((f . lists)
         (filter values (apply map f lists)))))

    (define (filter satisfies? items)
      (let loop ((rest items) (kept '()))
        (if (pair? rest)
            (let ((satisfied (satisfies? (car rest))))
              (loop (cdr rest) (if satisfied (cons (car rest) kept) kept)))
            (begin
              (check-end "filter" rest)
              (reverse kept)))))

    (define (remove satisfies? items)
      (filter (lambda (item) (not (satisfies? item))) items))

    (define (partition satisfies? items)
      (let loop ((rest items) (in '()) (out '()))
        (if (pair? rest)
            (if (satisfies? (car rest))
                (loop (cdr rest) (cons (car rest) in) out)
                (loop (cdr rest) in (cons (car rest) out)))
            (begin
              (check-end "partition" rest)
              (values (reverse in) (reverse out))))))

    (define (find satisfies? items)
      (let ((tail (find-tail satisfies? items)))
        (and tail (car tail))))

    (define (find-tail satisfies? items)
      (let loop ((rest items))
        (if (pair? rest)
            (if (satisfies? (car rest))
                rest
                (loop (cdr rest)))
            (begin
              (check-end "find-tail" rest)
              #f))))

    ; The last call is in tail position, as SRFI 1 wants it, of `any` and of `every`.
    (define any
      (case-lambda
        ((satisfies? items)
         (and (pair? items)
              (let loop ((item (car items)) (rest (cdr items)))
                (if (pair? rest)
                    (or (satisfies? item)
                        (loop (car rest) (cdr rest)))
                    (satisfies? item)))))
        ((satisfies? . lists)
         (and (more? lists)
              (let loop ((lists lists))
                (let ((rest (cdrs lists)))
                  (if (more? rest)
                      (or (apply satisfies? (cars lists))
                          (loop rest))
                      (apply satisfies? (cars lists)))))))))

    (define every
      (case-lambda
        ((satisfies? items)
         (or (not (pair? items))
             (let loop ((item (car items)) (rest (cdr items)))
               (if (pair? rest)
                   (and (satisfies? item)
                        (loop (car rest) (cdr rest)))
                   (satisfies? item)))))
        ((satisfies? . lists)
         (or (not (more? lists))
             (let loop ((lists lists))
               (let ((rest (cdrs lists)))
                 (if (more? rest)
                     (and (apply satisfies? (cars lists))
                          (loop rest))
                     (apply satisfies? (cars lists)))))))))

    (define (list-index satisfies? . lists)
      (let loop ((lists lists) (index 0))
        (and (more? lists)
             (if (apply satisfies? (cars lists))
                 index
                 (loop (cdrs lists) (+ index 1))))))

    (define (span satisfies? items)
      (let loop ((rest items) (taken '()))
        (if (and (pair? rest) (satisfies? (car rest)))
            (loop (cdr rest) (cons (car rest) taken))
            (values (reverse taken) rest))))

    (define (break stops? items)
      (span (lambda (item) (not (stops? item))) items))

    (define (take-while satisfies? items)
      (call-with-values
        (lambda () (span satisfies? items))
        (lambda (taken rest) taken)))

    (define (drop-while satisfies? items)
      (let loop ((rest items))
        (if (and (pair? rest) (satisfies? (car rest)))
            (loop (cdr rest))
            rest)))

    (define delete
      (case-lambda
        ((item items) (delete item items equal?))
        ((item items same?) (remove (lambda (other) (same? item other)) items))))

    (define delete-duplicates
      (case-lambda
        ((items) (delete-duplicates items equal?))
        ((items same?)
         (let loop ((rest items) (kept '()))
           (if (pair? rest)
               (let ((item (car rest)))
                 ; Those that are kept came first, which is what the predicate is asked about.
                 (loop (cdr rest)
                       (if (any (lambda (other) (same? other item)) kept)
                           kept
                           (cons item kept))))
               (begin
                 (check-end "delete-duplicates" rest)
                 (reverse kept)))))))

    (define (alist-cons key value alist)
      (cons (cons key value) alist))

    (define (alist-copy alist)
      (map (lambda (entry) (cons (car entry) (cdr entry))) alist))

    (define alist-delete
      (case-lambda
        ((key alist) (alist-delete key alist equal?))
        ((key alist same?) (remove (lambda (entry) (same? key (car entry))) alist))))

    (define (in? same? item items)
      (any (lambda (other) (same? other item)) items))

    (define (within? same? items others)
      (every (lambda (item) (in? (lambda (other item) (same? item other)) item others)) items))

    ; Whether each list stands in a relation to the next.
    (define (chain? related? lists)
      (or (null? lists)
          (let loop ((first (car lists)) (lists (cdr lists)))
            (or (null? lists)
                (and (related? first (car lists))
                     (loop (car lists) (cdr lists)))))))

    (define (lset<= same? . lists)
      (chain? (lambda (first second) (within? same? first second)) lists))

    (define (lset= same? . lists)
      (chain? (lambda (first second)
                (and (within? same? first second)
                     (within? (lambda (a b) (same? b a)) second first)))
              lists))

    (define (lset-adjoin same? items . others)
      (fold (lambda (item items) (if (in? same? item items) items (cons item items)))
            items
            others))

    (define (lset-union same? . lists)
      (if (null? lists)
          '()
          (fold (lambda (others items)
                  (if (null? items)
                      others
                      (apply lset-adjoin same? items others)))
                (car lists)
                (cdr lists))))

    (define (in-all? same? item lists)
      (every (lambda (items) (in? (lambda (other item) (same? item other)) item items)) lists))

    (define (in-one? same? item lists)
      (any (lambda (items) (in? (lambda (other item) (same? item other)) item items)) lists))

    (define (lset-intersection same? items . lists)
      (filter (lambda (item) (in-all? same? item lists)) items))

    (define (lset-difference same? items . lists)
      (remove (lambda (item) (in-one? same? item lists)) items))

    (define (lset-diff+intersection same? items . lists)
      (partition (lambda (item) (not (in-one? same? item lists))) items))

    (define (lset-xor same? . lists)
      (reduce (lambda (second first)
                (append (lset-difference (lambda (a b) (same? b a)) second first)
                        (lset-difference same? first second)))
              '()
              lists))))
