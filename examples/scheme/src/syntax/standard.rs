//! The libraries that the interpreter has by itself, and the names in each.

/// What a library consists of.
#[derive(Clone, Copy, Debug)]
pub enum Contents {
    /// Names of syntax and procedures of the interpreter's own, with blanks between them.
    Names(&'static str),
    /// A source in Scheme, which has to define the library of this name.
    Source {
        /// The names that it exports, with blanks between them.
        exports: &'static str,
        /// The source.
        text: &'static str,
    },
}

/// The name of the source that all interpreters evaluate first. It is short, since each place in
/// a snapshot has it.
pub(crate) const BASE_SOURCE: &str = "base";

/// Whether a source of this name is the interpreter's own.
#[must_use]
pub fn is_own(source: &str) -> bool {
    source == BASE_SOURCE || contents(source).is_some()
}

/// A library of the interpreter's own that a program can import for this name.
#[must_use]
pub fn exporter(name: &str) -> Option<&'static str> {
    let exports = |contents: &Contents| match contents {
        Contents::Names(names) => names.split_whitespace().any(|it| it == name),
        Contents::Source { exports, .. } => exports.split_whitespace().any(|it| it == name),
    };
    let all = LIBRARIES.iter();
    let found = all.filter(|(library, contents)| *library != INTERNAL && exports(contents));
    // Most of what R5RS had is in a newer library too.
    found
        .map(|(library, _)| *library)
        .min_by_key(|library| *library == "(scheme r5rs)")
}

/// What the interpreter's own sources call.
const INTERNAL: &str = "(segno internal)";

/// What a library of this name consists of, if the interpreter has it by itself.
pub(super) fn contents(name: &str) -> Option<Contents> {
    let mut all = LIBRARIES.iter();
    let found = all.find(|(library, _)| *library == name)?;
    Some(found.1)
}

/// All libraries of the interpreter's own. A program that imports nothing sees all their names.
pub const LIBRARIES: &[(&str, Contents)] = &[
    ("(scheme base)", Contents::Names(BASE)),
    ("(scheme case-lambda)", Contents::Names("case-lambda")),
    ("(scheme char)", Contents::Names(CHAR)),
    ("(scheme complex)", Contents::Names(COMPLEX)),
    ("(scheme cxr)", Contents::Names(CXR)),
    ("(scheme eval)", Contents::Names("environment eval")),
    ("(scheme file)", Contents::Names(FILE)),
    ("(scheme inexact)", Contents::Names(INEXACT)),
    ("(scheme lazy)", Contents::Names(LAZY)),
    ("(scheme load)", Contents::Names("load")),
    ("(scheme process-context)", Contents::Names(PROCESS)),
    ("(scheme r5rs)", Contents::Names(R5RS)),
    ("(scheme read)", Contents::Names("read")),
    ("(scheme repl)", Contents::Names("interaction-environment")),
    ("(scheme time)", Contents::Names(TIME)),
    (
        "(scheme write)",
        Contents::Names("display write write-shared write-simple"),
    ),
    ("(segno base)", Contents::Names(MORE)),
    ("(segno control)", Contents::Names(CONTROL)),
    (
        "(segno coroutine)",
        Contents::Source {
            exports: "make-coroutine coroutine? coroutine-done? resume yield transfer",
            text: include_str!("../library/coroutine.scm"),
        },
    ),
    (
        "(segno generator)",
        Contents::Source {
            exports: "make-generator",
            text: include_str!("../library/generator.scm"),
        },
    ),
    (INTERNAL, Contents::Names("%assoc %member")),
    ("(segno list)", Contents::Names(LIST)),
    ("(srfi 0)", Contents::Names("cond-expand")),
    (
        "(srfi 1)",
        Contents::Source {
            exports: SRFI_1,
            text: include_str!("../library/srfi-1.scm"),
        },
    ),
    (
        "(srfi 6)",
        Contents::Names("open-input-string open-output-string get-output-string"),
    ),
    ("(srfi 8)", Contents::Names("receive")),
    ("(srfi 9)", Contents::Names("define-record-type")),
    ("(srfi 11)", Contents::Names("let-values let*-values")),
    ("(srfi 16)", Contents::Names("case-lambda")),
    ("(srfi 23)", Contents::Names("error")),
    ("(srfi 26)", Contents::Names("cut cute <> <...>")),
    (
        "(srfi 31)",
        Contents::Source {
            exports: "rec",
            text: include_str!("../library/srfi-31.sld"),
        },
    ),
    ("(srfi 39)", Contents::Names("make-parameter parameterize")),
    ("(srfi 45)", Contents::Names("delay lazy force eager")),
    ("(srfi 87)", Contents::Names("case => else")),
    (
        "(srfi 158)",
        Contents::Source {
            exports: SRFI_158,
            text: include_str!("../library/srfi-158.scm"),
        },
    ),
];

