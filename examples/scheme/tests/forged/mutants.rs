//! Snapshots that were changed at random: their bytes, or what they say.

use segno::snapshot::{Document, Number, Outline, RootDocument, Tree, WaitsDocument};

use super::seeds::Seed;

/// Numbers at which an encoding, a type or an index comes to its end.
const BOUNDARIES: [u64; 14] = [
    0,
    1,
    127,
    128,
    255,
    1 << 14,
    u16::MAX as u64,
    1 << 30,
    (1 << 30) + 1,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    1 << 63,
    u64::MAX,
];

const CHECKSUM: usize = 4;

/// The generator of Steele, Lea and Flood: it never fails to be at another place for another seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// Some of so many, and not more than the longest.
fn range(random: &mut Random, of: usize, longest: usize) -> std::ops::Range<usize> {
    let start = random.below(of + 1);
    start..start + random.below(longest.min(of - start) + 1)
}

/// The bytes of a seed with a few changes; the checksum is right but for some.
pub(crate) fn bytes(seeds: &[Seed], seed: &Seed, random: &mut Random) -> Vec<u8> {
    let mut content = seed.bytes.clone();
    content.truncate(content.len() - CHECKSUM);
    for _ in 0..[1, 1, 1, 2, 2, 4][random.below(6)] {
        let at = random.below(content.len());
        let n = random.next();
        match random.below(10) {
            _ if content.is_empty() => content.push(n as u8),
            0 => content[at] ^= 1 << (n % 8),
            1 => content[at] = n as u8,
            // Most numbers are small.
            2 | 3 => content[at] = (n % 8) as u8,
            4 => content[at] = content[at].wrapping_add((n % 5) as u8).wrapping_sub(2),
            5 => splice(&mut content, at, BOUNDARIES[n as usize % BOUNDARIES.len()]),
            6 => content.truncate(at),
            7 => drop(content.drain(range(random, content.len(), 16))),
            8 => {
                let block = content[range(random, content.len(), 64)].to_vec();
                content.splice(at..at, block.repeat(1 << random.below(4)));
            }
            _ => {
                let other = &seeds[random.below(seeds.len())].bytes;
                let block = &other[range(random, other.len(), 64)];
                let over = block.len().min(content.len() - at);
                content.splice(at..at + over, block.iter().copied());
            }
        }
    }
    let sum = match random.below(64) {
        0 => random.next() as u32,
        _ => crc32fast::hash(&content),
    };
    content.extend(sum.to_le_bytes());
    content
}

/// Puts another number where one begins.
fn splice(content: &mut Vec<u8>, at: usize, mut n: u64) {
    let more = content[at..]
        .iter()
        .take_while(|byte| **byte >= 0x80)
        .count();
    let end = (at + more + 1).min(content.len());
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    content.splice(at..end, bytes);
}

/// What a seed says, with a few changes, each of a kind that keeps the types right.
pub(crate) fn document(seed: &Seed, random: &mut Random) -> Document {
    let mut document = seed.document.clone();
    for _ in 0..[1, 1, 1, 2, 3, 6][random.below(6)] {
        change(&mut document, random);
    }
    document
}

fn change(document: &mut Document, random: &mut Random) {
    let objects = document.objects.len() as u32;
    if random.below(16) == 0 {
        return rewire(document, random);
    }
    let mut trees = trees(document);
    // Large trees are taken more often: most of what there is lies in few of them.
    let sizes: Vec<_> = trees.iter_mut().map(|tree| size(tree)).collect();
    let mut at = random.below(sizes.iter().sum());
    let Some(which) = sizes.iter().position(|size| match at < *size {
        true => true,
        false => {
            at -= size;
            false
        }
    }) else {
        return;
    };
    let donor = match random.below(2) {
        0 => which,
        _ => random.below(sizes.len()),
    };
    let mut donor = trees[donor].clone();
    visit(trees[which], &mut |tree| {
        if at == 0 {
            *tree = other(tree, &mut donor, objects, random);
        }
        at = at.wrapping_sub(1);
    });
}

