//! Request memos: cached responses found by the target as it was sent, ahead of parsing and of cache keys.
//!
//! A table of fixed size, shared by all workers and read without a lock. An answer that leaves the cache takes away what
//! leads to it, so that the table keeps nothing alive.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use foldhash::fast::RandomState;

use super::{CacheEntry, CacheKey};

/// One place for so many bytes of the cache: with four times as many as there are small answers, hardly one has none.
const BYTES_FOR_A_PLACE: u64 = 512;

/// Places where a question may be. Their marks share a line of the processor's cache.
const WAYS: usize = 8;

/// Sets that are made together, when one of them is needed.
const SETS_IN_CHUNK: usize = 16;

/// From how many places at once an answer may be found: it is the same for callers in several classes, and for targets
/// that differ in their spelling only.
const PLACES_OF_AN_ENTRY: usize = 4;

/// The number of an authorization class: callers that get the same response for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthorizationClass(pub u64);

/// A target that was requested, and its cached response.
#[derive(Debug)]
pub struct RequestMemo {
    /// The authorization class of the callers.
    pub class: AuthorizationClass,
    /// Path and query, as they were sent.
    pub target: Box<str>,
    /// The resource's name.
    pub resource: &'static str,
    /// The answer's key.
    pub key: CacheKey,
    /// The answer.
    pub entry: Arc<CacheEntry>,
    /// The stores that the query names, for the audit log.
    pub stores: Option<Arc<str>>,
}

/// A number that leads to one place of the table.
type SlotIndex = u32;

/// The places that lead to an entry, the oldest first.
#[derive(Debug, Default)]
pub(super) struct EntrySlots([Option<SlotIndex>; PLACES_OF_AN_ENTRY]);

impl EntrySlots {
    /// Adds one, and gives the one that it takes the room of.
    fn add(&mut self, place: SlotIndex) -> Option<SlotIndex> {
        if self.0.contains(&Some(place)) {
            return None;
        }
        self.0.rotate_right(1);
        self.0.first_mut().and_then(|first| first.replace(place))
    }

    /// Takes all of them.
    fn take(&mut self) -> impl Iterator<Item = SlotIndex> + use<> {
        std::mem::take(&mut self.0).into_iter().flatten()
    }
}

#[derive(Default)]
struct MemoSet {
    /// A part of the hash of what stands in each place; zero for nothing.
    marks: [AtomicU32; WAYS],
    places: [ArcSwapOption<RequestMemo>; WAYS],
}

/// The table.
pub(super) struct RequestMemos {
    chunks: Box<[OnceLock<Box<[MemoSet]>>]>,
    hasher: RandomState,
}

/// Where a question belongs.
struct MemoAddress {
    set: usize,
    mark: u32,
}

impl RequestMemos {
    /// A table for a cache of this size in bytes.
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
        let candidates = set.marks.iter().zip(&set.places);
        candidates
            .filter(|(mark, _)| mark.load(Ordering::Acquire) == spot.mark)
            .find_map(|(_, place)| place.load_full().filter(|asked| asked.is(class, target)))
    }

    /// Stores a memo, in the place of another if none is free.
    pub(super) fn remember(&self, asked: RequestMemo) {
        let spot = self.spot(asked.class, &asked.target);
        let Some(set) = self.set(spot.set) else { return };
        let marks = || set.marks.iter().map(|mark| mark.load(Ordering::Acquire));
        let way = marks()
            .position(|mark| mark == spot.mark)
            .or_else(|| marks().position(|mark| mark == 0))
            .unwrap_or(spot.mark as usize % WAYS);
        let (Some(mark), Some(place)) = (set.marks.get(way), set.places.get(way)) else { return };
        let Ok(number) = SlotIndex::try_from(spot.set * WAYS + way) else { return };
        let entry = asked.entry.clone();
        place.store(Some(Arc::new(asked)));
        mark.store(spot.mark, Ordering::Release);
        if let Some(outlived) = entry.with_places(|places| places.add(number)) {
            self.clear(outlived, &entry);
        }
        // It may have left meanwhile, before it knew of this place.
        if entry.is_retired() {
            self.remove(&entry);
        }
    }

    /// Clears all places that lead to this entry.
    pub(super) fn remove(&self, entry: &Arc<CacheEntry>) {
        for place in entry.with_places(EntrySlots::take) {
            self.clear(place, entry);
        }
    }

    /// Clears a place unless something else stands there by now.
    fn clear(&self, place: SlotIndex, entry: &Arc<CacheEntry>) {
        let (set, way) = (place as usize / WAYS, place as usize % WAYS);
        let Some(set) = self.set(set) else { return };
        let (Some(mark), Some(place)) = (set.marks.get(way), set.places.get(way)) else { return };
        let stands = place.load();
        if stands.as_ref().is_some_and(|asked| Arc::ptr_eq(&asked.entry, entry)) {
            let before = place.compare_and_swap(&*stands, None);
            if before.as_ref().map(Arc::as_ptr) == stands.as_ref().map(Arc::as_ptr) {
                mark.store(0, Ordering::Release);
            }
        }
    }

    fn spot(&self, class: AuthorizationClass, target: &str) -> MemoAddress {
        let hash = self.hasher.hash_one((class, target));
        let sets = (self.chunks.len() * SETS_IN_CHUNK) as u64;
        // Zero is the mark of a free place.
        let mark = u32::try_from(hash >> 32).unwrap_or(u32::MAX) | 1;
        MemoAddress { set: usize::try_from(hash % sets).unwrap_or_default(), mark }
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
