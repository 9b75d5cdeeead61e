//! The report's examples of sections 6.1 to 6.9, as far as they call nothing back, and some more.

use super::{eval, read, value};
use crate::primitives::is_equal;
use crate::value::{Promise, RecordProcedure, Value};

/// Checks that expressions have the values beside them.
fn check(examples: &[(&str, &str)]) {
    for (expression, expected) in examples {
        match eval(expression) {
            Ok(found) => assert!(is_equal(&found, &read(expected)), "{expression}"),
            Err(fault) => panic!("{expression}: {fault:?}"),
        }
    }
}

/// Checks that expressions are mistakes.
fn refuse(expressions: &[&str]) {
    for expression in expressions {
        assert!(eval(expression).is_err(), "{expression}");
    }
}

#[test]
fn equivalence() {
    check(&[
        ("(eqv? 'a 'a)", "#t"),
        ("(eqv? 'a 'b)", "#f"),
        ("(eqv? 2 2)", "#t"),
        ("(eqv? 2 2.0)", "#f"),
        ("(eqv? '() '())", "#t"),
        ("(eqv? 100000000000000000000 100000000000000000000)", "#t"),
        ("(eqv? 0.0 +nan.0)", "#f"),
        ("(eqv? 0.0 -0.0)", "#f"),
        ("(eqv? (cons 1 2) (cons 1 2))", "#f"),
        ("(eqv? #f '())", "#f"),
        ("(eq? 'a 'a)", "#t"),
        ("(eq? (list 'a) (list 'a))", "#f"),
        ("(equal? '(a (b) c) '(a (b) c))", "#t"),
        ("(equal? \"abc\" \"abc\")", "#t"),
        ("(equal? (make-vector 5 'a) (make-vector 5 'a))", "#t"),
        ("(equal? #u8(1 2) #u8(1 3))", "#f"),
        ("(equal? 1/2 0.5)", "#f"),
        ("(not 3)", "#f"),
        ("(not #f)", "#t"),
        ("(not '())", "#f"),
        ("(boolean? '())", "#f"),
        ("(boolean=? #t #t #t)", "#t"),
        ("(boolean=? #t #t #f)", "#f"),
    ]);
    refuse(&["(boolean=? #t #f 1)"]);
}

#[test]
fn lists() {
    check(&[
        ("(cons 'a 3)", "(a . 3)"),
        ("(car '((a) b c d))", "(a)"),
        ("(cdr '(1 . 2))", "2"),
        ("(caar '((1) 2))", "1"),
        ("(cadr '(1 2))", "2"),
        ("(cdar '((1 . 5) 2))", "5"),
        ("(caddr '(1 2 3))", "3"),
        ("(cdddr '(1 2 3 4))", "(4)"),
        ("(cadddr '(1 2 3 4))", "4"),
        ("(cddaar '(((1 2 3))))", "(3)"),
        ("(cdaddr '(1 2 (3 4)))", "(4)"),
        ("(caadar '((1 (2) 3)))", "2"),
        ("(list? '(a b c))", "#t"),
        ("(list? '(a . b))", "#f"),
        ("(make-list 2 3)", "(3 3)"),
        ("(list 'a (+ 3 4) 'c)", "(a 7 c)"),
        ("(length '(a (b) (c d e)))", "3"),
        ("(append '(x) '(y))", "(x y)"),
        ("(append '(a b) '(c . d))", "(a b c . d)"),
        ("(append '() 'a)", "a"),
        ("(append)", "()"),
        ("(reverse '(a (b c) d (e (f))))", "((e (f)) d (b c) a)"),
        ("(list-tail '(a b c d) 4)", "()"),
        ("(list-tail '(a b . c) 2)", "c"),
        ("(list-ref '(a b c d) (exact (round 1.8)))", "c"),
        ("(memq 'c '(a b c d e))", "(c d e)"),
        ("(memq 'd '(a b c))", "#f"),
        ("(memq (list 'a) '(b (a) c))", "#f"),
        ("(%member (list 'a) '(b (a) c))", "((a) c)"),
        ("(memv 101 '(100 101 102))", "(101 102)"),
        ("(assq 'b '((a 1) (b 2) (c 3)))", "(b 2)"),
        ("(assq (list 'a) '(((a)) ((b)) ((c))))", "#f"),
        ("(%assoc (list 'a) '(((a)) ((b)) ((c))))", "((a))"),
        ("(assv 5 '((2 3) (5 7) (11 13)))", "(5 7)"),
        ("(list-copy '(1 2 . 3))", "(1 2 . 3)"),
        ("(list-copy 7)", "7"),
    ]);
    refuse(&[
        "(car '())",
        "(cdr 1)",
        "(caddr '(1 2))",
        "(length '(a . b))",
        "(list-tail '(a b) 3)",
        "(list-ref '(a b) 2)",
        "(list-ref '(a b) -1)",
        "(memq 'a '(b . c))",
        "(assq 'a '(b))",
        "(append '(a . b) '(c))",
        "(list-set! '() 0 1)",
        "(set-car! 1 2)",
        "(make-list -1)",
    ]);
}