/// Other parts of its stacks, another thing that it waits for, or objects exchanged.
fn rewire(document: &mut Document, random: &mut Random) {
    let (parts, objects) = (document.parts.len(), document.objects.len());
    match random.below(4) {
        0 if objects > 1 => {
            let (a, b) = (random.below(objects), random.below(objects));
            document.objects.swap(a, b);
        }
        1 if parts > 0 => {
            let from = document.parts[random.below(parts)].clone();
            let at = random.below(parts);
            document.parts[at] = from;
        }
        2 => {
            let segments: Vec<_> = document.parts.iter_mut().filter_map(frames).collect();
            let Some(frames) = segments.into_iter().filter(|it| it.len() > 1).last() else {
                return;
            };
            let (a, b) = (random.below(frames.len()), random.below(frames.len()));
            match random.below(3) {
                0 => frames.swap(a, b),
                1 => drop(frames.remove(a)),
                _ => frames[a] = frames[b].clone(),
            }
        }
        _ => {
            let value = document.objects.get(random.below(objects));
            let value = value.map_or(Tree::Unit, |_| null());
            if let Some(RootDocument::Machine { waits, .. }) = document.roots.first_mut() {
                *waits = match random.below(6) {
                    0 => WaitsDocument::Answer,
                    1 => WaitsDocument::Start,
                    2 => WaitsDocument::Restarted,
                    3 => WaitsDocument::Value(value),
                    4 => WaitsDocument::Raised(value),
                    _ => WaitsDocument::Continuation(random.below(parts) as u32),
                };
            }
        }
    }
}

/// The empty list.
fn null() -> Tree {
    Tree::Variant {
        of: "Value".to_owned(),
        index: 0,
        name: "Null".to_owned(),
        content: None,
    }
}

type Frames = Vec<segno::snapshot::FrameDocument>;

fn frames(part: &mut Outline<Frames, Tree>) -> Option<&mut Frames> {
    match part {
        Outline::Segment { frames, .. } => Some(frames),
        _ => None,
    }
}

/// All values of a document.
fn trees(document: &mut Document) -> Vec<&mut Tree> {
    let mut trees = Vec::new();
    for part in &mut document.parts {
        match part {
            Outline::Segment { frames, marks, .. } => {
                trees.extend(frames.iter_mut().map(|frame| &mut frame.slots));
                trees.extend(marks.iter_mut().map(|mark| &mut mark.value));
            }
            Outline::Winder { thunks: frames } | Outline::Entering { body: frames, .. } => {
                trees.extend(frames.iter_mut().map(|frame| &mut frame.slots));
            }
            _ => {}
        }
    }
    trees.extend(document.objects.iter_mut().map(|object| &mut object.value));
    for root in &mut document.roots {
        match root {
            RootDocument::Value(tree) => trees.push(tree),
            RootDocument::Machine {
                waits: WaitsDocument::Value(tree) | WaitsDocument::Raised(tree),
                ..
            } => trees.push(tree),
            _ => {}
        }
    }
    trees
}

/// Calls `each` for a tree and all that it consists of.
fn visit(tree: &mut Tree, each: &mut impl FnMut(&mut Tree)) {
    each(tree);
    match tree {
        Tree::Some(inner) => visit(inner, each),
        Tree::Seq(items) | Tree::Tuple(items) => items.iter_mut().for_each(|it| visit(it, each)),
        Tree::Map(items) => items.iter_mut().for_each(|(_, value)| visit(value, each)),
        Tree::Struct { fields, .. } => fields.iter_mut().for_each(|(_, value)| visit(value, each)),
        Tree::Variant {
            content: Some(content),
            ..
        } => visit(content, each),
        _ => {}
    }
}

fn size(tree: &mut Tree) -> usize {
    let mut size = 0;
    visit(tree, &mut |_| size += 1);
    size
}

