; Guile has these operators under another name.
(define-library (segno control)
  (import (only (ice-9 control) shift reset))
  (export shift reset))