#[test]
fn srfi_1() {
    check(&[
        ("(xcons 1 2)", "(2 . 1)"),
        ("(cons* 1 2 '(3))", "(1 2 3)"),
        ("(cons* 1)", "1"),
        ("(iota 5)", "(0 1 2 3 4)"),
        ("(iota 3 1/2 -2)", "(1/2 -3/2 -7/2)"),
        ("(iota 0 7)", "()"),
        ("(second '(1 2 3))", "2"),
        ("(tenth '(1 2 3 4 5 6 7 8 9 10))", "10"),
        ("(take '(a b c d e) 2)", "(a b)"),
        ("(take '(1 2 3 . d) 3)", "(1 2 3)"),
        ("(drop '(a b c d e) 2)", "(c d e)"),
        ("(take-right '(1 2 3 . d) 2)", "(2 3 . d)"),
        ("(drop-right '(1 2 3 . d) 2)", "(1)"),
        ("(last '(a b c))", "c"),
        ("(last-pair '(a b . c))", "(b . c)"),
        ("(length+ '(a b))", "2"),
        ("(concatenate '((1) () (2 3)))", "(1 2 3)"),
        ("(append! (list 1 2) '() (list 3) 4)", "(1 2 3 . 4)"),
        ("(append! '() '())", "()"),
        ("(reverse! (list 1 2 3))", "(3 2 1)"),
        ("(append-reverse '(3 2 1) '(4 . 5))", "(1 2 3 4 . 5)"),
        ("(append-reverse! (list 3 2 1) '(4 . 5))", "(1 2 3 4 . 5)"),
        ("(dotted-list? '(1 . 2))", "#t"),
        ("(circular-list? '(1 2))", "#f"),
        ("(take (circular-list 1 2) 5)", "(1 2 1 2 1)"),
    ]);
    refuse(&[
        "(take '(1 2) 3)",
        "(last '())",
        "(fifth '(1 2))",
        "(iota 1 'a)",
        "(length+ '(1 . 2))",
    ]);
}

#[test]
fn symbols_and_characters() {
    check(&[
        ("(symbol? 'nil)", "#t"),
        ("(symbol? '())", "#f"),
        ("(symbol=? 'a 'a 'b)", "#f"),
        ("(symbol->string 'flying-fish)", "\"flying-fish\""),
        ("(eq? 'bitBlt (string->symbol \"bitBlt\"))", "#t"),
        ("(eq? (gensym) (gensym))", "#f"),
        ("(digit-value #\\3)", "3"),
        ("(digit-value #\\٤)", "4"),
        ("(digit-value #\\୬)", "6"),
        ("(digit-value #\\½)", "#f"),
        ("(char-numeric? #\\½)", "#f"),
        ("(char-upcase #\\ß)", "#\\ß"),
        ("(char-upcase #\\ᾳ)", "#\\ᾼ"),
        ("(char-upcase #\\ᾀ)", "#\\ᾈ"),
        ("(char-downcase #\\İ)", "#\\i"),
        ("(char-foldcase #\\ς)", "#\\σ"),
        ("(char-foldcase #\\ẞ)", "#\\ß"),
        ("(char-ci=? #\\Σ #\\ς #\\σ)", "#t"),
        ("(char<? #\\a #\\b #\\c)", "#t"),
        ("(char<? #\\a #\\c #\\b)", "#f"),
        ("(char->integer #\\λ)", "955"),
        ("(integer->char 955)", "#\\λ"),
        ("(char-whitespace? #\\space)", "#t"),
        ("(char-alphabetic? #\\λ)", "#t"),
        ("(char-upper-case? #\\Σ)", "#t"),
    ]);
    refuse(&[
        "(integer->char 55296)",
        "(integer->char 1114112)",
        "(char<? #\\b #\\a 1)",
        "(string-set! (symbol->string 'a) 0 #\\b)",
    ]);
}