/// What may be in the place of a tree.
fn other(tree: &Tree, donor: &mut Tree, objects: u32, random: &mut Random) -> Tree {
    match tree {
        Tree::Bool(truth) => Tree::Bool(!truth),
        Tree::Number(number) => Tree::Number(another(*number, random)),
        Tree::Shared(id) => match random.below(3) {
            0 => Tree::Shared(id.wrapping_add(random.below(9) as u32).wrapping_sub(4)),
            _ => Tree::Shared(random.below(objects as usize) as u32),
        },
        Tree::Str(text) => Tree::Str(match random.below(3) {
            0 => String::new(),
            1 => text.repeat(2),
            _ => "car".to_owned(),
        }),
        Tree::Named { revision, .. } => Tree::Named {
            name: ["car", "apply", "call/cc", "+", "raise", "force"][random.below(6)].to_owned(),
            revision: *revision,
        },
        Tree::None => Tree::Some(Box::new(donor.clone())),
        Tree::Some(_) if random.below(2) == 0 => Tree::None,
        Tree::Seq(items) if !items.is_empty() => {
            let mut items = items.clone();
            let (a, b) = (random.below(items.len()), random.below(items.len()));
            match random.below(4) {
                0 => items.swap(a, b),
                1 => drop(items.remove(a)),
                2 => items.insert(a, items[b].clone()),
                _ => items[a] = items[b].clone(),
            }
            Tree::Seq(items)
        }
        // A value of the interpreter's own, where a program's was.
        Tree::Variant { of, .. } if of == "Value" => match random.below(4) {
            0 => Tree::Variant {
                of: of.clone(),
                index: 2,
                name: "Unassigned".to_owned(),
                content: None,
            },
            1 => null(),
            2 => {
                let kinds = [
                    "Alias",
                    "Pair",
                    "String",
                    "Vector",
                    "Bytes",
                    "Closure",
                    "Continuation",
                    "Parameter",
                    "Record",
                    "RecordType",
                    "RecordProcedure",
                    "Promise",
                    "Condition",
                    "Environment",
                    "Port",
                    "PromptTag",
                    "Rib",
                    "Box",
                    "Aborted",
                    "Handover",
                ];
                Tree::Variant {
                    of: of.clone(),
                    index: 0,
                    name: kinds[random.below(kinds.len())].to_owned(),
                    content: Some(Box::new(
                        Tree::Shared(random.below(objects as usize) as u32),
                    )),
                }
            }
            _ => alike(tree, donor, random),
        },
        _ => alike(tree, donor, random),
    }
}

/// Something of the same type that is in another tree, if there is such.
fn alike(tree: &Tree, donor: &mut Tree, random: &mut Random) -> Tree {
    let mut found = Vec::new();
    visit(donor, &mut |part| {
        let is_alike = match (tree, &part) {
            (Tree::Variant { of: a, .. }, Tree::Variant { of: b, .. })
            | (Tree::Struct { name: a, .. }, Tree::Struct { name: b, .. }) => a == b,
            (Tree::Tuple(a), Tree::Tuple(b)) => a.len() == b.len(),
            _ => false,
        };
        if is_alike {
            found.push(part.clone());
        }
    });
    match found.is_empty() {
        true => donor.clone(),
        false => found.swap_remove(random.below(found.len())),
    }
}

/// Another number of the same type.
fn another(number: Number, random: &mut Random) -> Number {
    let n = match random.below(4) {
        0 => BOUNDARIES[random.below(BOUNDARIES.len())],
        1 => random.next() % 8,
        2 => (1 << 31) + random.next() % 8,
        _ => random.next() % 64,
    };
    // Most that find something are near.
    let near = random.below(2) == 0;
    let by = random.below(7) as i64 - 3;
    macro_rules! of {
        ($($variant:ident $type:ty,)*) => {
            match number {
                $(Number::$variant(was) if near => Number::$variant(was.wrapping_add(by as $type)),
                Number::$variant(_) => Number::$variant(n as $type),)*
                Number::F32(_) => Number::F32(f32::from_bits(n as u32)),
                Number::F64(_) => Number::F64(f64::from_bits(n)),
            }
        };
    }
    of! {
        I8 i8, I16 i16, I32 i32, I64 i64, I128 i128,
        U8 u8, U16 u16, U32 u32, U64 u64, U128 u128,
    }
}
