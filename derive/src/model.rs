//! What a type of frames says of itself, as its attributes and fields have it.

use std::collections::BTreeSet;

use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::parse_quote;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Generics, Ident};
use syn::{LitInt, LitStr, Member, Path, Result, Type};

/// A type of frames.
pub(crate) struct Model {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// Where segno is found.
    pub(crate) segno: Path,
    /// In the order in which they are declared; a struct is its only kind.
    pub(crate) kinds: Vec<Kind>,
}

/// A kind of frame.
pub(crate) struct Kind {
    /// How its frames are taken apart: `Self`, or a variant of it.
    pub(crate) path: Path,
    pub(crate) name: LitStr,
    pub(crate) version: u32,
    /// The first version that can be read.
    pub(crate) reads: u32,
    pub(crate) checkpoint: bool,
    pub(crate) one_shot: bool,
    pub(crate) slots: Vec<Slot>,
}

/// A slot of a kind of frame.
pub(crate) struct Slot {
    pub(crate) member: Member,
    pub(crate) ty: Type,
    pub(crate) name: LitStr,
    pub(crate) kind: SlotKind,
    pub(crate) secret: bool,
    /// The version that has added it.
    pub(crate) since: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotKind {
    Copied,
    Shared,
    Named,
}

impl Model {
    pub(crate) fn of(input: DeriveInput) -> Result<Self> {
        let ident = input.ident;
        let (segno, kinds) = match input.data {
            Data::Struct(data) => {
                let mut words = FrameWords::of(&input.attrs, On::Struct)?;
                let segno = words.segno.take();
                (
                    segno,
                    vec![words.kind(parse_quote!(Self), &ident, &data.fields)?],
                )
            }
            Data::Enum(data) => {
                let segno = FrameWords::of(&input.attrs, On::Enum)?.segno;
                let kind = |variant: &syn::Variant| {
                    let ident = &variant.ident;
                    let words = FrameWords::of(&variant.attrs, On::Variant)?;
                    words.kind(parse_quote!(Self::#ident), ident, &variant.fields)
                };
                (
                    segno,
                    data.variants.iter().map(kind).collect::<Result<_>>()?,
                )
            }
            Data::Union(data) => {
                let problem = "a union does not know what is in it, so that it cannot say it";
                return Err(Error::new(data.union_token.span, problem));
            }
        };
        if kinds.is_empty() {
            return Err(Error::new(ident.span(), "there is no kind of frame in it"));
        }
        unique(kinds.iter().map(|kind| &kind.name), "kinds of frame")?;
        Ok(Self {
            ident,
            generics: input.generics,
            segno: segno.unwrap_or_else(|| parse_quote!(::segno)),
            kinds,
        })
    }
}

/// What `#[frame(…)]` is written on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Struct,
    Enum,
    Variant,
}

/// What `#[frame(…)]` says.
#[derive(Default)]
struct FrameWords {
    segno: Option<Path>,
    name: Option<LitStr>,
    version: Option<u32>,
    reads: Option<u32>,
    checkpoint: Option<()>,
    one_shot: Option<()>,
}

impl FrameWords {
    fn of(attributes: &[Attribute], on: On) -> Result<Self> {
        let mut words = Self::default();
        let expected = match on {
            On::Struct => "`name`, `version`, `reads`, `checkpoint`, `one_shot` or `crate`",
            On::Enum => "`crate`; what else is said of a frame is said on its variant",
            On::Variant => "`name`, `version`, `reads`, `checkpoint` or `one_shot`",
        };
        for attribute in attributes {
            if attribute.path().is_ident("slot") {
                return Err(Error::new_spanned(attribute, "`slot` belongs to a field"));
            }
            if !attribute.path().is_ident("frame") {
                continue;
            }
            attribute.parse_nested_meta(|meta| match word(&meta).as_str() {
                "crate" if on != On::Variant => {
                    let path = meta.value()?.call(Path::parse_mod_style)?;
                    say(&mut words.segno, path, &meta)
                }
                "name" if on != On::Enum => say(&mut words.name, name(&meta)?, &meta),
                "version" if on != On::Enum => say(&mut words.version, version(&meta)?, &meta),
                "reads" if on != On::Enum => say(&mut words.reads, version(&meta)?, &meta),
                "checkpoint" if on != On::Enum => say(&mut words.checkpoint, (), &meta),
                "one_shot" if on != On::Enum => say(&mut words.one_shot, (), &meta),
                _ => Err(meta.error(format_args!("expected {expected}"))),
            })?;
        }
        Ok(words)
    }

