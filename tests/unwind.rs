//! What becomes of a body that does not end by itself.

#![cfg(all(unix, feature = "std"))]
#![allow(unsafe_code, reason = "resets coroutines by force")]

mod child;

#[cfg(not(all(feature = "unwind", panic = "unwind")))]
mod without {
    use super::child;
    use segno::Coroutine;
    use std::cell::Cell;
    use std::rc::Rc;

    fn suspended() -> Coroutine<(), (), ()> {
        let mut coroutine = Coroutine::new(|yielder, ()| yielder.suspend(()));
        coroutine.resume(());
        coroutine
    }

    #[test]
    fn child_drops_a_suspended_one() {
        if let Some(ended) = child::run("without::child_drops_a_suspended_one", "", || {
            drop(suspended());
            println!("goes on");
        }) {
            ended.assert_died(libc::SIGABRT, "segno: a suspended coroutine was dropped");
            assert!(!ended.out.contains("goes on"));
        }
    }

    #[cfg(panic = "unwind")]
    #[test]
    fn child_unwinds_a_suspended_one() {
        if let Some(ended) = child::run("without::child_unwinds_a_suspended_one", "", || {
            let mut coroutine = suspended();
            let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                coroutine.force_unwind();
            }));
            assert!(unwound.is_err());
            // It is still there, and can be brought to its end.
            assert!(!coroutine.done());
            coroutine.resume(());
            assert!(coroutine.done());
        }) {
            ended.assert_passed();
            assert!(ended.err.contains("cannot be unwound"));
        }
    }

    #[cfg(not(feature = "unwind"))]
    #[test]
    fn child_panics_out_of_a_body() {
        if let Some(ended) = child::run("without::child_panics_out_of_a_body", "", || {
            let mut coroutine = Coroutine::<(), (), ()>::new(|_, ()| panic!("inside"));
            coroutine.resume(());
        }) {
            ended.assert_died(libc::SIGABRT, "a panic reached the root of a coroutine");
            assert!(ended.err.contains("inside"));
        }
    }

    #[test]
    fn the_fresh_and_the_finished_need_no_unwinding() {
        let counted = Rc::new(Cell::new(0));
        let captured = counted.clone();
        let mut fresh = Coroutine::<(), (), ()>::new(move |_, ()| captured.set(1));
        fresh.force_unwind();
        assert!(fresh.done());
        assert_eq!((Rc::strong_count(&counted), counted.get()), (1, 0));
        let captured = counted.clone();
        drop(Coroutine::<(), (), ()>::new(move |_, ()| captured.set(1)));
        assert_eq!((Rc::strong_count(&counted), counted.get()), (1, 0));

        let mut finished = suspended();
        finished.resume(());
        finished.force_unwind();
        drop(finished);
        let mut reset = suspended();
        // SAFETY: nothing on its stack waits to be dropped.
        unsafe { reset.force_reset() };
        drop(reset);
    }
}

#[cfg(all(feature = "unwind", panic = "unwind"))]
mod with {
    use super::child;
    use segno::stack::{DefaultStack, Stack};
    use segno::{Coroutine, CoroutineResult, ScopedCoroutine, Yielder, unwind};
    use std::any::Any;
    use std::cell::{Cell, RefCell};
    #[cfg(target_os = "linux")]
    use std::os::unix::process::ExitStatusExt;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::rc::Rc;
    use std::thread;

    type Payload = Box<dyn Any + Send>;

    /// What happened, in order.
    #[derive(Clone, Debug, Default)]
    struct Log(Rc<RefCell<Vec<String>>>);

    impl Log {
        fn note(&self, event: impl Into<String>) {
            self.0.borrow_mut().push(event.into());
        }

        /// Something that notes `event` when it is dropped.
        fn at_drop(&self, event: &str) -> AtDrop<impl FnMut() + use<>> {
            let (log, event) = (self.clone(), event.to_string());
            AtDrop(move || log.note(&*event))
        }

