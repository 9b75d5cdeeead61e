//! What the derive writes is what one would have written by hand.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use segno::frame::{
    Context, Describe, Frame, FrameDescriptor, Input, Machine, Outcome, Refusal, SharedSlot,
    SlotDescriptor, SlotKind, Step,
};

/// A frame that suspends, and returns what it is answered.
macro_rules! waits {
    ($frame:ident $(<$($arguments:tt),*> $($generics:tt)*)?) => {
        impl $(<$($generics)*>)? Frame for $frame $(<$($arguments),*>)? {
            type Value = i64;
            type World = ();

            fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
                match input {
                    Input::Value(value) => Step::Return(value),
                    _ => Step::Suspend(0),
                }
            }

            fn one_shot(&self) -> core::option::Option<&'static str> {
                self.one_shot_kind()
            }
        }
    };
}

/// Is not `Debug`, and need not be.
#[derive(Clone)]
struct Password;

/// A shared type of one's own.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "it is only shown")]
struct Variable(Rc<Cell<i64>>);

impl SharedSlot for Variable {}

#[derive(Clone, Describe)]
enum Call {
    #[frame(name = "sum", version = 3, checkpoint)]
    Sum {
        n: i64,
        #[slot(secret)]
        #[expect(dead_code, reason = "nothing shows it")]
        password: Password,
        #[slot(shared, name = "variable")]
        r#mut: Variable,
    },
    Apply(
        #[slot(named, name = "function")] fn(i64) -> i64,
        Box<Self>,
        #[slot(shared)] Option<Arc<str>>,
    ),
    #[frame(one_shot)]
    Lock(#[slot(named, secret)] Password),
    Done,
}
waits!(Call);

fn sum() -> Call {
    Call::Sum {
        n: 7,
        password: Password,
        r#mut: Variable(Rc::new(Cell::new(8))),
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.descriptor().name)
    }
}