const BASE: &str = "
* + - ... / < <= = => > >= _ abs and append apply assoc assq assv begin binary-port? boolean=?
boolean? bytevector bytevector-append bytevector-copy bytevector-copy! bytevector-length
bytevector-u8-ref bytevector-u8-set! bytevector? caar cadr call-with-current-continuation
call-with-port call-with-values call/cc car case cdar cddr cdr ceiling char->integer char-ready?
char<=? char<? char=? char>=? char>? char? close-input-port close-output-port close-port
complex? cond cond-expand cons current-error-port current-input-port current-output-port define
define-record-type define-syntax define-values denominator do dynamic-wind else eof-object
eof-object? eq? equal? eqv? error error-object-irritants error-object-message error-object? even?
exact exact-integer-sqrt exact-integer? exact? expt features file-error? floor floor-quotient
floor-remainder floor/ flush-output-port for-each gcd get-output-bytevector get-output-string
guard if import include include-ci inexact inexact? input-port-open? input-port? integer->char
integer? lambda lcm length let let* let*-values let-syntax let-values letrec letrec*
letrec-syntax list list->string list->vector list-copy list-ref list-set! list-tail list?
make-bytevector make-list make-parameter make-string make-vector map max member memq memv min
modulo negative? newline not null? number->string number? numerator odd? open-input-bytevector
open-input-string open-output-bytevector open-output-string or output-port-open? output-port?
pair? parameterize port? peek-char peek-u8 positive? procedure? quasiquote quote quotient raise
raise-continuable rational? rationalize read-bytevector read-bytevector! read-char read-error?
read-line read-string read-u8 real? remainder reverse round set! set-car! set-cdr! square string
string->list string->number string->symbol string->utf8 string->vector string-append string-copy
string-copy! string-fill! string-for-each string-length string-map string-ref string-set!
string<=? string<? string=? string>=? string>? string? substring symbol->string symbol=? symbol?
syntax-error syntax-rules textual-port? truncate truncate-quotient truncate-remainder truncate/
u8-ready? unless unquote unquote-splicing utf8->string values vector vector->list vector->string
vector-append vector-copy vector-copy! vector-fill! vector-for-each vector-length vector-map
vector-ref vector-set! vector? when with-exception-handler write-bytevector write-char
write-string write-u8 zero? define-library";

const CHAR: &str = "
char-alphabetic? char-ci<=? char-ci<? char-ci=? char-ci>=? char-ci>? char-downcase char-foldcase
char-lower-case? char-numeric? char-upcase char-upper-case? char-whitespace? digit-value
string-ci<=? string-ci<? string-ci=? string-ci>=? string-ci>? string-downcase string-foldcase
string-upcase";

const COMPLEX: &str = "angle imag-part magnitude make-polar make-rectangular real-part";

const CXR: &str = "
caaaar caaadr caaar caadar caaddr caadr cadaar cadadr cadar caddar cadddr caddr cdaaar cdaadr
cdaar cdadar cdaddr cdadr cddaar cddadr cddar cdddar cddddr cdddr";

const FILE: &str = "
call-with-input-file call-with-output-file delete-file file-exists? open-binary-input-file
open-binary-output-file open-input-file open-output-file with-input-from-file
with-output-to-file";

const INEXACT: &str = "acos asin atan cos exp finite? infinite? log nan? sin sqrt tan";

const LAZY: &str = "delay delay-force force make-promise promise?";

const PROCESS: &str = "
command-line emergency-exit exit get-environment-variable get-environment-variables";

const TIME: &str = "current-jiffy current-second jiffies-per-second";