        /// What happened since the last question.
        fn take(&self) -> Vec<String> {
            self.0.take()
        }
    }

    struct AtDrop<F: FnMut()>(F);

    impl<F: FnMut()> Drop for AtDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }

    fn caught<T>(f: impl FnOnce() -> T) -> Result<T, Payload> {
        catch_unwind(AssertUnwindSafe(f))
    }

    fn text(payload: &Payload) -> &str {
        payload.downcast_ref::<&str>().expect("no text")
    }

    /// Suspends, and swallows the unwinding if that is the answer.
    fn suspend_stubbornly<Y>(yielder: &Yielder<(), Y>, value: Y) -> bool {
        caught(|| yielder.suspend(value)).is_err()
    }

    #[test]
    fn force_unwind() {
        #[inline(never)]
        fn nested(yielder: &Yielder<(), ()>, log: &Log, depth: u32) {
            let _first = log.at_drop(&format!("first of {depth}"));
            let _second = log.at_drop(&format!("second of {depth}"));
            if depth == 0 {
                yielder.suspend(());
                log.note("not reached");
            } else {
                nested(yielder, log, depth - 1);
            }
        }
        for by_drop in [false, true] {
            let log = Log::default();
            let (inner, captured) = (log.clone(), log.at_drop("captured"));
            let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
                let _captured = &captured;
                let _local = inner.at_drop("local");
                nested(yielder, &inner, 1);
                inner.note("not reached");
            });
            coroutine.resume(());
            assert!(log.take().is_empty());
            if by_drop {
                drop(coroutine);
            } else {
                coroutine.force_unwind();
                assert!(coroutine.done());
                coroutine.force_unwind();
                assert!(caught(|| coroutine.resume(())).is_err());
                let next = Coroutine::<(), (), _>::with_stack(coroutine.into_stack(), |_, ()| 3);
                assert_eq!({ next }.resume(()).as_return(), Some(3));
            }
            let order = [
                "second of 0",
                "first of 0",
                "second of 1",
                "first of 1",
                "local",
                "captured",
            ];
            assert_eq!(log.take(), order);
            assert!(!thread::panicking());
        }
    }

    #[test]
    fn fresh_bodies_are_dropped_unrun() {
        let log = Log::default();
        let body = || {
            let (inner, captured) = (log.clone(), log.at_drop("captured"));
            move |_: &Yielder<String, ()>, input: String| {
                inner.note(input);
                drop(captured);
            }
        };
        drop(Coroutine::new(body()));
        assert_eq!(log.take(), ["captured"]);
        let mut coroutine = Coroutine::new(body());
        coroutine.force_unwind();
        assert_eq!(log.take(), ["captured"]);
        assert!(coroutine.done() && coroutine.started());
        drop(coroutine);
        assert!(log.take().is_empty());

        // A destructor of the body that panics.
        let panics = AtDrop(|| panic!("from what was captured"));
        let second = log.at_drop("captured as well");
        let fresh = Coroutine::<(), (), ()>::new(move |_, ()| {
            let _both = (&panics, &second);
        });
        assert_eq!(
            text(&caught(|| drop(fresh)).unwrap_err()),
            "from what was captured"
        );
        assert_eq!(log.take(), ["captured as well"]);
    }

    #[test]
    fn forced_payloads_are_recognised() {
        let answers = Rc::new(RefCell::new(Vec::new()));
        let found = answers.clone();
        let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            let payload = caught(|| yielder.suspend(())).unwrap_err();
            found.borrow_mut().push(unwind::is_forced(&payload));
            found.borrow_mut().push(unwind::is_forced(&*payload));
            found.borrow_mut().push(unwind::is_forced(payload.as_ref()));
            resume_unwind(payload);
        });
        coroutine.resume(());
        drop(coroutine);
        assert_eq!(answers.take(), [true; 3]);

        let payloads: [Payload; 3] = [
            caught(|| panic!("a text")).unwrap_err(),
            Box::new(1),
            Box::new(()) as Payload,
        ];
        for payload in payloads {
            assert!(!unwind::is_forced(&payload) && !unwind::is_forced(&*payload));
            // A payload that is a payload, as `panic_any` of one makes.
            let wrapped: Payload = Box::new(payload);
            assert!(!unwind::is_forced(&wrapped) && !unwind::is_forced(&*wrapped));
        }
    }

    #[test]
    fn swallowed_and_suspended_again() {
        let log = Log::default();
        let (inner, locals) = (log.clone(), log.clone());
        let mut coroutine = Coroutine::new(move |yielder: &Yielder<(), _>, ()| {
            let _local = locals.at_drop("local");
            for turn in 0..40 {
                let value = Box::new(inner.at_drop(&format!("value {turn}"))) as Box<dyn Any>;
                if !suspend_stubbornly(yielder, value) {
                    inner.note("resumed");
                }
            }
            inner.note("gives in");
            yielder.suspend(Box::new(inner.at_drop("last value")) as Box<dyn Any>);
            inner.note("not reached");
        });
        drop(coroutine.resume(()));
        drop(coroutine.resume(()));
        assert_eq!(log.take(), ["value 0", "resumed", "value 1"]);
        drop(coroutine);
        let values = (2..40).map(|turn| format!("value {turn}"));
        let end = ["gives in", "last value", "local"].map(String::from);
        assert_eq!(log.take(), values.chain(end).collect::<Vec<_>>());
    }

    #[test]
    fn swallowed_and_returned() {
        let log = Log::default();
        let inner = log.clone();
        let body = move |yielder: &Yielder<(), ()>, ()| {
            suspend_stubbornly(yielder, ());
            inner.note("swallowed");
            (inner.at_drop("returned"), [1u64; 10])
        };
        let mut coroutine = Coroutine::new(body.clone());
        coroutine.resume(());
        coroutine.force_unwind();
        assert_eq!(log.take(), ["swallowed", "returned"]);
        assert!(coroutine.done());
        let stack = coroutine.into_stack();
        let mut coroutine = Coroutine::with_stack(stack, body);
        coroutine.resume(());
        drop(coroutine);
        assert_eq!(log.take(), ["swallowed", "returned"]);
    }

    #[test]
    fn answered_with_another_panic() {
        for by_drop in [false, true] {
            let log = Log::default();
            let inner = log.clone();
            let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
                let _local = inner.at_drop("local");
                suspend_stubbornly(yielder, ());
                panic!("instead");
            });
            coroutine.resume(());
            let payload = if by_drop {
                caught(|| drop(coroutine)).unwrap_err()
            } else {
                let payload = caught(|| coroutine.force_unwind()).unwrap_err();
                assert!(coroutine.done());
                coroutine.force_unwind();
                drop(coroutine.into_stack());
                payload
            };
            assert_eq!(text(&payload), "instead");
            assert_eq!(log.take(), ["local"]);
        }
    }

    #[test]
    fn values_that_panic_when_they_are_dropped() {
        let log = Log::default();
        let inner = log.clone();
        let mut coroutine = Coroutine::new(move |yielder: &Yielder<(), _>, ()| {
            let _local = inner.at_drop("local");
            suspend_stubbornly(yielder, None);
            suspend_stubbornly(yielder, Some(AtDrop(|| panic!("a yielded value"))));
            inner.note("asked again");
            AtDrop(|| panic!("a returned value"))
        });
        coroutine.resume(());
        let payload = caught(|| coroutine.force_unwind()).unwrap_err();
        assert_eq!(text(&payload), "a yielded value", "the first of both");
        assert_eq!(log.take(), ["asked again", "local"]);
        assert!(coroutine.done());
    }

    #[test]
    fn dropped_while_panicking() {
        let log = Log::default();
        let inner = log.clone();
        let mut stubborn = Coroutine::new(move |yielder: &Yielder<(), _>, ()| {
            let _local = inner.at_drop("local of the stubborn");
            let mut turns = 0;
            while turns < 3 && suspend_stubbornly(yielder, Some(inner.at_drop("value"))) {
                turns += 1;
            }
            inner.note(format!("panicking: {}", thread::panicking()));
            let caught = caught(|| panic!("caught inside"));
            inner.note(text(&caught.unwrap_err()));
        });
        let inner = log.clone();
        let mut simple = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            let _local = inner.at_drop("local of the simple");
            yielder.suspend(());
        });
        drop(stubborn.resume(()));
        simple.resume(());
        log.take();
        let payload = caught(|| {
            let _both = (stubborn, simple);
            let _first = log.at_drop("unwinding begins");
            panic!("outside");
        });
        assert_eq!(text(&payload.unwrap_err()), "outside");
        let order = [
            "unwinding begins",
            "value",
            "value",
            "panicking: true",
            "caught inside",
            "local of the stubborn",
            "local of the simple",
        ];
        assert_eq!(log.take(), order);
        assert!(!thread::panicking());
    }

    #[test]
    fn used_while_panicking() {
        let answers = Rc::new(RefCell::new(Vec::new()));
        let found = answers.clone();
        let payload = caught(move || {
            let _at_drop = AtDrop(|| {
                assert!(thread::panicking());
                let mut coroutine = Coroutine::<u32, u32, u32>::new(|yielder, x| {
                    yielder.suspend(x + 1) + caught(|| panic!("inside")).is_err() as u32
                });
                found.borrow_mut().push(coroutine.resume(1));
                found.borrow_mut().push(coroutine.resume(10));
            });
            panic!("outside");
        });
        assert_eq!(text(&payload.unwrap_err()), "outside");
        assert_eq!(
            answers.take(),
            [CoroutineResult::Yield(2), CoroutineResult::Return(11)]
        );
    }

    #[test]
    fn dropped_inside_of_another_unwinding() {
        let log = Log::default();
        let inner = log.clone();
        let mut outer = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            let _local = inner.at_drop("local of the outer");
            let log = inner.clone();
            let mut middle = Coroutine::<(), (), ()>::new(move |yielder, ()| {
                let _local = log.at_drop("local of the middle");
                let in_inner = log.clone();
                let mut inner = Coroutine::<(), (), ()>::new(move |yielder, ()| {
                    let _local = in_inner.at_drop("local of the inner");
                    suspend_stubbornly(yielder, ());
                    in_inner.note("once more");
                    yielder.suspend(());
                });
                inner.resume(());
                let _later = log.at_drop("before the inner");
                yielder.suspend(());
            });
            middle.resume(());
            yielder.suspend(());
        });
        outer.resume(());
        drop(outer);
        let order = [
            "before the inner",
            "once more",
            "local of the inner",
            "local of the middle",
            "local of the outer",
        ];
        assert_eq!(log.take(), order);
    }

    #[test]
    fn unwound_through_an_inner_coroutine() {
        let log = Log::default();
        let shared = log.clone();
        let mut outer = Coroutine::<(), u32, ()>::new(move |outer, ()| {
            let _local = shared.at_drop("local of the outer");
            let inner = ScopedCoroutine::<(), u32, ()>::new(|inner, ()| {
                let _local = shared.at_drop("local of the inner");
                if suspend_stubbornly(outer, 1) {
                    shared.note("swallowed by the inner");
                    // To the outer one, which does not know that it is to unwind.
                    inner.suspend(2);
                }
                shared.note("not reached");
            });
            inner.scope(|mut inner| {
                assert_eq!(inner.resume(()), CoroutineResult::Yield(2));
                shared.note("the outer goes on");
                outer.suspend(3);
            });
        });
        assert_eq!(outer.resume(()), CoroutineResult::Yield(1));
        drop(outer);
        let order = [
            "swallowed by the inner",
            "the outer goes on",
            "local of the inner",
            "local of the outer",
        ];
        assert_eq!(log.take(), order);

        // The same, and nobody swallows anything.
        let shared = log.clone();
        let mut outer = Coroutine::<(), u32, ()>::new(move |outer, ()| {
            let inner = ScopedCoroutine::<(), u32, ()>::new(|_, ()| {
                let _local = shared.at_drop("local of the inner");
                outer.suspend(1);
            });
            let mut ended = false;
            let payload = inner.scope(|mut inner| {
                let payload = caught(|| inner.resume(())).unwrap_err();
                ended = inner.done();
                payload
            });
            assert!(ended && unwind::is_forced(&payload));
            shared.note("in the outer");
            resume_unwind(payload);
        });
        assert_eq!(outer.resume(()), CoroutineResult::Yield(1));
        outer.force_unwind();
        assert_eq!(log.take(), ["local of the inner", "in the outer"]);
    }

    #[test]
    fn unwound_through_a_call_on_another_stack() {
        let log = Log::default();
        let inner = log.clone();
        let mut coroutine = Coroutine::<(), (), ()>::new(move |yielder, ()| {
            let _local = inner.at_drop("local");
            segno::on_stack(DefaultStack::default(), || {
                let _local = inner.at_drop("local of the call");
                yielder.suspend(());
            });
        });
        coroutine.resume(());
        drop(coroutine);
        assert_eq!(log.take(), ["local of the call", "local"]);
    }

    #[test]
    fn scopes_unwind_what_they_lent() {
        let log = Log::default();
        let mut touched = 0;
        let coroutine = ScopedCoroutine::<(), (), ()>::new(|yielder, ()| {
            touched += 1;
            let _local = log.at_drop("local");
            yielder.suspend(());
        });
        coroutine.scope(|mut coroutine| {
            coroutine.resume(());
            log.note("the scope ends");
        });
        assert_eq!(log.take(), ["the scope ends", "local"]);

        let coroutine = ScopedCoroutine::<(), (), ()>::new(|yielder, ()| {
            touched += 1;
            let _local = log.at_drop("local");
            yielder.suspend(());
        });
        let payload = caught(|| {
            coroutine.scope(|mut coroutine| {
                coroutine.resume(());
                log.note("the scope panics");
                panic!("in the scope");
            })
        });
        assert_eq!(text(&payload.unwrap_err()), "in the scope");
        assert_eq!(log.take(), ["the scope panics", "local"]);

        ScopedCoroutine::<(), (), ()>::new(|yielder, ()| {
            let _local = log.at_drop("local");
            yielder.suspend(());
        })
        .scope(|mut coroutine| {
            coroutine.resume(());
            coroutine.force_unwind();
            assert!(coroutine.done());
            assert_eq!(log.take(), ["local"]);
        });
        assert_eq!(touched, 2);
    }

    #[test]
    fn reset_runs_nothing() {
        thread_local! {
            static DROPPED: Cell<u32> = const { Cell::new(0) };
        }
        // Nothing here owns memory, since nobody would free it.
        fn body(yielder: &Yielder<(), ()>, (): ()) -> u32 {
            let _local = AtDrop(|| DROPPED.set(DROPPED.get() + 1));
            yielder.suspend(());
            5
        }
        let stack = DefaultStack::new(64 * 1024).unwrap();
        let base = stack.base();
        let mut coroutine = Coroutine::with_stack(stack, body);
        coroutine.resume(());
        // SAFETY: nothing on its stack needs to be dropped.
        unsafe { coroutine.force_reset() };
        assert!(coroutine.done() && coroutine.started());
        assert!(caught(|| coroutine.resume(())).is_err());
        // SAFETY: as before.
        unsafe { coroutine.force_reset() };
        let stack = coroutine.into_stack();
        assert_eq!((stack.base(), DROPPED.get()), (base, 0));

        let mut next = Coroutine::with_stack(stack, body);
        next.resume(());
        assert_eq!(next.resume(()).as_return(), Some(5));
        assert_eq!(DROPPED.get(), 1);

        let mut fresh = Coroutine::with_stack(next.into_stack(), body);
        // SAFETY: as before.
        unsafe { fresh.force_reset() };
        drop(fresh);
        assert_eq!(DROPPED.get(), 1);
    }

    #[test]
    fn child_swallows_for_ever() {
        for case in ["by drop", "by force"] {
            if let Some(ended) = child::run("with::child_swallows_for_ever", case, || {
                let mut coroutine = Coroutine::<(), (), ()>::new(|yielder, ()| {
                    loop {
                        suspend_stubbornly(yielder, ());
                    }
                });
                coroutine.resume(());
                match case {
                    "by drop" => drop(coroutine),
                    _ => coroutine.force_unwind(),
                }
            }) {
                ended.assert_died(libc::SIGABRT, "segno: a coroutine keeps suspending");
            }
        }
    }

    /// That there is nobody to tell does not let it go on.
    #[cfg(target_os = "linux")]
    #[test]
    fn child_swallows_unheard() {
        const TEST: &str = "with::child_swallows_unheard";
        // In the child this runs the case; here it shows that the case would be heard.
        let Some(heard) = child::run(TEST, "", || {
            let mut coroutine = Coroutine::<(), (), ()>::new(|yielder, ()| {
                loop {
                    suspend_stubbornly(yielder, ());
                }
            });
            coroutine.resume(());
            let _ = caught(|| drop(coroutine));
            println!("goes on");
        }) else {
            return;
        };
        heard.assert_died(libc::SIGABRT, "segno: a coroutine keeps suspending");
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = child::command(TEST, "").stderr(full).output().unwrap();
        assert_eq!(output.status.signal(), Some(libc::SIGABRT));
        assert!(!String::from_utf8_lossy(&output.stdout).contains("goes on"));
    }

    #[test]
    fn child_has_a_destructor_that_panics() {
        if let Some(ended) = child::run("with::child_has_a_destructor_that_panics", "", || {
            let mut coroutine = Coroutine::<(), (), ()>::new(|yielder, ()| {
                let _local = AtDrop(|| panic!("in a destructor"));
                yielder.suspend(());
            });
            coroutine.resume(());
            let _ = caught(|| drop(coroutine));
            println!("goes on");
        }) {
            ended.assert_died(libc::SIGABRT, "in a destructor");
            assert!(!ended.out.contains("goes on"));
        }
    }

    #[test]
    fn child_answers_a_drop_during_a_panic_with_another() {
        let name = "with::child_answers_a_drop_during_a_panic_with_another";
        if let Some(ended) = child::run(name, "", || {
            let mut coroutine = Coroutine::<(), (), ()>::new(|yielder, ()| {
                suspend_stubbornly(yielder, ());
                panic!("the second");
            });
            coroutine.resume(());
            let _ = caught(move || {
                let _coroutine = coroutine;
                panic!("the first");
            });
            println!("goes on");
        }) {
            ended.assert_died(libc::SIGABRT, "the second");
            assert!(!ended.out.contains("goes on"));
        }
    }

    #[test]
    fn child_suspends_while_panicking() {
        let name = "with::child_suspends_while_panicking";
        let Some(ended) = child::run(name, "", || {
            let mut coroutine = Coroutine::<(), u32, ()>::new(|yielder, ()| {
                let _local = AtDrop(|| yielder.suspend(1));
                panic!("in the body");
            });
            let resumed = caught(|| coroutine.resume(())).map_err(|payload| text(&payload).len());
            assert_eq!(resumed, Ok(CoroutineResult::Yield(1)));
            assert!(thread::panicking(), "the count is the thread's");
            // Bring it to its end, and the count is right again.
            assert_eq!(
                text(&caught(|| coroutine.resume(())).unwrap_err()),
                "in the body"
            );
            assert!(!thread::panicking());
        }) else {
            return;
        };
        if cfg!(debug_assertions) {
            ended.assert_died(
                libc::SIGABRT,
                "a coroutine suspended while it was panicking",
            );
        } else {
            ended.assert_passed();
        }
    }
}
