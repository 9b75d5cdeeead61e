//! Sealed bytes that were changed are refused, and so are bytes that never were sealed.

#![no_main]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use segno::snapshot::{Refused, Seal, SealKey};

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    bytes: &'a [u8],
    audience: &'a str,
    other_audience: &'a str,
    expires: u64,
    now: u64,
    changes: Vec<Change>,
}

#[derive(Arbitrary, Debug)]
enum Change {
    Flip(u16, u8),
    Insert(u16, u8),
    Remove(u16),
    CutOff(u16),
    Append(Vec<u8>),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: u16| at as usize % (bytes.len() + 1);
        match self {
            Self::Flip(at, by) => {
                let at = place(*at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= by;
                }
            }
            Self::Insert(at, byte) => bytes.insert(place(*at), *byte),
            Self::Remove(at) => {
                let at = place(*at);
                if at < bytes.len() {
                    bytes.remove(at);
                }
            }
            Self::CutOff(at) => bytes.truncate(place(*at)),
            Self::Append(more) => bytes.extend(more),
        }
    }
}

fn at(seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fuzz_target!(|case: Case| {
    let seal = |audience| {
        Seal::new(SealKey::new(1, [7; 32]), audience).also_opens(SealKey::new(2, [8; 32]))
    };
    let (Some(expires), Some(now)) = (at(case.expires), at(case.now)) else {
        return;
    };
    let own = seal(case.audience);
    assert_eq!(own.open(case.bytes, now), Err(Refused));
    let sealed = own.seal(case.bytes, expires).unwrap();
    let opened = own.open(&sealed, now);
    assert_eq!(opened.is_ok(), case.now < case.expires);
    assert!(opened.is_err() || opened.as_deref() == Ok(case.bytes));
    if case.audience != case.other_audience {
        assert_eq!(seal(case.other_audience).open(&sealed, now), Err(Refused));
    }
    let mut changed = sealed.clone();
    for change in &case.changes {
        change.apply(&mut changed);
    }
    if changed != sealed {
        assert_eq!(own.open(&changed, UNIX_EPOCH), Err(Refused));
    }
});
