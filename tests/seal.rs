//! What a stranger has kept: it comes back as it was, or not at all.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use segno::snapshot::{Refused, Seal, SealKey};

const NOW: u64 = 1_000_000;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn before_1970() -> SystemTime {
    UNIX_EPOCH - Duration::from_secs(1)
}

fn secret(id: u32) -> [u8; 32] {
    let mut secret = [7; 32];
    secret[..4].copy_from_slice(&id.to_le_bytes());
    secret
}

fn key(id: u32) -> SealKey {
    SealKey::new(id, secret(id))
}

fn seal(id: u32) -> Seal {
    Seal::new(key(id), "test")
}

/// Sealed with key 1 until a second after now.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    seal(1).seal(bytes, at(NOW + 1)).unwrap()
}

fn open(seal: &Seal, sealed: &[u8]) -> Result<Vec<u8>, Refused> {
    seal.open(sealed, at(NOW))
}

#[test]
fn what_was_sealed_opens() {
    for length in [0, 1, 8, 63, 64, 65, 100_000] {
        let bytes: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let sealed = sealed(&bytes);
        assert_eq!(sealed.len(), bytes.len() + 59);
        assert_eq!(open(&seal(1), &sealed), Ok(bytes));
    }
}

#[test]
fn what_was_sealed_cannot_be_read_and_is_never_the_same() {
    let bytes = b"a secret that is long enough not to occur by chance";
    let [one, other] = [sealed(bytes), sealed(bytes)];
    assert_ne!(one, other);
    // Neither the nonce nor anything after it.
    assert!(
        one[11..]
            .chunks(4)
            .zip(other[11..].chunks(4))
            .all(|(a, b)| a != b || a.len() < 4)
    );
    for sealed in [one, other] {
        assert!(
            !sealed
                .windows(8)
                .any(|part| bytes.windows(8).any(|of| of == part))
        );
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let sealed = sealed(b"some bytes");
    // Even where the flipped number of the key is another number of the same secret.
    let seal = (0..32).fold(seal(1), |seal, bit| {
        seal.also_opens(SealKey::new(1 ^ 1 << bit, secret(1)))
    });
    assert!(open(&seal, &sealed).is_ok());
    for bit in 0..8 * sealed.len() {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&seal, &changed), Err(Refused), "bit {bit}");
    }
}

#[test]
fn what_is_cut_off_or_added_to_is_refused() {
    let sealed = sealed(b"some bytes");
    for length in 0..sealed.len() {
        assert_eq!(open(&seal(1), &sealed[..length]), Err(Refused), "{length}");
        assert_eq!(open(&seal(1), &sealed[length + 1..]), Err(Refused));
    }
    assert_eq!(open(&seal(1), &[&sealed[..], &[0]].concat()), Err(Refused));
    assert_eq!(
        open(&seal(1), &[&sealed[..], &sealed].concat()),
        Err(Refused)
    );
}

#[test]
fn what_has_expired_is_refused() {
    let seal = seal(1);
    let sealed = seal.seal(b"x", at(NOW)).unwrap();
    let opens = |now| seal.open(&sealed, now).is_ok();
    assert!(opens(at(0)));
    assert!(opens(at(NOW) - Duration::from_nanos(1)));
    assert!(!opens(at(NOW)));
    assert!(!opens(at(NOW + 1)));
    assert!(!opens(furthest()));
    // A clock that was not set.
    assert!(!opens(before_1970()));
}

#[test]
fn times_that_are_out_of_the_ordinary() {
    let seal = seal(1);
    for expires in [before_1970(), at(0)] {
        let sealed = seal.seal(b"x", expires).unwrap();
        for now in [before_1970(), at(0), at(1), furthest()] {
            assert_eq!(seal.open(&sealed, now), Err(Refused));
        }
    }
    let sealed = seal.seal(b"x", furthest()).unwrap();
    assert!(seal.open(&sealed, at(NOW)).is_ok());
    assert_eq!(seal.open(&sealed, furthest()), Err(Refused));
    assert_eq!(seal.open(&sealed, before_1970()), Err(Refused));
}

/// The last second that the system's clock can show, as far as doubling finds it.
fn furthest() -> SystemTime {
    (0..64).rev().fold(at(0), |time, bit| {
        time.checked_add(Duration::from_secs(1 << bit))
            .unwrap_or(time)
    })
}

#[test]
fn another_audience_is_refused() {
    let names = ["", "a", "ab", "b", "a\0", "checkout/alice", "checkout/bob"];
    for from in names {
        let sealed = Seal::new(key(1), from).seal(b"x", at(NOW + 1)).unwrap();
        for to in names {
            let opened = open(&Seal::new(key(1), to), &sealed);
            assert_eq!(opened.is_ok(), from == to, "from {from:?} to {to:?}");
        }
    }
}