#[test]
fn strings() {
    check(&[
        ("(make-string 3 #\\x)", "\"xxx\""),
        ("(string #\\a #\\λ)", "\"aλ\""),
        ("(string-length \"aλ\")", "2"),
        ("(string-ref \"aλc\" 1)", "#\\λ"),
        ("(string=? \"a\" \"a\" \"a\")", "#t"),
        ("(string<? \"a\" \"ab\" \"b\")", "#t"),
        ("(string>? \"a\" \"ab\")", "#f"),
        ("(string-ci=? \"Straße\" \"STRASSE\")", "#t"),
        ("(string-upcase \"Straße\")", "\"STRASSE\""),
        ("(string-downcase \"ΧΑΟΣΣ\")", "\"χαοσς\""),
        ("(string-foldcase \"ΧΑΟΣΣ\")", "\"χαοσσ\""),
        ("(substring \"abcde\" 1 3)", "\"bc\""),
        ("(string-append)", "\"\""),
        ("(string-append \"a\" \"\" \"bc\")", "\"abc\""),
        ("(string-join '(\"a\" \"b\" \"c\"))", "\"a b c\""),
        ("(string-join '(\"a\" \"b\") \", \")", "\"a, b\""),
        ("(string-join '())", "\"\""),
        ("(string->list \"apple\" 2)", "(#\\p #\\l #\\e)"),
        ("(list->string '(#\\a #\\b))", "\"ab\""),
        ("(string-copy \"abc\" 1 2)", "\"b\""),
        ("(string->vector \"ABC\" 1)", "#(#\\B #\\C)"),
        ("(vector->string #(#\\1 #\\2 #\\3) 1 2)", "\"2\""),
    ]);
    refuse(&[
        "(string-ref \"abc\" 3)",
        "(string-ref \"abc\" 1.0)",
        "(substring \"abc\" 2 1)",
        "(string-set! \"abc\" 0 #\\b)",
        "(string-fill! \"abc\" #\\b)",
        "(string-copy! \"abc\" 0 \"b\")",
        "(string-copy! (make-string 2) 1 \"ab\")",
        "(list->string '(1))",
        "(vector->string #(1))",
        "(string<? \"b\" \"a\" 1)",
        "(string-copy \"abc\" 4)",
    ]);
    let text = value("make-string", &[Value::integer(5), read("#\\-")]);
    value(
        "string-copy!",
        &[
            text.clone(),
            read("1"),
            read("\"abcde\""),
            read("2"),
            read("4"),
        ],
    );
    value("string-set!", &[text.clone(), read("4"), read("#\\λ")]);
    assert!(is_equal(&text, &read("\"-cd-λ\"")));
}

#[test]
fn vectors_and_bytevectors() {
    check(&[
        ("(vector 'a 'b 'c)", "#(a b c)"),
        ("(vector-ref '#(1 1 2 3 5 8 13 21) 5)", "8"),
        (
            "(vector-ref '#(1 1 2 3 5 8 13 21) (exact (round (* 2 (acos -1)))))",
            "13",
        ),
        ("(vector->list '#(dah dah didah))", "(dah dah didah)"),
        ("(vector->list '#(dah dah didah) 1 2)", "(dah)"),
        ("(list->vector '(dididit dah))", "#(dididit dah)"),
        ("(vector-copy #(1 8 2 8) 2 4)", "#(2 8)"),
        ("(vector-append #(a b c) #(d e f))", "#(a b c d e f)"),
        ("(vector-length #())", "0"),
        ("(make-bytevector 2 12)", "#u8(12 12)"),
        ("(bytevector 1 3 5)", "#u8(1 3 5)"),
        ("(bytevector-u8-ref '#u8(1 1 2 3 5 8 13 21) 5)", "8"),
        ("(bytevector-copy #u8(1 2 3 4 5) 2 4)", "#u8(3 4)"),
        (
            "(bytevector-append (bytevector 0 1 2) (bytevector 3 4 5))",
            "#u8(0 1 2 3 4 5)",
        ),
        ("(utf8->string #u8(65))", "\"A\""),
        ("(string->utf8 \"λ\")", "#u8(206 187)"),
        ("(utf8->string #u8(65 206 187 66) 1 3)", "\"λ\""),
    ]);
    refuse(&[
        "(vector-ref #(1 2) 2)",
        "(vector-set! '#(0 1 2) 1 \"doe\")",
        "(vector-fill! #(0) 1)",
        "(vector-copy! #(0) 0 #(1))",
        "(vector-copy #(1 2) 2 1)",
        "(bytevector 256)",
        "(bytevector-u8-set! (bytevector 1) 0 -1)",
        "(utf8->string #u8(206))",
        "(bytevector-copy! (bytevector 1 2) 1 (bytevector 3 4))",
    ]);
    let a = eval("(list->vector '(1 2 3 4 5))").unwrap();
    value(
        "vector-copy!",
        &[a.clone(), read("1"), a.clone(), read("0"), read("4")],
    );
    assert!(is_equal(&a, &read("#(1 1 2 3 4)")));
    value(
        "vector-fill!",
        &[a.clone(), read("x"), read("2"), read("4")],
    );
    assert!(is_equal(&a, &read("#(1 1 x x 4)")));
}

