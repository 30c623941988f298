//! Request memos: cached responses found by the target as it was sent, before parsing and without a cache key.
//!
//! The table has a fixed size, is shared by all workers and is read without a lock. An entry that leaves the cache
//! clears the slots that lead to it, so the table keeps nothing alive.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use foldhash::fast::RandomState;

use super::{CacheEntry, CacheKey};

/// Cache bytes per slot. This gives four times as many slots as there are small responses, so that nearly every
/// response finds one.
const BYTES_FOR_A_PLACE: u64 = 512;

/// Slots in which a target may be. Their tags share one line of the processor's cache.
const WAYS: usize = 8;

/// Sets that are allocated together when one of them is needed.
const SETS_IN_CHUNK: usize = 16;

/// The most slots that lead to one entry. Callers in several classes, and targets that differ only in spelling, share
/// an entry.
const PLACES_OF_AN_ENTRY: usize = 4;

/// The number of an authorization class: callers that get the same response for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthorizationClass(pub u64);

/// A target that was requested, and its cached response.
#[derive(Debug)]
pub struct RequestMemo {
    /// The authorization class of the callers.
    pub class: AuthorizationClass,
    /// Path and query as they were sent.
    pub target: Box<str>,
    /// The resource's name.
    pub resource: &'static str,
    /// The cache key of the response.
    pub key: CacheKey,
    /// The cache entry.
    pub entry: Arc<CacheEntry>,
    /// The stores that the query names, for the audit log.
    pub stores: Option<Arc<str>>,
}

/// The index of a slot in the table.
type SlotIndex = u32;

/// The slots that lead to an entry, the newest first.
#[derive(Debug, Default)]
pub(super) struct EntrySlots([Option<SlotIndex>; PLACES_OF_AN_ENTRY]);

impl EntrySlots {
    /// Adds a slot and returns the one that it displaces.
    fn add(&mut self, place: SlotIndex) -> Option<SlotIndex> {
        if self.0.contains(&Some(place)) {
            return None;
        }
        self.0.rotate_right(1);
        self.0.first_mut().and_then(|first| first.replace(place))
    }

    /// Takes all slots.
    fn take(&mut self) -> impl Iterator<Item = SlotIndex> + use<> {
        std::mem::take(&mut self.0).into_iter().flatten()
    }
}

#[derive(Default)]
struct MemoSet {
    /// A part of the hash of each slot's target, or zero for a free slot.
    tags: [AtomicU32; WAYS],
    places: [ArcSwapOption<RequestMemo>; WAYS],
}

/// The table of request memos.
pub(super) struct RequestMemos {
    chunks: Box<[OnceLock<Box<[MemoSet]>>]>,
    hasher: RandomState,
}

/// The set and the tag of a target.
struct MemoAddress {
    set: usize,
    tag: u32,
}

impl RequestMemos {
    /// Creates a table for a cache of this size in bytes.
    pub(super) fn new(cache_size: u64) -> Self {
        let places = usize::try_from(cache_size / BYTES_FOR_A_PLACE).unwrap_or(usize::MAX);
        let most = SlotIndex::MAX as usize / (WAYS * SETS_IN_CHUNK);
        let chunks = (places / (WAYS * SETS_IN_CHUNK)).clamp(1, most);
        Self { chunks: (0..chunks).map(|_| OnceLock::new()).collect(), hasher: RandomState::default() }
    }

    /// Finds the memo of a target.
    pub(super) fn find(&self, class: AuthorizationClass, target: &str) -> Option<Arc<RequestMemo>> {
        let spot = self.spot(class, target);
        let set = self.chunks.get(spot.set / SETS_IN_CHUNK)?.get()?.get(spot.set % SETS_IN_CHUNK)?;
        let candidates = set.tags.iter().zip(&set.places);
        candidates
            .filter(|(tag, _)| tag.load(Ordering::Acquire) == spot.tag)
            .find_map(|(_, place)| place.load_full().filter(|memo| memo.is(class, target)))
    }

    /// Stores a memo and replaces another one if no slot is free.
    pub(super) fn remember(&self, memo: RequestMemo) {
        let spot = self.spot(memo.class, &memo.target);
        let Some(set) = self.set(spot.set) else { return };
        let tags = || set.tags.iter().map(|tag| tag.load(Ordering::Acquire));
        let way = tags()
            .position(|tag| tag == spot.tag)
            .or_else(|| tags().position(|tag| tag == 0))
            .unwrap_or(spot.tag as usize % WAYS);
        let (Some(tag), Some(place)) = (set.tags.get(way), set.places.get(way)) else { return };
        let Ok(number) = SlotIndex::try_from(spot.set * WAYS + way) else { return };
        let entry = memo.entry.clone();
        place.store(Some(Arc::new(memo)));
        tag.store(spot.tag, Ordering::Release);
        if let Some(outlived) = entry.with_places(|places| places.add(number)) {
            self.clear(outlived, &entry);
        }
        // The entry may have been removed before it knew of this slot.
        if entry.is_retired() {
            self.remove(&entry);
        }
    }

    /// Clears all slots that lead to this entry.
    pub(super) fn remove(&self, entry: &Arc<CacheEntry>) {
        for place in entry.with_places(EntrySlots::take) {
            self.clear(place, entry);
        }
    }

    /// Clears a slot unless it leads to another entry by now.
    fn clear(&self, place: SlotIndex, entry: &Arc<CacheEntry>) {
        let (set, way) = (place as usize / WAYS, place as usize % WAYS);
        let Some(set) = self.set(set) else { return };
        let (Some(tag), Some(place)) = (set.tags.get(way), set.places.get(way)) else { return };
        let stands = place.load();
        if stands.as_ref().is_some_and(|memo| Arc::ptr_eq(&memo.entry, entry)) {
            let before = place.compare_and_swap(&*stands, None);
            if before.as_ref().map(Arc::as_ptr) == stands.as_ref().map(Arc::as_ptr) {
                tag.store(0, Ordering::Release);
            }
        }
    }

    fn spot(&self, class: AuthorizationClass, target: &str) -> MemoAddress {
        let hash = self.hasher.hash_one((class, target));
        let sets = (self.chunks.len() * SETS_IN_CHUNK) as u64;
        // Zero is the tag of a free slot.
        let tag = u32::try_from(hash >> 32).unwrap_or(u32::MAX) | 1;
        MemoAddress { set: usize::try_from(hash % sets).unwrap_or_default(), tag }
    }

    fn set(&self, set: usize) -> Option<&MemoSet> {
        let chunk = self.chunks.get(set / SETS_IN_CHUNK)?;
        chunk.get_or_init(|| (0..SETS_IN_CHUNK).map(|_| MemoSet::default()).collect()).get(set % SETS_IN_CHUNK)
    }
}

impl RequestMemo {
    fn is(&self, class: AuthorizationClass, target: &str) -> bool {
        self.class == class && *self.target == *target
    }
}

#[cfg(test)]
mod tests;
