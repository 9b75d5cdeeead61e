//! Bytes that a stranger keeps and gives back: sealed before, opened after.

use std::borrow::ToOwned;
use std::fmt;
use std::iter;
use std::string::String;
use std::time::{SystemTime, UNIX_EPOCH};
use std::vec::Vec;

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};

const MAGIC: &[u8; 6] = b"segnoS";
const FORMAT: u8 = 1;
const HEADER: usize = MAGIC.len() + 1 + size_of::<u32>();
const NONCE: usize = 24;
const EXPIRY: usize = size_of::<u64>();
const TAG: usize = 16;

/// A secret to seal with, and the number by which sealed bytes say which it was.
///
/// The number is no secret; it is only where to look, so that a key can be succeeded by
/// another. What the key holds is overwritten when it is dropped, but not what it leaves behind
/// where it was moved from.
pub struct SealKey {
    id: u32,
    cipher: XChaCha20Poly1305,
}

impl SealKey {
    /// A key of a secret: 32 random bytes, which a password is not.
    #[must_use]
    pub fn new(id: u32, secret: [u8; 32]) -> Self {
        let cipher = XChaCha20Poly1305::new((&secret).into());
        Self { id, cipher }
    }

    /// A key that nobody knows, for what does not outlive the process.
    ///
    /// # Errors
    ///
    /// If the system gives no random bytes.
    pub fn generate(id: u32) -> Result<Self, SealError> {
        random().map(|secret| Self::new(id, secret))
    }