#[test]
fn numbers() {
    check(&[
        ("(complex? 3)", "#t"),
        ("(real? 1e10)", "#t"),
        ("(rational? -inf.0)", "#f"),
        ("(rational? 6/10)", "#t"),
        ("(integer? 3.0)", "#t"),
        ("(integer? 'a)", "#f"),
        ("(exact? 3.0)", "#f"),
        ("(exact-integer? 32.0)", "#f"),
        ("(finite? +inf.0)", "#f"),
        ("(nan? 32)", "#f"),
        ("(= 1 1.0 1)", "#t"),
        ("(< 1 2 3)", "#t"),
        ("(< 1 3 2)", "#f"),
        ("(>= 3 3 1/2)", "#t"),
        ("(< 1 +nan.0)", "#f"),
        ("(max 3 4)", "4"),
        ("(max 3.9 4)", "4.0"),
        ("(min 1 2 1/2)", "1/2"),
        ("(+)", "0"),
        ("(+ 3 4 5)", "12"),
        ("(* 4)", "4"),
        ("(*)", "1"),
        ("(- 3 4 5)", "-6"),
        ("(- 3)", "-3"),
        ("(/ 3 4 5)", "3/20"),
        ("(/ 3)", "1/3"),
        ("(abs -7)", "7"),
        ("(+ 9223372036854775807 1)", "9223372036854775808"),
        ("(* 4294967296 4294967296)", "18446744073709551616"),
        ("(- -9223372036854775808)", "9223372036854775808"),
        ("(floor-quotient -5 2)", "-3"),
        ("(floor-remainder -5 2)", "1"),
        ("(truncate-quotient -5 2)", "-2"),
        ("(truncate-remainder -5.0 2)", "-1.0"),
        ("(modulo 5 -2)", "-1"),
        ("(gcd 32 -36)", "4"),
        ("(gcd)", "0"),
        ("(lcm 32.0 -36)", "288.0"),
        ("(lcm)", "1"),
        ("(numerator (/ 6 4))", "3"),
        ("(denominator 0)", "1"),
        ("(floor -4.3)", "-5.0"),
        ("(ceiling -4.3)", "-4.0"),
        ("(round 7/2)", "4"),
        ("(truncate -4.3)", "-4.0"),
        ("(rationalize (exact 0.3) 1/10)", "1/3"),
        ("(sqrt 9)", "3"),
        ("(square 42)", "1764"),
        ("(expt 0 0)", "1"),
        ("(log 1)", "0"),
        ("(log 8.0 2)", "3.0"),
        ("(exact 5.0)", "5"),
        ("(number->string 255 16)", "\"ff\""),
        ("(string->number \"100\" 16)", "256"),
        ("(string->number \"1e2\")", "100.0"),
        ("(string->number \"nothing\")", "#f"),
        ("(bitwise-and 12 10)", "8"),
        ("(bitwise-ior 12 10)", "14"),
        ("(bitwise-xor 12 10)", "6"),
        ("(bitwise-and)", "-1"),
        ("(bitwise-not 0)", "-1"),
        ("(arithmetic-shift 8 -1)", "4"),
        ("(arithmetic-shift 1 70)", "1180591620717411303424"),
        ("(zero? 0.0)", "#t"),
        ("(positive? -1/2)", "#f"),
        ("(odd? 3.0)", "#t"),
    ]);
    refuse(&[
        "(+ 'a)",
        "(+ 1 'a)",
        "(< 2 1 'a)",
        "(/ 1 0)",
        "(modulo 1 0)",
        "(even? 1/2)",
        "(zero? 'a)",
        "(number->string 1 1)",
        "(string->number \"1\" 37)",
        "(exact +nan.0)",
        "(bitwise-and 1.5)",
        "(exact-integer-sqrt -1)",
        "(max 1 'a)",
        "(sqrt 'x)",
    ]);
    for (expression, first, second) in [
        ("(floor/ -5 2)", "-3", "1"),
        ("(truncate/ -5 2)", "-2", "-1"),
        ("(exact-integer-sqrt 17)", "4", "1"),
    ] {
        let Ok(Value::Values(values)) = eval(expression) else {
            panic!("{expression} has two values");
        };
        assert!(is_equal(&values[0], &read(first)), "{expression}");
        assert!(is_equal(&values[1], &read(second)), "{expression}");
    }
}

