; The paraffins (alkanes) of sixteen and of seventeen carbon atoms, all of them built: lists and
; vectors. A molecule has a centre, which is an atom or a bond, and radicals around it, none of
; which has half of the atoms or more, unless the centre is a bond between two halves.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

; Puts before found every list of so many radicals that have so many atoms together and of which
; none is larger than size; of those that are as large only the ones in pool.
(define (choose radicals count atoms size pool chosen found)
  (cond
    ((= count 0) (cons chosen found))
    ((< (* count size) atoms) found)
    ((or (null? pool) (> size atoms))
     (if (= size 0)
         found
         (let ((size (- size 1)))
           (choose radicals count atoms size (vector-ref radicals size) chosen found))))
    (else
     (let ((with
             (choose radicals (- count 1) (- atoms size) size pool
               (cons (car pool) chosen) found)))
       (choose radicals count atoms size (cdr pool) chosen with)))))

(define (choose-all radicals count atoms size)
  (choose radicals count atoms size (vector-ref radicals size) '() '()))

; By their size, radicals: hydrogen, or an atom with three smaller ones.
(define (radicals-up-to size)
  (let ((radicals (make-vector (+ size 1) '(hydrogen))))
    (do ((i 1 (+ i 1)))
        ((> i size) radicals)
      (vector-set! radicals i (choose-all radicals 3 (- i 1) (- i 1))))))

(define (paraffins atoms)
  (let* ((half (quotient atoms 2))
         (radicals (radicals-up-to half))
         (around-atom (choose-all radicals 4 (- atoms 1) (quotient (- atoms 1) 2))))
    (+ (length around-atom)
       (if (even? atoms)
           (length (choose-all radicals 2 atoms half))
           0))))

; A unit is a molecule.
(measure 'paraffins 35253 '(10359 24894) (lambda () (list (paraffins 16) (paraffins 17))))
