//! Reads the members of a JSON object that a pack names, in one pass over the text. A repeated member is ambiguous, and
//! so is everything below it.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::gateway::error::GatewayRefusal;
use crate::json::raw::is_nothing;
use crate::json::scalar;
use crate::json::strict::BorrowedKey;

/// The slot of a member among those that are read.
pub type MemberIndex = usize;

/// The members of an answer that are read, as a tree of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    root: MemberNode,
    count: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct MemberNode {
    slot: Option<MemberIndex>,
    children: Vec<(String, MemberNode)>,
}

/// The content of a member.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pick<'a> {
    Missing,
    Is(&'a RawValue),
    Ambiguous,
}

impl Members {
    /// Adds the member with this path to those that are read, and returns its slot.
    pub fn slot(&mut self, path: &[String]) -> MemberIndex {
        let mut node = &mut self.root;
        for name in path {
            let place = node.children.iter().position(|(own, _)| own == name).unwrap_or_else(|| {
                node.children.push((name.clone(), MemberNode::default()));
                node.children.len() - 1
            });
            // The child exists: it was just found or added.
            let Some((_, child)) = node.children.get_mut(place) else { return self.count };
            node = child;
        }
        *node.slot.get_or_insert_with(|| {
            self.count += 1;
            self.count - 1
        })
    }

    /// The path of a slot.
    pub fn path(&self, slot: MemberIndex) -> Vec<String> {
        self.root.path(slot).unwrap_or_default()
    }

    /// The values of the members of an object as texts, by slot.
    pub fn texts(&self, object: &str) -> Vec<Option<String>> {
        let picks = self.picks(object);
        (0..self.count).map(|slot| picks.text(slot)).collect()
    }

    pub(super) fn picks<'a>(&self, text: &'a str) -> Picks<'a> {
        let mut picks = Picks(vec![Pick::Missing; self.count]);
        self.root.read(text, &mut picks);
        picks
    }
}

impl MemberNode {
    fn path(&self, slot: MemberIndex) -> Option<Vec<String>> {
        if self.slot == Some(slot) {
            return Some(Vec::new());
        }
        let mut below = self.children.iter();
        below.find_map(|(name, child)| Some([vec![name.clone()], child.path(slot)?].concat()))
    }

    fn read<'a>(&self, object: &'a str, picks: &mut Picks<'a>) {
        let reader = MemberReader { node: self, found: Vec::with_capacity(self.children.len()) };
        let Ok(found) = serde_json::Deserializer::from_str(object).deserialize_map(reader) else { return };
        for (place, value) in &found {
            let Some((_, child)) = self.children.get(*place) else { continue };
            let is_repeated = found.iter().filter(|(other, _)| other == place).count() > 1;
            if let Some(pick) = child.slot.and_then(|slot| picks.0.get_mut(slot)) {
                *pick = if is_repeated { Pick::Ambiguous } else { Pick::Is(value) };
            }
            if is_repeated {
                child.spoil(picks);
            } else if !child.children.is_empty() && value.get().starts_with('{') {
                child.read(value.get(), picks);
            }
        }
    }

    fn spoil(&self, picks: &mut Picks<'_>) {
        for (_, child) in &self.children {
            child.slot.and_then(|slot| picks.0.get_mut(slot)).into_iter().for_each(|pick| *pick = Pick::Ambiguous);
            child.spoil(picks);
        }
    }
}

/// Reads the members of one object that a node names, and skips all others.
struct MemberReader<'n, 'a> {
    node: &'n MemberNode,
    found: Vec<(usize, &'a RawValue)>,
}

impl<'a> Visitor<'a> for MemberReader<'_, 'a> {
    type Value = Vec<(usize, &'a RawValue)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut object: A) -> Result<Self::Value, A::Error> {
        while let Some(key) = object.next_key_seed(BorrowedKey)? {
            match self.node.children.iter().position(|(name, _)| *name == key) {
                Some(place) => self.found.push((place, object.next_value()?)),
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(self.found)
    }
}

pub(super) struct Picks<'a>(Vec<Pick<'a>>);

impl<'a> Picks<'a> {
    pub(super) fn get(&self, slot: MemberIndex) -> Pick<'a> {
        self.0.get(slot).copied().unwrap_or(Pick::Missing)
    }

    /// A member on which the decision depends; an ambiguous one makes the answer unreadable.
    pub(super) fn deciding(&self, slot: MemberIndex) -> Result<Option<&'a RawValue>, GatewayRefusal> {
        match self.get(slot) {
            Pick::Missing => Ok(None),
            Pick::Is(value) => Ok(Some(value)),
            Pick::Ambiguous => Err(GatewayRefusal::unreadable()),
        }
    }

    pub(super) fn text(&self, slot: MemberIndex) -> Option<String> {
        match self.get(slot) {
            Pick::Is(value) => scalar::text(value).ok().flatten(),
            Pick::Missing | Pick::Ambiguous => None,
        }
    }

    pub(super) fn is_there(&self, slot: MemberIndex) -> bool {
        match self.get(slot) {
            Pick::Missing => false,
            Pick::Is(value) => !is_nothing(value) && !matches!(scalar::text(value), Ok(None)),
            Pick::Ambiguous => true,
        }
    }

    pub(super) fn has(&self, slot: MemberIndex) -> bool {
        !matches!(self.get(slot), Pick::Missing)
    }

    pub(super) fn is_ambiguous(&self) -> bool {
        self.0.iter().any(|pick| matches!(pick, Pick::Ambiguous))
    }
}

/// Parses a JSON pointer (RFC 6901) into its names.
///
/// # Errors
/// The text is not a JSON pointer.
pub fn pointer(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let names =
        text.strip_prefix('/').ok_or_else(|| format!("{text:?} is no JSON pointer: write /name or /name/name"))?;
    if names.split('~').skip(1).any(|behind| !behind.starts_with(['0', '1'])) {
        return Err(format!("{text:?} is no JSON pointer: a `~` is written ~0, and a `/` in a name ~1"));
    }
    Ok(names.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect())
}
