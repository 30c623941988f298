//! The queue of pending orders, in the order in which they were placed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fastrand::Rng;

use super::{Fault, FaultOrder, mixed};
use crate::sandbox::vendor::SandboxVendor;

/// The pending orders. The first one that matches a call, and is selected by its probability, applies.
pub struct FaultQueue(Mutex<PendingFaults>);

struct PendingFaults {
    orders: VecDeque<FaultOrder>,
    chance: Rng,
}

impl FaultQueue {
    /// Creates an empty queue; `chance` decides about probabilities.
    pub fn new(chance: Rng) -> Self {
        Self(Mutex::new(PendingFaults { orders: VecDeque::new(), chance }))
    }

    /// Adds an order at the end.
    pub fn push(&self, order: FaultOrder) {
        if !order.is_used_up() {
            self.waiting().orders.push_back(order);
        }
    }

    /// Takes the fault for a call. For [`Fault::Mixed`] it is one of the other faults each time.
    pub fn take(&self, gateway: SandboxVendor, method: &str) -> Option<Fault> {
        let mut waiting = self.waiting();
        let PendingFaults { orders, chance } = &mut *waiting;
        let mut happens = |order: &FaultOrder| order.percent.is_none_or(|percent| chance.u8(..100) < percent);
        let position = orders.iter().position(|order| order.is_for(gateway, method) && happens(order))?;
        let order = orders.get_mut(position)?;
        let fault = order.fault.clone();
        order.times = order.times.map(|times| times.saturating_sub(1));
        if order.is_used_up() {
            orders.remove(position);
        }
        Some(if fault == Fault::Mixed { mixed::any(gateway, chance) } else { fault })
    }

    /// The pending orders.
    pub fn list(&self) -> Vec<FaultOrder> {
        self.waiting().orders.iter().cloned().collect()
    }

    /// Removes the pending orders.
    pub fn clear(&self) {
        self.waiting().orders.clear();
    }

    fn waiting(&self) -> MutexGuard<'_, PendingFaults> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::{Fault, FaultOrder, FaultQueue, SandboxVendor};

    fn queue() -> FaultQueue {
        FaultQueue::new(Rng::with_seed(7))
    }

    #[test]
    fn faults_come_in_order_as_often_as_asked_and_only_for_their_method() {
        let queue = queue();
        let take = |method| queue.take(SandboxVendor::Oms, method);
        queue.push(FaultOrder::next(Fault::code("-500"), 2));
        queue.push(FaultOrder::next(Fault::Empty, 1).of("shop.get"));
        queue.push(FaultOrder::next(Fault::Hang, 0));
        assert_eq!(take("a"), Some(Fault::code("-500")));
        assert_eq!(take("shop.get"), Some(Fault::code("-500")));
        assert_eq!(take("a"), None);
        assert_eq!(take("shop.get"), Some(Fault::Empty));
        assert_eq!(take("shop.get"), None);
        assert_eq!(queue.list(), []);
    }

    #[test]
    fn an_order_for_one_gateway_leaves_the_other_alone() {
        let queue = queue();
        queue.push(FaultOrder::next(Fault::Hang, 1).at(SandboxVendor::OpRetail));
        assert_eq!(queue.take(SandboxVendor::Oms, "any"), None);
        assert_eq!(queue.take(SandboxVendor::OpRetail, "any"), Some(Fault::Hang));
    }

    #[test]
    fn percent_is_a_probability_that_holds_until_it_is_cleared() {
        let queue = queue();
        queue.push(FaultOrder::percent(Fault::Empty, 30));
        let failed =
            |queue: &FaultQueue| (0..1_000).filter(|_| queue.take(SandboxVendor::Oms, "any").is_some()).count();
        // Five standard deviations in either direction.
        assert!((228..=372).contains(&failed(&queue)));
        assert_eq!(queue.list().len(), 1);
        queue.clear();
        assert_eq!(failed(&queue), 0);
        queue.push(FaultOrder::percent(Fault::Empty, 100));
        assert_eq!(failed(&queue), 1_000);
    }

    #[test]
    fn percent_and_times_together_end_after_so_many_faults() {
        let queue = queue();
        queue.push(FaultOrder::from_json(r#"{"fault":"empty","percent":20,"times":3}"#).unwrap());
        let failed: Vec<bool> = (0..200).map(|_| queue.take(SandboxVendor::Oms, "any").is_some()).collect();
        assert_eq!(failed.iter().filter(|failed| **failed).count(), 3);
        assert_ne!(failed.get(..3), Some([true; 3].as_slice()), "chance decides when");
    }

    #[test]
    fn one_seed_gives_the_same_faults_again() {
        let faults = |seed| {
            let queue = FaultQueue::new(Rng::with_seed(seed));
            queue.push(FaultOrder::percent(Fault::Mixed, 50));
            (0..50).map(|_| queue.take(SandboxVendor::OpRetail, "any")).collect::<Vec<_>>()
        };
        assert_eq!(faults(1), faults(1));
        assert!(!faults(1).contains(&Some(Fault::Mixed)), "it is always one of the others");
        assert_ne!(faults(1), faults(2));
    }
}
