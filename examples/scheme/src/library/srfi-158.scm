; SRFI 158: generators and accumulators, those that programs use.
(define-library (srfi 158)
  (export
    generator circular-generator make-iota-generator make-range-generator
    make-coroutine-generator list->generator vector->generator reverse-vector->generator
    string->generator bytevector->generator make-for-each-generator make-unfold-generator
    gcons* gappend gflatten gmap gcombine gfilter gremove gtake gdrop gtake-while gdrop-while
    gdelete gindex gselect
    generator->list generator->reverse-list generator->vector generator->string
    generator-fold generator-for-each generator-map->list generator-find generator-count
    generator-any generator-every generator-unfold
    make-accumulator count-accumulator list-accumulator reverse-list-accumulator
    vector-accumulator string-accumulator sum-accumulator product-accumulator)
  (import (scheme base) (scheme case-lambda) (segno generator))
  (begin

    (define make-coroutine-generator make-generator)

    (define (generator . items)
      (list->generator items))

    (define (list->generator items)
      (lambda ()
        (if (null? items)
            (eof-object)
            (let ((item (car items)))
              (set! items (cdr items))
              item))))

    (define (circular-generator . items)
      (let ((rest items))
        (lambda ()
          (if (null? rest) (set! rest items))
          (let ((item (car rest)))
            (set! rest (cdr rest))
            item))))

    ; The numbers from a start, by a step, until one is out of range.
    (define (numbers start step in?)
      (lambda ()
        (if (in? start)
            (let ((number start))
              (set! start (+ start step))
              number)
            (eof-object))))

    (define make-iota-generator
      (case-lambda
        ((count) (make-iota-generator count 0 1))
        ((count start) (make-iota-generator count start 1))
        ((count start step)
         (gtake (numbers start step (lambda (number) #t)) count))))

    (define make-range-generator
      (case-lambda
        ((start) (numbers start 1 (lambda (number) #t)))
        ((start end) (make-range-generator start end 1))
        ((start end step)
         (numbers start step
                  (if (negative? step)
                      (lambda (number) (> number end))
                      (lambda (number) (< number end)))))))

    (define (indexed ref start end step)
      (let ((indices (make-range-generator start end step)))
        (lambda ()
          (let ((index (indices)))
            (if (eof-object? index) index (ref index))))))

    (define (sequence->generator ref length)
      (define generate
        (case-lambda
          ((sequence) (generate sequence 0 (length sequence)))
          ((sequence start) (generate sequence start (length sequence)))
          ((sequence start end)
           (indexed (lambda (index) (ref sequence index)) start end 1))))
      generate)

    (define vector->generator (sequence->generator vector-ref vector-length))
    (define string->generator (sequence->generator string-ref string-length))
    (define bytevector->generator (sequence->generator bytevector-u8-ref bytevector-length))

    (define reverse-vector->generator
      (case-lambda
        ((vector) (reverse-vector->generator vector 0 (vector-length vector)))
        ((vector start) (reverse-vector->generator vector start (vector-length vector)))
        ((vector start end)
         (indexed (lambda (index) (vector-ref vector index)) (- end 1) (- start 1) -1))))

    (define (make-for-each-generator for-each)
      (lambda (collection)
        (make-generator (lambda (yield) (for-each yield collection)))))

    (define (make-unfold-generator stop? item next seed)
      (lambda ()
        (if (stop? seed)
            (eof-object)
            (let ((value (item seed)))
              (set! seed (next seed))
              value))))

    (define (gcons* item . rest)
      (let loop ((items (list item)) (rest rest))
        (if (pair? rest)
            (loop (cons (car rest) items) (cdr rest))
            (gappend (list->generator (reverse (cdr items))) (car items)))))

    (define (gappend . generators)
      (gflatten (list->generator generators)))

    (define (gflatten generators)
      (let ((current eof-object))
        (lambda ()
          (let loop ()
            (let ((item (current)))
              (if (eof-object? item)
                  (let ((next (generators)))
                    (if (eof-object? next)
                        next
                        (begin
                          (set! current next)
                          (loop))))
                  item))))))

    (define gmap
      (case-lambda
        ((f items)
         (lambda ()
           (let ((item (items)))
             (if (eof-object? item) item (f item)))))
        ((f . generators)
         (lambda ()
           (let ((items (next-of generators)))
             (if items (apply f items) (eof-object)))))))

    ; The next item of each generator; `#f` where one has no more.
    (define (next-of generators)
      (let loop ((generators generators) (items '()))
        (if (null? generators)
            (reverse items)
            (let ((item ((car generators))))
              (if (eof-object? item)
                  #f
                  (loop (cdr generators) (cons item items)))))))

    (define (gcombine f seed . generators)
      (lambda ()
        (let ((items (next-of generators)))
          (if items
              (call-with-values
                (lambda () (apply f (append items (list seed))))
                (lambda (item next)
                  (set! seed next)
                  item))
              (eof-object)))))

    (define (gfilter satisfies? items)
      (lambda ()
        (let loop ()
          (let ((item (items)))
            (if (or (eof-object? item) (satisfies? item))
                item
                (loop))))))

    (define (gremove satisfies? items)
      (gfilter (lambda (item) (not (satisfies? item))) items))

    (define gdelete
      (case-lambda
        ((item items) (gdelete item items equal?))
        ((item items same?) (gremove (lambda (other) (same? item other)) items))))

    (define (gtake items count . padding)
      (lambda ()
        (if (> count 0)
            (let ((item (items)))
              (set! count (- count 1))
              (if (and (eof-object? item) (pair? padding))
                  (car padding)
                  item))
            (eof-object))))

    (define (gdrop items count)
      (lambda ()
        (let loop ()
          (if (> count 0)
              (begin
                (set! count (- count 1))
                (if (eof-object? (items))
                    (set! count 0))
                (loop))
              (items)))))

    (define (gtake-while satisfies? items)
      (lambda ()
        (let ((item (items)))
          (if (or (eof-object? item) (satisfies? item))
              item
              (begin
                (set! items eof-object)
                (eof-object))))))

    (define (gdrop-while satisfies? items)
      (define dropped #f)
      (lambda ()
        (if dropped
            (items)
            (let loop ()
              (let ((item (items)))
                (if (and (not (eof-object? item)) (satisfies? item))
                    (loop)
                    (begin
                      (set! dropped #t)
                      item)))))))

    (define (gindex items indices)
      (define passed 0)
      (lambda ()
        (let ((index (indices)))
          (if (eof-object? index)
              index
              (let loop ()
                (let ((item (items)))
                  (set! passed (+ passed 1))
                  (if (or (eof-object? item) (> passed index))
                      item
                      (loop))))))))

    (define (gselect items chosen)
      (lambda ()
        (let loop ()
          (let ((item (items)) (choice (chosen)))
            (cond ((or (eof-object? item) (eof-object? choice)) (eof-object))
                  (choice item)
                  (else (loop)))))))

    (define generator-fold
      (case-lambda
        ((f result items)
         (let loop ((result result))
           (let ((item (items)))
             (if (eof-object? item)
                 result
                 (loop (f item result))))))
        ((f result . generators)
         (let loop ((result result))
           (let ((items (next-of generators)))
             (if items
                 (loop (apply f (append items (list result))))
                 result))))))

    (define (generator->reverse-list items . count)
      (generator-fold cons '() (if (pair? count) (gtake items (car count)) items)))

    (define (generator->list items . count)
      (reverse (apply generator->reverse-list items count)))

    (define (generator->vector items . count)
      (list->vector (apply generator->list items count)))

    (define (generator->string items . count)
      (list->string (apply generator->list items count)))

    (define (generator-for-each f . generators)
      (let ((results (apply gmap (lambda items (apply f items) #t) generators)))
        (let loop ()
          (if (not (eof-object? (results)))
              (loop)))))

    (define (generator-map->list f . generators)
      (let loop ((values '()))
        (let ((items (next-of generators)))
          (if items
              (loop (cons (apply f items) values))
              (reverse values)))))

    ; The first item that satisfies a predicate, or `#f`.
    (define (generator-find satisfies? items)
      (let ((item ((gfilter satisfies? items))))
        (if (eof-object? item) #f item)))

    (define (generator-count satisfies? items)
      (generator-fold (lambda (item count) (if (satisfies? item) (+ count 1) count)) 0 items))

    (define (generator-any satisfies? items)
      (let loop ()
        (let ((item (items)))
          (and (not (eof-object? item))
               (or (satisfies? item) (loop))))))

    (define (generator-every satisfies? items)
      (let loop ((last #t))
        (let ((item (items)))
          (if (eof-object? item)
              last
              (let ((satisfied (satisfies? item)))
                (and satisfied (loop satisfied)))))))

    (define (generator-unfold items unfold . arguments)
      (apply unfold eof-object? (lambda (item) item) (lambda (item) (items)) (items) arguments))

    ; What an accumulator is called with is added to its state; an end-of-file object asks for
    ; the result.
    (define (make-accumulator add state result)
      (lambda (item)
        (if (eof-object? item)
            (result state)
            (set! state (add item state)))))

    (define (same state) state)

    (define (count-accumulator) (make-accumulator (lambda (item count) (+ count 1)) 0 same))
    (define (sum-accumulator) (make-accumulator + 0 same))
    (define (product-accumulator) (make-accumulator * 1 same))
    (define (list-accumulator) (make-accumulator cons '() reverse))
    (define (reverse-list-accumulator) (make-accumulator cons '() same))
    (define (vector-accumulator)
      (make-accumulator cons '() (lambda (items) (list->vector (reverse items)))))
    (define (string-accumulator)
      (make-accumulator cons '() (lambda (items) (list->string (reverse items)))))))