#[test]
fn records() {
    let record_type = value("%make-record-type", &[read("pare"), read("(x y)")]);
    let apply = |procedure: &Value, args: &[Value]| {
        let Value::RecordProcedure(procedure) = procedure else {
            panic!("no procedure of a record type");
        };
        let procedure: &RecordProcedure = procedure;
        crate::primitives::records::apply_record(procedure, args)
    };
    let make = value("%record-constructor", &[record_type.clone(), read("(1 0)")]);
    let is = value("%record-predicate", std::slice::from_ref(&record_type));
    let x = value("%record-accessor", &[record_type.clone(), read("0")]);
    let set = value(
        "%record-modifier",
        &[record_type.clone(), read("0"), read("set-kar!")],
    );
    let record = apply(&make, &[read("2"), read("1")]).unwrap();
    assert!(is_equal(
        &apply(&x, std::slice::from_ref(&record)).unwrap(),
        &read("1")
    ));
    assert!(apply(&is, std::slice::from_ref(&record)).unwrap().is_true());
    assert!(!apply(&is, &[read("(1 2)")]).unwrap().is_true());
    apply(&set, &[record.clone(), read("3")]).unwrap();
    assert!(is_equal(
        &apply(&x, std::slice::from_ref(&record)).unwrap(),
        &read("3")
    ));

    // Types are told apart by what made them, not by their names.
    let other = value("%make-record-type", &[read("pare"), read("(x y)")]);
    let other = value("%record-constructor", &[other, read("()")]);
    let other = apply(&other, &[]).unwrap();
    assert!(!apply(&is, std::slice::from_ref(&other)).unwrap().is_true());
    assert!(apply(&x, std::slice::from_ref(&other)).is_err());
    assert!(apply(&set, &[other, read("1")]).is_err());
    assert!(apply(&x, &[]).is_err());
    assert!(apply(&make, &[read("1")]).is_err());
    assert!(super::call("%record-accessor", &[record_type.clone(), read("2")]).is_err());
    assert!(super::call("%record-constructor", &[record_type, read("(0 0)")]).is_err());
}

#[test]
fn the_rest() {
    let promise = value("make-promise", &[read("1")]);
    assert!(value("make-promise", std::slice::from_ref(&promise)).is_eq(&promise));
    assert!(value("promise?", &[promise]).is_true());
    let Value::Promise(promise) = value("%make-promise", &[read("thunk"), read("#t")]) else {
        panic!("no promise");
    };
    assert!(promise.with(|promise| matches!(promise, Promise::Delayed { forces: true, .. })));

    let fault = eval("(car 'a)").err().unwrap();
    let condition = Value::Condition(segno::snapshot::Constant::new(fault.condition()));
    assert!(value("error-object?", std::slice::from_ref(&condition)).is_true());
    let report = value("condition/report-string", std::slice::from_ref(&condition));
    assert!(is_equal(&report, &read("\"car: expected a pair a\"")));
    let message = value("error-object-message", std::slice::from_ref(&condition));
    assert!(is_equal(&message, &read("\"car: expected a pair\"")));
    assert!(is_equal(
        &value("error-object-irritants", &[condition]),
        &read("(a)")
    ));

    check(&[
        ("(values 1)", "1"),
        ("(cdr (command-line))", "(\"one\" \"two\")"),
        ("(string? (get-environment-variable \"PATH\"))", "#t"),
        ("(get-environment-variable \"HOME\")", "#f"),
        ("(car (car (get-environment-variables)))", "\"PATH\""),
        ("(procedure? 'car)", "#f"),
        ("(< 0 (current-second))", "#t"),
        ("(<= (current-jiffy) (current-jiffy))", "#t"),
    ]);
    refuse(&["(values (values 1 2) 3)", "(error-object-message 1)"]);
}