#[test]
fn a_key_is_succeeded_by_another() {
    let [old, both, new] = [seal(1), seal(2).also_opens(key(1)), seal(2)];
    let early = old.seal(b"early", at(NOW + 1)).unwrap();
    let late = both.seal(b"late", at(NOW + 1)).unwrap();

    assert_eq!(open(&both, &early).unwrap(), b"early");
    assert_eq!(open(&both, &late).unwrap(), b"late");
    // The new key seals, and the old one is gone.
    assert_eq!(open(&new, &late).unwrap(), b"late");
    assert_eq!(open(&new, &early), Err(Refused));
    assert_eq!(open(&old, &late), Err(Refused));
}

#[test]
fn a_key_is_its_secret_and_not_its_number() {
    let same_number = || SealKey::new(1, [9; 32]);
    let early = sealed(b"early");
    assert_eq!(
        open(&Seal::new(same_number(), "test"), &early),
        Err(Refused)
    );

    let both = Seal::new(same_number(), "test").also_opens(key(1));
    let late = both.seal(b"late", at(NOW + 1)).unwrap();
    assert_eq!(open(&both, &early).unwrap(), b"early");
    assert_eq!(open(&both, &late).unwrap(), b"late");
    assert_eq!(open(&seal(1), &late), Err(Refused));

    let [one, other] = [(); 2].map(|()| Seal::new(SealKey::generate(1).unwrap(), "test"));
    let sealed = one.seal(b"x", at(NOW + 1)).unwrap();
    assert!(open(&one, &sealed).is_ok());
    assert_eq!(open(&other, &sealed), Err(Refused));
}

#[test]
fn a_secret_is_not_printed() {
    assert_eq!(
        format!("{:?}", SealKey::new(3, [0xAB; 32])),
        "SealKey { id: 3, .. }"
    );
    let seal = Seal::new(SealKey::new(3, [0xAB; 32]), "test").also_opens(key(2));
    let printed = format!("{seal:?}");
    assert!(printed.contains("id: 3") && printed.contains("id: 2"));
    assert!(!printed.contains("171") && !printed.to_lowercase().contains("ab"));
    assert_eq!(
        Refused.to_string(),
        "the sealed bytes are not accepted: ask for new ones"
    );
}

/// Made from the description of the format, by another implementation of the cipher.
#[test]
fn the_format_is_what_it_says() {
    let mut secret = [0; 32];
    (0..).zip(&mut secret).for_each(|(i, byte)| *byte = i);
    let seal = Seal::new(SealKey::new(0x0102_0304, secret), "für alle");
    let far = hex(
        "7365676e6f5301040302016465666768696a6b6c6d6e6f707172737475767778797a7b838c064f00d1767deb5\
         1bd53c74fd1a8e79ef47834d3faed4b0750df0cd64957",
    );
    let near = hex(
        "7365676e6f5301040302016465666768696a6b6c6d6e6f707172737475767778797a7b9470f9b0ff2e8982d58\
         a9f309d2032307353e0a60156aa90",
    );
    // It expires at the last second that there is a number for.
    assert_eq!(seal.open(&far, furthest()).unwrap(), b"la la la");
    assert_eq!(seal.open(&near, at(999)).unwrap(), b"");
    assert_eq!(seal.open(&near, at(1000)), Err(Refused));
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[cfg(feature = "derive")]
mod snapshot {
    use std::rc::Rc;

    use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, Step};
    use segno::snapshot::{LoadError, LoadLimits, Loaded, Persist, Registry, Save};

    use super::*;

    /// Asks for so many numbers, and adds them.
    #[derive(Clone, Describe, Persist)]
    struct Sum {
        left: u32,
        sum: i64,
    }

    impl Frame for Sum {
        type Value = i64;
        type World = ();

        fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
            if let Input::Value(number) = input {
                self.sum += number;
            }
            match self.left {
                0 => Step::Return(self.sum),
                _ => {
                    self.left -= 1;
                    Step::Suspend(self.sum)
                }
            }
        }
    }

    #[test]
    fn a_computation_goes_on_after_a_stranger_had_it() {
        let registry = Rc::new(Registry::new("sum", 1));
        let mut machine = Machine::new(Sum { left: 3, sum: 0 });
        assert_eq!(machine.run(&mut ()), Outcome::Suspended(0));
        for (number, sum) in [(1, 1), (2, 3)] {
            let mut save = Save::new(&registry);
            save.machine(&mut machine).unwrap();
            let field = sealed(&save.finish().unwrap());

            let bytes = open(&seal(1), &field).unwrap();
            let read = |bytes| Loaded::<Sum>::read(bytes, &registry, LoadLimits::default());
            // Sealed, it is nothing that could be loaded by mistake.
            assert!(matches!(read(&field), Err(LoadError::Sealed)));
            machine = read(&bytes).unwrap().machine(0).unwrap();
            machine.answer(Ok(number)).unwrap();
            assert_eq!(machine.run(&mut ()), Outcome::Suspended(sum));
        }
        machine.answer(Ok(3)).unwrap();
        assert_eq!(machine.run(&mut ()), Outcome::Done(6));
    }
}