    fn header(&self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        let (magic, rest) = header.split_at_mut(MAGIC.len());
        magic.copy_from_slice(MAGIC);
        rest[0] = FORMAT;
        rest[1..].copy_from_slice(&self.id.to_le_bytes());
        header
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Seals bytes that a stranger is to keep, in a hidden field of a form or in a cookie, and opens
/// what is given back.
///
/// What opens was sealed with one of the keys, for this audience, and has not expired:
/// without a key nobody can write it or read it. What remains visible is its length, to which
/// 59 bytes are added, and the number of the key.
///
/// It can be given back many times before it expires, and an older one after a newer: what may
/// happen only once, the program has to remember itself.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use segno::snapshot::{Refused, Seal, SealKey};
///
/// # let (old, new) = ([1; 32], [2; 32]);
/// let seal = Seal::new(SealKey::new(2, new), "checkout").also_opens(SealKey::new(1, old));
///
/// let now = SystemTime::now();
/// let hour = Duration::from_secs(3600);
/// let sealed = seal.seal(b"a snapshot", now + hour)?;
///
/// // It goes out with a page, in base64, and comes back with the answer.
/// assert_eq!(seal.open(&sealed, now)?, b"a snapshot");
/// assert_eq!(seal.open(&sealed, now + hour), Err(Refused));
///
/// let other = Seal::new(SealKey::new(2, new), "returns");
/// assert_eq!(other.open(&sealed, now), Err(Refused));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The format
///
/// Version 1. Numbers have the least significant byte first.
///
/// | what | how |
/// |---|---|
/// | magic, format | the bytes `segnoS`, and 1 |
/// | key | its number, four bytes |
/// | nonce | 24 random bytes |
/// | content, encrypted | the expiry, in seconds since 1970, eight bytes; what was sealed |
/// | tag | 16 bytes |
///
/// The cipher is XChaCha20-Poly1305. Its associated data are all before the nonce, the length
/// of the audience in bytes, eight bytes, and the audience in UTF-8.
#[derive(Debug)]
pub struct Seal {
    newest: SealKey,
    older: Vec<SealKey>,
    audience: String,
}

impl Seal {
    /// Seals with this key, for an audience: for what use the bytes are meant, and for whom.
    /// What was sealed for one audience does not open for another, so that nobody can give back
    /// in one place what was handed out in another, or what was handed out to somebody else.
    #[must_use]
    pub fn new(key: SealKey, audience: &str) -> Self {
        Self {
            newest: key,
            older: Vec::new(),
            audience: audience.to_owned(),
        }
    }

    /// Opens also what was sealed with an older key.
    ///
    /// A key is succeeded by making a [`Seal`] of the new one that also opens with the old one,
    /// until all that was sealed with the old one has expired.
    #[must_use]
    pub fn also_opens(mut self, older: SealKey) -> Self {
        self.older.push(older);
        self
    }

    /// Seals bytes, to be opened before they expire. Whole seconds count, so that they may
    /// expire up to one second early; a time before 1970 has always passed.
    ///
    /// # Errors
    ///
    /// If the system gives no random bytes, or if it is more than the cipher can take, which is
    /// 256 GiB.
    pub fn seal(&self, bytes: &[u8], expires: SystemTime) -> Result<Vec<u8>, SealError> {
        let key = &self.newest;
        let nonce = random::<NONCE>()?;
        let mut sealed = Vec::with_capacity(HEADER + NONCE + EXPIRY + bytes.len() + TAG);
        sealed.extend(key.header());
        sealed.extend(nonce);
        sealed.extend(seconds(expires).unwrap_or(0).to_le_bytes());
        sealed.extend(bytes);
        let content = &mut sealed[HEADER + NONCE..];
        let tag = key
            .cipher
            .encrypt_inout_detached((&nonce).into(), &self.bound_to(key), content.into())
            .map_err(|_| SealError::TooLong)?;
        sealed.extend(tag);
        Ok(sealed)
    }

    /// Opens what was sealed, unless it has expired by now. A clock that stands before 1970 has
    /// not been set, and nothing is opened by it.
    ///
    /// Takes no more memory than the sealed bytes and the audience have, whatever the bytes are.
    ///
    /// # Errors
    ///
    /// One for all reasons, so that nobody learns from it how to come closer.
    pub fn open(&self, sealed: &[u8], now: SystemTime) -> Result<Vec<u8>, Refused> {
        let (header, rest) = sealed.split_first_chunk().ok_or(Refused)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Refused)?;
        let (encrypted, tag) = rest.split_last_chunk::<TAG>().ok_or(Refused)?;
        let mut content = iter::once(&self.newest)
            .chain(&self.older)
            .filter(|key| key.header() == *header)
            .find_map(|key| {
                let mut content = encrypted.to_vec();
                key.cipher
                    .decrypt_inout_detached(
                        nonce.into(),
                        &self.bound_to(key),
                        content.as_mut_slice().into(),
                        tag.into(),
                    )
                    .is_ok()
                    .then_some(content)
            })
            .ok_or(Refused)?;
        let expires = u64::from_le_bytes(*content.first_chunk().ok_or(Refused)?);
        if seconds(now).is_none_or(|now| now >= expires) {
            return Err(Refused);
        }
        content.drain(..EXPIRY);
        Ok(content)
    }

    /// The associated data: what the sealed bytes are bound to.
    fn bound_to(&self, key: &SealKey) -> Vec<u8> {
        let length = self.audience.len() as u64;
        let mut bound = key.header().to_vec();
        bound.extend(length.to_le_bytes());
        bound.extend(self.audience.as_bytes());
        bound
    }
}

/// Seconds since 1970, if it is not before.
fn seconds(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes)
}

/// Why bytes could not be sealed, or a key not generated.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The system gives no random bytes.
    NoRandomness,
    /// There are more bytes than the cipher can take.
    TooLong,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRandomness => {
                "the system gives no random bytes: try again when it has started up"
            }
            Self::TooLong => "more than 256 GiB cannot be sealed: keep them yourself",
        })
    }
}

impl std::error::Error for SealError {}

/// What was given back does not open: it has expired, was sealed for another audience or with
/// another key, was changed, or was never sealed. Which of these is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sealed bytes are not accepted: ask for new ones")
    }
}

impl std::error::Error for Refused {}
