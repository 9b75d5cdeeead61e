//! Writes `Persist`.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::parse_quote;
use syn::spanned::Spanned;

use crate::describe::descriptor;
use crate::model::{Kind, Model};

pub(crate) fn persist(model: &Model) -> TokenStream {
    let Model {
        ident,
        segno,
        kinds,
        ..
    } = model;
    let frame = quote!(#segno::frame);
    let snapshot = quote!(#segno::snapshot);
    let mut generics = model.generics.clone();
    if !generics.params.is_empty() {
        let bounds = &mut generics.make_where_clause().predicates;
        bounds.push(parse_quote!(Self: #frame::Describe + 'static));
        bounds.push(parse_quote!(
            <Self as #frame::Frame>::Value: #snapshot::__serde::Serialize
                + #snapshot::__serde::de::DeserializeOwned + 'static
        ));
        for slot in kinds.iter().flat_map(|kind| &kind.slots) {
            let ty = &slot.ty;
            bounds.push(parse_quote!(
                #ty: #snapshot::__serde::Serialize + #snapshot::__serde::de::DeserializeOwned
            ));
        }
    }
    let (of, arguments, bounds) = generics.split_for_impl();

    let descriptors = kinds.iter().map(|kind| descriptor(kind, &frame));
    let index = |index| Literal::usize_unsuffixed(index);
    let which = kinds.iter().enumerate().map(|(number, kind)| {
        let (path, number) = (&kind.path, index(number));
        quote!(#path { .. } => #number,)
    });
    let stored = kinds.iter().map(|kind| stored(kind, &snapshot));
    let loaded = kinds.iter().enumerate().map(|(number, kind)| {
        let number = index(number);
        let frame = loaded(kind, &snapshot);
        quote!(#number => ::core::result::Result::Ok(#frame),)
    });

    quote! {
        #[automatically_derived]
        impl #of #snapshot::Persist for #ident #arguments #bounds {
            const KINDS: &'static [#frame::FrameDescriptor] = &[#(#descriptors),*];

            fn kind(&self) -> ::core::primitive::usize {
                match self { #(#which)* }
            }

            fn store<__S: #snapshot::__serde::ser::SerializeStruct>(
                &self,
                to: &mut __S,
            ) -> ::core::result::Result<(), __S::Error> {
                match self { #(#stored)* }
                ::core::result::Result::Ok(())
            }

            fn load<'__de, __S: #snapshot::Slots<'__de>>(
                kind: ::core::primitive::usize,
                from: &mut __S,
            ) -> ::core::result::Result<Self, __S::Error> {
                match kind {
                    #(#loaded)*
                    _ => ::core::result::Result::Err(#snapshot::Slots::no_such_kind(from)),
                }
            }
        }
    }
}

/// The arm that hands out the slots of a kind.
fn stored(kind: &Kind, snapshot: &TokenStream) -> TokenStream {
    let path = &kind.path;
    let members = kind.slots.iter().map(|slot| &slot.member);
    let values: Vec<_> = (0..kind.slots.len())
        .map(|index| format_ident!("slot_{index}", span = Span::mixed_site()))
        .collect();
    let fields = kind.slots.iter().zip(&values).map(|(slot, value)| {
        let name = &slot.name;
        quote_spanned! {slot.ty.span().resolved_at(Span::call_site())=>
            #snapshot::__serde::ser::SerializeStruct::serialize_field(to, #name, #value)?;
        }
    });
    quote!(#path { #(#members: #values),* } => { #(#fields)* })
}

/// A frame of a kind, of its slots.
fn loaded(kind: &Kind, snapshot: &TokenStream) -> TokenStream {
    let path = &kind.path;
    let fields = kind.slots.iter().map(|slot| {
        let (member, name) = (&slot.member, &slot.name);
        let given = quote!(#snapshot::Slots::slot(from, #name)?);
        let value = match slot.since {
            None => given,
            Some(since) => {
                let since = Literal::u32_unsuffixed(since);
                quote! {
                    if #snapshot::Slots::version(from) < #since {
                        ::core::default::Default::default()
                    } else {
                        #given
                    }
                }
            }
        };
        quote_spanned!(slot.ty.span().resolved_at(Span::call_site())=> #member: #value)
    });
    quote!(#path { #(#fields),* })
}
