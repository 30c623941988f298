//! The outbox: events that wait to be written to the journal, at once or as soon as there is a connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::journal::ReplicaEvent;
use super::purges::Purges;

/// The most events that wait. Beyond it, a tenant's purges are merged into one of all its responses.
const MOST_WAITING: usize = 1000;

/// A queued event with its number in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedEvent {
    /// The event's number. Later events have larger ones.
    pub number: u64,
    /// The event.
    pub event: ReplicaEvent,
}

/// The queue of events. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    queue: Arc<Mutex<EventQueue>>,
    filled: Arc<Notify>,
}

#[derive(Debug, Default)]
struct EventQueue {
    waiting: VecDeque<QueuedEvent>,
    numbered: u64,
}

impl Outbox {
    /// Queues an event. `register` sees the event in its final form before any task can send it.
    fn put(&self, event: ReplicaEvent, register: impl FnOnce(&QueuedEvent, bool)) {
        let mut queue = self.queue();
        queue.numbered += 1;
        let (event, stands_for_others) = match event {
            ReplicaEvent::Purged { tenant, .. } if queue.waiting.len() >= MOST_WAITING => {
                let is_its =
                    |event: &ReplicaEvent| matches!(event, ReplicaEvent::Purged { tenant: its, .. } if *its == tenant);
                queue.waiting.retain(|waiting| !is_its(&waiting.event));
                (ReplicaEvent::Purged { tenant, stores: None }, true)
            }
            other => (other, false),
        };
        let waiting = QueuedEvent { number: queue.numbered, event };
        register(&waiting, stands_for_others);
        queue.waiting.push_back(waiting);
        drop(queue);
        self.fill();
    }

    /// Queues an event. A purge takes effect on shared responses from now on.
    pub fn enqueue(&self, event: ReplicaEvent, purges: &Purges) {
        self.put(event, |waiting, stands_for_others| {
            if let ReplicaEvent::Purged { tenant, stores } = &waiting.event {
                purges.add_unwritten(waiting.number, tenant, stores.as_deref(), stands_for_others);
            }
        });
    }

    /// Returns the event that has waited longest.
    pub fn next(&self) -> Option<QueuedEvent> {
        self.queue().waiting.front().cloned()
    }

    /// Removes the event of this number after it was sent.
    pub fn acknowledge(&self, number: u64) {
        self.queue().waiting.retain(|waiting| waiting.number != number);
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.queue().waiting.is_empty()
    }

    /// Waits until the queue may have an event.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Signals that the queue has an event.
    pub fn fill(&self) {
        self.filled.notify_one();
    }

    fn queue(&self) -> MutexGuard<'_, EventQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_WAITING, Outbox, ReplicaEvent};

    fn purge(store: usize) -> ReplicaEvent {
        ReplicaEvent::Purged { tenant: "acme".to_owned(), stores: Some(vec![store.to_string()]) }
    }

    #[test]
    fn a_sent_event_leaves_the_outbox_and_no_other_does() {
        let outbox = Outbox::default();
        outbox.put(purge(1), |_, _| ());
        outbox.put(ReplicaEvent::Begun, |_, _| ());
        let first = outbox.next().unwrap();
        outbox.acknowledge(first.number);
        outbox.acknowledge(first.number);
        assert_eq!(outbox.next().unwrap().event, ReplicaEvent::Begun);
    }

    #[test]
    fn too_many_purges_of_a_tenant_become_one_of_all_its_responses_and_other_events_stay() {
        let outbox = Outbox::default();
        outbox.put(ReplicaEvent::ReadRevoked, |_, _| ());
        (0..MOST_WAITING).for_each(|store| outbox.put(purge(store), |_, stands| assert_eq!(stands, store == 999)));
        outbox.acknowledge(outbox.next().unwrap().number);
        assert_eq!(outbox.next().unwrap().event, ReplicaEvent::Purged { tenant: "acme".to_owned(), stores: None });
        outbox.acknowledge(outbox.next().unwrap().number);
        assert!(outbox.is_empty());
    }
}