fn slots<F: Describe>(frame: &F) -> Vec<Option<String>> {
    let count = frame.descriptor().slots.len();
    let show = |index| frame.slot(index).map(|value| format!("{value:?}"));
    (0..=count).map(show).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn an_enum() {
    const SUM: FrameDescriptor = FrameDescriptor::new(
        "sum",
        &[
            SlotDescriptor::new("n", SlotKind::Copied).of("i64"),
            SlotDescriptor::new("password", SlotKind::Copied)
                .of("Password")
                .secret(),
            SlotDescriptor::new("variable", SlotKind::Shared).of("Variable"),
        ],
    )
    .version(3)
    .checkpoint();
    const APPLY: FrameDescriptor = FrameDescriptor::new(
        "Apply",
        &[
            SlotDescriptor::new("function", SlotKind::Named).of("fn(i64)->i64"),
            SlotDescriptor::new("1", SlotKind::Copied).of("Box<Self>"),
            SlotDescriptor::new("2", SlotKind::Shared).of("Option<Arc<str>>"),
        ],
    );
    const LOCK: FrameDescriptor = FrameDescriptor::new(
        "Lock",
        &[SlotDescriptor::new("0", SlotKind::Named)
            .of("Password")
            .secret()],
    )
    .one_shot();

    let apply = Call::Apply(i64::abs, Box::new(Call::Done), Some("text".into()));
    assert_eq!(*sum().descriptor(), SUM);
    assert_eq!(*apply.descriptor(), APPLY);
    assert_eq!(*Call::Lock(Password).descriptor(), LOCK);
    assert_eq!(*Call::Done.descriptor(), FrameDescriptor::new("Done", &[]));

    let variable = some("Variable(Cell { value: 8 })");
    assert_eq!(slots(&sum()), [some("7"), None, variable, None]);
    let applied = slots(&apply);
    assert_eq!(applied[1..], [some("Done"), some("Some(\"text\")"), None]);
    assert!(applied[0].is_some());
    assert_eq!(slots(&Call::Lock(Password)), [None, None]);
    assert_eq!(slots(&Call::Done), [None]);
}

#[test]
fn structs() {
    #[derive(Clone, Describe)]
    #[frame(version = 2)]
    struct Named {
        r#type: u8,
    }
    waits!(Named);

    #[derive(Clone, Describe)]
    struct Tuple(u8, u8);
    waits!(Tuple);

    #[derive(Clone, Describe)]
    #[frame(name = "unit", checkpoint)]
    struct Unit;
    waits!(Unit);

    let named = Named { r#type: 1 };
    const NAMED: FrameDescriptor = FrameDescriptor::new(
        "Named",
        &[SlotDescriptor::new("type", SlotKind::Copied).of("u8")],
    )
    .version(2);
    assert_eq!(*named.descriptor(), NAMED);
    assert_eq!(slots(&named), [some("1"), None]);
    assert_eq!(slots(&Tuple(2, 3)), [some("2"), some("3"), None]);
    let expected = FrameDescriptor::new("unit", &[]).checkpoint();
    assert_eq!(*Unit.descriptor(), expected);
    assert_eq!(slots(&Unit), [None]);
}

#[test]
fn generics() {
    /// Holds what cannot be shown, in slots where it need not be.
    #[derive(Clone, Describe)]
    enum Call<'a, T, K: Ord, const N: usize>
    where
        T: Clone,
    {
        Held(T, [u8; N], &'a str),
        Cells {
            #[slot(shared)]
            cell: Rc<Vec<T>>,
            #[slot(secret)]
            #[expect(dead_code, reason = "nothing shows it")]
            by_key: BTreeMap<K, Password>,
        },
        /// Of a bare parameter it is not known whether it is shared.
        #[expect(dead_code, reason = "it has to compile")]
        Perhaps(Option<T>),
    }
    waits!(Call<'a, T, K, N> 'a, T: Clone + fmt::Debug, K: Ord + Clone, const N: usize);

    type Calls<'a> = Call<'a, i64, i64, 2>;
    let text = String::from("text");
    let held: Calls<'_> = Call::Held(1, [2, 3], &text);
    assert_eq!(held.descriptor().name, "Held");
    assert_eq!(
        slots(&held),
        [some("1"), some("[2, 3]"), some("\"text\""), None]
    );
    let cells: Calls<'_> = Call::Cells {
        cell: Rc::new(vec![4]),
        by_key: BTreeMap::new(),
    };
    assert_eq!(cells.descriptor().slots[0].kind, SlotKind::Shared);
    assert_eq!(slots(&cells), [some("[4]"), None, None]);
}

#[test]
fn secrets_are_not_shown() {
    let mut machine = Machine::new(sum());
    assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
    let k = machine.continuation().unwrap();
    let text = machine.inspector().show(&k, 10);
    let expected = "sum v3: n = 7, password = (secret), variable = Variable(Cell { value: 8 })\n";
    assert_eq!(text, expected);
}

#[test]
fn one_shot() {
    assert_eq!(sum().one_shot_kind(), None);
    let mut machine = Machine::new(Call::Lock(Password));
    assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
    let k = machine.continuation().unwrap();
    let text = machine.inspector().show(&k, 10);
    assert_eq!(text, "Lock v1, one-shot: 0 = (secret)\n");
    let mut other = Machine::idle();
    other.start_with(k.clone(), Ok(1)).unwrap();
    assert_eq!(other.run(&mut ()), Outcome::Done(1));
    let refusal = other.start_with(k, Ok(2)).unwrap_err();
    assert_eq!(refusal, Refusal::OneShot { frame: "Lock" });
}

mod under_another_name {
    use super::{Context, Frame, Input, Step};
    use segno as marks;

    /// Names that the derive's own could be taken for.
    #[derive(Clone, marks::frame::Describe)]
    #[frame(crate = marks)]
    enum Option {
        Some(i64),
        None { value: [u8; KINDS], index: i64 },
    }
    const KINDS: usize = 2;
    waits!(Option);
    use marks::frame::Describe;

    #[test]
    fn found() {
        let some = Option::Some(3);
        assert_eq!(super::slots(&some), [super::some("3"), None]);
        let none = Option::None {
            value: [1, 2],
            index: 4,
        };
        let expected = [super::some("[1, 2]"), super::some("4"), None];
        assert_eq!(super::slots(&none), expected);
    }
}
