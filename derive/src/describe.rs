//! Writes `Describe`.

use proc_macro2::{Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Generics, Ident, Type, parse_quote};

use crate::model::{Kind, Model, Slot, SlotKind};

pub(crate) fn describe(model: &Model) -> TokenStream {
    let Model {
        ident,
        segno,
        kinds,
        ..
    } = model;
    let frame = quote!(#segno::frame);
    let generics = bounded(model, &frame);
    let (of, arguments, bounds) = generics.split_for_impl();

    let checks = slots(kinds).map(|slot| check(slot, &frame));
    let copied = slots(kinds).any(|slot| slot.kind == SlotKind::Copied);
    let otherwise = copied.then(|| quote!(use #frame::__check::Otherwise as _;));
    let descriptors = kinds.iter().map(|kind| descriptor(kind, &frame));
    let count = kinds.len();
    let which = kinds.iter().enumerate().map(|(index, kind)| {
        let path = &kind.path;
        let index = Literal::usize_unsuffixed(index);
        quote!(#path { .. } => &KINDS[#index],)
    });
    let found = kinds.iter().map(shown);

    quote! {
        #[automatically_derived]
        impl #of #frame::Describe for #ident #arguments #bounds {
            fn descriptor(&self) -> &'static #frame::FrameDescriptor {
                // In a block of its own, for the types are the user's: they see no name of ours.
                {
                    #otherwise
                    // Never called: that it compiles is the check.
                    let _ = || { #(#checks)* };
                }
                {
                    static KINDS: [#frame::FrameDescriptor; #count] = [#(#descriptors),*];
                    match self { #(#which)* }
                }
            }

            fn slot(
                &self,
                index: ::core::primitive::usize,
            ) -> ::core::option::Option<&dyn ::core::fmt::Debug> {
                match (self, index) {
                    #(#found)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    }
}

fn slots(kinds: &[Kind]) -> impl Iterator<Item = &Slot> {
    kinds.iter().flat_map(|kind| &kind.slots)
}

/// The generics of the type, with what its parameters have to fulfil: it is a frame, and what
/// is shown can be.
fn bounded(model: &Model, frame: &TokenStream) -> Generics {
    let mut generics = model.generics.clone();
    if generics.params.is_empty() {
        return generics;
    }
    let parameters: Vec<Ident> = generics.type_params().map(|p| p.ident.clone()).collect();
    let bounds = &mut generics.make_where_clause().predicates;
    bounds.push(parse_quote!(Self: #frame::Frame));
    for slot in slots(&model.kinds) {
        let ty = &slot.ty;
        if !slot.secret && mentions(ty, &parameters) {
            bounds.push(parse_quote!(#ty: ::core::fmt::Debug));
        }
    }
    generics
}

fn mentions(ty: &Type, parameters: &[Ident]) -> bool {
    fn within(tokens: TokenStream, parameters: &[Ident]) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => parameters.contains(&ident),
            TokenTree::Group(group) => within(group.stream(), parameters),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    within(ty.to_token_stream(), parameters)
}

/// That a slot that is shared is of a shared type, and one that is copied is not.
fn check(slot: &Slot, frame: &TokenStream) -> TokenStream {
    let ty = &slot.ty;
    match slot.kind {
        SlotKind::Copied => {
            quote_spanned!(ty.span()=> #frame::__check::copied::<#ty, _>(#frame::__check::Of::<#ty>::IS);)
        }
        SlotKind::Shared => quote_spanned!(ty.span()=> #frame::__check::shared::<#ty>();),
        SlotKind::Named => TokenStream::new(),
    }
}

pub(crate) fn descriptor(kind: &Kind, frame: &TokenStream) -> TokenStream {
    let Kind { name, version, .. } = kind;
    let version = Literal::u32_unsuffixed(*version);
    let reads = (kind.reads != kind.version).then(|| {
        let reads = Literal::u32_unsuffixed(kind.reads);
        quote!(.reads(#reads))
    });
    let checkpoint = kind.checkpoint.then(|| quote!(.checkpoint()));
    let one_shot = kind.one_shot.then(|| quote!(.one_shot()));
    let slots = kind.slots.iter().map(|slot| {
        let name = &slot.name;
        let kind = match slot.kind {
            SlotKind::Copied => quote!(Copied),
            SlotKind::Shared => quote!(Shared),
            SlotKind::Named => quote!(Named),
        };
        let secret = slot.secret.then(|| quote!(.secret()));
        let of = written(&slot.ty);
        quote!(#frame::SlotDescriptor::new(#name, #frame::SlotKind::#kind).of(#of) #secret)
    });
    quote! {
        #frame::FrameDescriptor::new(#name, &[#(#slots),*]).version(#version) #reads #checkpoint #one_shot
    }
}

/// A type as it is written, with no space but between words, so that compilers agree.
fn written(ty: &Type) -> String {
    let tokens = ty.to_token_stream().to_string();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut written = String::new();
    for word in tokens.split_whitespace() {
        if written.ends_with(is_word) && word.starts_with(is_word) {
            written.push(' ');
        }
        written.push_str(word);
    }
    written
}

/// The arms that find the slots of a kind by their index.
fn shown(kind: &Kind) -> TokenStream {
    let path = &kind.path;
    let slots = kind.slots.iter().enumerate();
    let arms = slots.filter(|(_, slot)| !slot.secret).map(|(index, slot)| {
        let index = Literal::usize_unsuffixed(index);
        let member = &slot.member;
        // Where the type cannot be shown, the error is about the field.
        let here = Span::mixed_site().located_at(slot.ty.span());
        let value = Ident::new("value", here);
        let some = quote_spanned!(here=> ::core::option::Option::Some(#value));
        quote!((#path { #member: #value, .. }, #index) => #some,)
    });
    arms.collect()
}
