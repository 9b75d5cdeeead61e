; A long string is built by appending and cutting, and read character by character.
(import (scheme base) (scheme write) (scheme time))
(include "lib/measure.scm")

; Wraps text in other characters and swaps its halves until it is as long as length.
(define (grow text length)
  (if (>= (string-length text) length)
      text
      (let* ((wrapped (string-append "(" text "+" text ")"))
             (end (string-length wrapped))
             (middle (quotient end 2)))
        (grow (string-append (substring wrapped middle end) (substring wrapped 0 middle))
              length))))

(define (occurrences character text)
  (let ((end (string-length text)))
    (let loop ((i 0) (count 0))
      (cond
        ((= i end) count)
        ((char=? character (string-ref text i)) (loop (+ i 1) (+ count 1)))
        (else (loop (+ i 1) count))))))

(define long (grow "scheme" 100000))

; A unit is a character of the long string.
(measure 'string-append 147453 "scheme)(+sch"
  (lambda () (substring (grow "scheme" 100000) 70000 70012)))
(measure 'string-ref 147453 32768
  (lambda () (occurrences #\e long)))