const R5RS: &str = "
* + - / < <= = > >= abs acos and angle append apply asin assoc assq assv atan begin boolean?
caaaar caaadr caaar caadar caaddr caadr caar cadaar cadadr cadar caddar cadddr caddr cadr
call-with-current-continuation call-with-input-file call-with-output-file call-with-values car
case cdaaar cdaadr cdaar cdadar cdaddr cdadr cdar cddaar cddadr cddar cdddar cddddr cdddr cddr
cdr ceiling char->integer char-alphabetic? char-ci<=? char-ci<? char-ci=? char-ci>=? char-ci>?
char-downcase char-lower-case? char-numeric? char-ready? char-upcase char-upper-case?
char-whitespace? char<=? char<? char=? char>=? char>? char? close-input-port close-output-port
complex? cond cons cos current-input-port current-output-port define define-syntax delay
denominator display do dynamic-wind eof-object? eq? equal? eqv? eval even? exact->inexact exact?
exp expt floor for-each force gcd if imag-part inexact->exact inexact? input-port? integer->char
integer? interaction-environment lambda lcm length let let* let-syntax letrec letrec-syntax list
list->string list->vector list-ref list-tail list? load log magnitude make-polar make-rectangular
make-string make-vector map max member memq memv min modulo negative? newline not
null-environment null? number->string number? numerator odd? open-input-file open-output-file or
output-port? pair? peek-char positive? procedure? quasiquote quote quotient rational? rationalize
read read-char real-part real? remainder reverse round scheme-report-environment set! set-car!
set-cdr! sin sqrt string string->list string->number string->symbol string-append string-ci<=?
string-ci<? string-ci=? string-ci>=? string-ci>? string-copy string-fill! string-length
string-ref string-set! string<=? string<? string=? string>=? string>? string? substring
symbol->string symbol? tan truncate values vector vector->list vector-fill! vector-length
vector-ref vector-set! vector? with-input-from-file with-output-to-file write write-char zero?
... => _ else syntax-rules";

const CONTROL: &str = "
call-with-continuation-prompt abort-current-continuation call-with-composable-continuation
call-with-continuation-barrier make-continuation-prompt-tag default-continuation-prompt-tag
continuation-prompt-tag? continuation-prompt-available? call/1cc let/cc
reset reset-at shift shift-at reset0 reset0-at shift0 shift0-at
prompt prompt-at control control-at prompt0 prompt0-at control0 control0-at
with-continuation-mark current-continuation-marks continuation-mark-set-first
continuation-mark-set->list continuation-mark-set->list* continuation-mark-set? continuation-marks
call-with-immediate-continuation-mark make-continuation-mark-key continuation? abort
call/prompt call/comp abort/cc call-with-escape-continuation call/ec let/ec
suspend! call-with-fuel call-with-timeout";

const MORE: &str = "
assert λ void gensym generate-uninterned-symbol exact-rational? environment?
arithmetic-shift bitwise-and bitwise-ior bitwise-not bitwise-xor bytevector-fill! string-join
string-null? condition/report-string call-with-output-string with-output-to-string";

const LIST: &str = "
append! append-reverse append-reverse! car+cdr circular-list circular-list? concatenate cons*
dotted-list? drop drop-right eighth fifth first fourth iota last last-pair length+ ninth not-pair?
proper-list? reverse! second seventh sixth split-at take take-right tenth third xcons";

const SRFI_1: &str = "
cons list xcons cons* make-list list-tabulate list-copy circular-list iota pair? null?
proper-list? circular-list? dotted-list? not-pair? null-list? list= car cdr caar cadr cdar cddr
caaar caadr cadar caddr cdaar cdadr cddar cdddr caaaar caaadr caadar caaddr cadaar cadadr caddar
cadddr cdaaar cdaadr cdadar cdaddr cddaar cddadr cdddar cddddr list-ref first second third fourth
fifth sixth seventh eighth ninth tenth car+cdr take drop take-right drop-right split-at last
last-pair take! drop-right! split-at! length length+ append concatenate reverse append-reverse
append! reverse! append-reverse! concatenate! zip unzip1 unzip2 unzip3 unzip4 unzip5 count map
for-each fold fold-right pair-fold pair-fold-right reduce reduce-right unfold unfold-right
append-map filter-map map-in-order pair-for-each append-map! map! filter partition remove filter!
partition! remove! memq memv member find find-tail any every list-index take-while drop-while span
break take-while! span! break! delete delete-duplicates delete! delete-duplicates! assq assv assoc
alist-cons alist-copy alist-delete alist-delete! lset<= lset= lset-adjoin lset-union
lset-intersection lset-difference lset-xor lset-diff+intersection lset-union! lset-intersection!
lset-difference! lset-xor! lset-diff+intersection! set-car! set-cdr!";

const SRFI_158: &str = "
generator circular-generator make-iota-generator make-range-generator make-coroutine-generator
list->generator vector->generator reverse-vector->generator string->generator
bytevector->generator make-for-each-generator make-unfold-generator gcons* gappend gflatten gmap
gcombine gfilter gremove gtake gdrop gtake-while gdrop-while gdelete gindex gselect
generator->list generator->reverse-list generator->vector generator->string generator-fold
generator-for-each generator-map->list generator-find generator-count generator-any
generator-every generator-unfold make-accumulator count-accumulator list-accumulator
reverse-list-accumulator vector-accumulator string-accumulator sum-accumulator product-accumulator";
