;; Included with its letters folded to lower case.
(DEFINE Folded-Name 7)
