(import (chicken foreign))
(foreign-declare "#include <time.h>")
(define exact inexact->exact)
(define (jiffies-per-second) 1000000000)
(define (current-jiffy)
  (inexact->exact
    ((foreign-lambda* double ()
       "struct timespec now; clock_gettime(CLOCK_MONOTONIC, &now);"
       "C_return(now.tv_sec * 1e9 + now.tv_nsec);"))))
(include "lib/shift.scm")
