;; R7RS section 6.13: files. Writes and deletes one scratch file in the
;; current directory; needs leave to do so.

(import (scheme base) (scheme write) (scheme read) (scheme file) (scheme load) (scheme eval) (scheme repl))
(include "harness.scm")

(define name "segno-suite-scratch.tmp")

(section "6.13.1 file ports")
(test "hello\n(1 \"two\")"
      (begin
        (with-output-to-file name
          (lambda () (display "hello") (newline) (write '(1 "two"))))
        (call-with-input-file name
          (lambda (p) (let* ((a (read-line p)) (b (read-line p))) (string-append a "\n" b))))))
(test #t (file-exists? name))
(test '(hello (1 "two") #t)
      (with-input-from-file name
        (lambda () (let* ((a (read)) (b (read))) (list a b (eof-object? (read)))))))
(test '("λx" #\x)
      (begin
        (call-with-output-file name (lambda (p) (write-string "λx" p)))
        (let* ((p (open-input-file name)) (s (read-string 10 p)))
          (close-port p)
          (list s (string-ref s 1)))))
(test #u8(206 187 120)
      (let* ((p (open-binary-input-file name)) (b (read-bytevector 10 p))) (close-port p) b))
(test #u8(0 255 10)
      (let ((p (open-binary-output-file name)))
        (write-bytevector #u8(0 255 10) p)
        (close-port p)
        (let* ((p (open-binary-input-file name)) (b (read-bytevector 10 p))) (close-port p) b)))
(test '(#f #t)
      (let ((kept #f))
        (let ((open (call-with-output-file name (lambda (p) (set! kept p) (output-port-open? p)))))
          (list (output-port-open? kept) open))))
(test 42 (begin
           (call-with-output-file name
             (lambda (p) (write '(define loaded-value 41) p) (write '(set! loaded-value (+ loaded-value 1)) p)))
           (load name)
           (eval (quote loaded-value) (interaction-environment))))
(test #f (begin (delete-file name) (file-exists? name)))
(test-error file-error? (open-input-file name))
(test-error file-error? (delete-file name))
(test-error file-error? (load name))
(test-error file-error? (open-binary-input-file name))
(test-error file-error? (with-input-from-file name (lambda () 1)))

(report)