    fn kind(self, path: Path, ident: &Ident, fields: &Fields) -> Result<Kind> {
        let slots = (fields.iter().zip(fields.members()))
            .map(|(field, member)| Slot::of(&field.attrs, member, &field.ty))
            .collect::<Result<Vec<_>>>()?;
        unique(slots.iter().map(|slot| &slot.name), "slots")?;
        let version = self.version.unwrap_or(1);
        for slot in &slots {
            if slot.since.is_some_and(|since| since > version) {
                let problem = format!(
                    "the frame has version {version}, and a slot cannot be newer: say \
                     `#[frame(version = …)]`"
                );
                return Err(Error::new(slot.name.span(), problem));
            }
        }
        // What was there from the beginning needs nothing to be said.
        let reads = match slots.iter().filter_map(|slot| slot.since).min() {
            Some(_) => self.reads.unwrap_or(1),
            None => self.reads.unwrap_or(version),
        };
        if reads > version {
            let problem = format!("the frame has version {version}: it cannot read a newer one");
            return Err(Error::new(ident.span(), problem));
        }
        Ok(Kind {
            path,
            name: self.name.unwrap_or_else(|| name_of(ident)),
            version,
            reads,
            checkpoint: self.checkpoint.is_some(),
            one_shot: self.one_shot.is_some(),
            slots,
        })
    }
}

impl Slot {
    fn of(attributes: &[Attribute], member: Member, ty: &Type) -> Result<Self> {
        let (mut given, mut kind, mut secret, mut since) = (None, None, None, None);
        for attribute in attributes {
            if attribute.path().is_ident("frame") {
                let problem = "`frame` belongs to a variant or a struct";
                return Err(Error::new_spanned(attribute, problem));
            }
            if !attribute.path().is_ident("slot") {
                continue;
            }
            attribute.parse_nested_meta(|meta| {
                let said = match word(&meta).as_str() {
                    "copied" => SlotKind::Copied,
                    "shared" => SlotKind::Shared,
                    "named" => SlotKind::Named,
                    "secret" => return say(&mut secret, (), &meta),
                    "name" => return say(&mut given, name(&meta)?, &meta),
                    "since" => return say(&mut since, version(&meta)?, &meta),
                    _ => {
                        let expected = "`copied`, `shared`, `named`, `secret`, `since` or `name`";
                        return Err(meta.error(format_args!("expected {expected}")));
                    }
                };
                match kind.replace(said) {
                    Some(other) if other != said => {
                        let problem = "a slot is either `copied`, `shared` or `named`";
                        Err(meta.error(problem))
                    }
                    Some(_) => Err(twice(&meta)),
                    None => Ok(()),
                }
            })?;
        }
        let name = given.unwrap_or_else(|| match &member {
            Member::Named(ident) => name_of(ident),
            Member::Unnamed(index) => LitStr::new(&index.index.to_string(), index.span),
        });
        Ok(Self {
            member,
            ty: ty.clone(),
            name,
            kind: kind.unwrap_or(SlotKind::Copied),
            secret: secret.is_some(),
            since,
        })
    }
}

/// The word that is said, if it is one.
fn word(meta: &ParseNestedMeta<'_>) -> String {
    let ident = meta.path.get_ident();
    ident.map(Ident::to_string).unwrap_or_default()
}

/// Notes what is said, which may be said once.
fn say<T>(place: &mut Option<T>, what: T, meta: &ParseNestedMeta<'_>) -> Result<()> {
    match place.replace(what) {
        None => Ok(()),
        Some(_) => Err(twice(meta)),
    }
}

fn twice(meta: &ParseNestedMeta<'_>) -> Error {
    meta.error(format_args!("`{}` is said twice", word(meta)))
}

fn name(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let name: LitStr = meta.value()?.parse()?;
    if name.value().is_empty() {
        return Err(Error::new(name.span(), "a name is not empty"));
    }
    Ok(name)
}

fn version(meta: &ParseNestedMeta<'_>) -> Result<u32> {
    let literal: LitInt = meta.value()?.parse()?;
    match literal.base10_parse()? {
        0 => Err(Error::new(literal.span(), "versions begin with 1")),
        version => Ok(version),
    }
}

/// The name as it is written.
fn name_of(ident: &Ident) -> LitStr {
    LitStr::new(&ident.unraw().to_string(), ident.span())
}

fn unique<'a>(names: impl Iterator<Item = &'a LitStr>, what: &str) -> Result<()> {
    let mut so_far = BTreeSet::new();
    for name in names {
        let value = name.value();
        if so_far.contains(&value) {
            let problem = format!("two {what} are named `{value}`");
            return Err(Error::new(name.span(), problem));
        }
        so_far.insert(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(source: &str) -> Result<Model> {
        Model::of(syn::parse_str(source).unwrap())
    }

    #[test]
    fn what_is_said() {
        let source = "
            #[frame(crate = other::segno)]
            enum Call<T> {
                #[doc = \"A sum.\"]
                #[frame(name = \"sum\", version = 2)]
                #[frame(checkpoint)]
                Add(i64, #[slot(shared, name = \"cell\")] Rc<T>),
                Ask { r#type: T, #[slot(named, secret)] key: Key },
                #[frame(one_shot)]
                r#Loop,
            }";
        let model = model(source).unwrap();
        assert_eq!(model.ident, "Call");
        assert!(
            model
                .segno
                .segments
                .iter()
                .map(|s| &s.ident)
                .eq(["other", "segno"])
        );
        let heads = model.kinds.iter().map(|kind| {
            let name = kind.name.value();
            (name, kind.version, kind.checkpoint, kind.one_shot)
        });
        let expected = [
            ("sum".to_owned(), 2, true, false),
            ("Ask".to_owned(), 1, false, false),
            ("Loop".to_owned(), 1, false, true),
        ];
        assert!(heads.eq(expected));
        let slots = model.kinds.iter().flat_map(|kind| &kind.slots);
        let slots = slots.map(|slot| (slot.name.value(), slot.kind, slot.secret));
        let expected = [
            ("0".to_owned(), SlotKind::Copied, false),
            ("cell".to_owned(), SlotKind::Shared, false),
            ("type".to_owned(), SlotKind::Copied, false),
            ("key".to_owned(), SlotKind::Named, true),
        ];
        assert!(slots.eq(expected));
    }

    #[test]
    fn what_is_refused() {
        let of_frames = "expected `name`, `version`, `reads`, `checkpoint` or `one_shot`";
        let of_slots = "expected `copied`, `shared`, `named`, `secret`, `since` or `name`";
        let either = "a slot is either `copied`, `shared` or `named`";
        let refused = [
            (
                "union U { n: i64 }",
                "a union does not know what is in it, so that it cannot say it",
            ),
            ("enum E {}", "there is no kind of frame in it"),
            ("enum E { #[frame(colour)] A }", of_frames),
            ("enum E { #[frame(crate = a)] A }", of_frames),
            ("enum E { #[frame(a::name = \"a\")] A }", of_frames),
            (
                "#[frame(version = 2)] enum E { A }",
                "expected `crate`; what else is said of a frame is said on its variant",
            ),
            (
                "#[frame(colour)] struct S;",
                "expected `name`, `version`, `reads`, `checkpoint`, `one_shot` or `crate`",
            ),
            ("#[frame] struct S;", "in parentheses"),
            ("#[slot(copied)] struct S;", "`slot` belongs to a field"),
            (
                "enum E { #[slot(copied)] A(i64) }",
                "`slot` belongs to a field",
            ),
            (
                "enum E { A(#[frame(version = 2)] i64) }",
                "`frame` belongs to a variant or a struct",
            ),
            ("#[frame(version = 0)] struct S;", "versions begin with 1"),
            ("#[frame(version = \"1\")] struct S;", "integer"),
            ("#[frame(version = 4294967296)] struct S;", "too large"),
            (
                "#[frame(version = 1, version = 1)] struct S;",
                "`version` is said twice",
            ),
            (
                "#[frame(one_shot)] #[frame(one_shot)] struct S;",
                "`one_shot` is said twice",
            ),
            ("#[frame(checkpoint = true)] struct S;", "expected `,`"),
            ("#[frame(name = \"\")] struct S;", "a name is not empty"),
            (
                "enum E { A, #[frame(name = \"A\")] B }",
                "two kinds of frame are named `A`",
            ),
            (
                "struct S { a: i64, #[slot(name = \"a\")] b: i64 }",
                "two slots are named `a`",
            ),
            ("struct S(#[slot(colour)] i64);", of_slots),
            (
                "struct S(#[slot(since = 2)] i64);",
                "a slot cannot be newer: say `#[frame(version",
            ),
            (
                "#[frame(version = 2, reads = 3)] struct S;",
                "it cannot read a newer one",
            ),
            (
                "struct S(#[slot(secret, secret)] i64);",
                "`secret` is said twice",
            ),
            (
                "struct S(#[slot(shared, shared)] i64);",
                "`shared` is said twice",
            ),
            ("struct S(#[slot(copied)] #[slot(named)] i64);", either),
        ];
        for (source, expected) in refused {
            let refusal = model(source).err().map(|error| error.to_string());
            assert!(
                refusal
                    .as_deref()
                    .is_some_and(|text| text.contains(expected)),
                "{source}: {refusal:?}"
            );
        }
    }
}
