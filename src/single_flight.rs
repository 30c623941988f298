//! Single flight: of all tasks that request the same thing at the same time, one leader fetches it, and the others wait
//! for its outcome.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// A single flight, which has at most one leader at a time.
#[derive(Clone, Debug)]
pub struct Flight<V>(Option<watch::Receiver<Option<V>>>);

impl<V> Default for Flight<V> {
    fn default() -> Self {
        Self(None)
    }
}

/// The role of a task in a single flight.
#[derive(Debug)]
pub enum Role<V> {
    /// The task runs the work, for all.
    Leader(Leader<V>),
    /// The task waits for the leader's outcome.
    Follower(Follower<V>),
}

/// The leader of a single flight. If it is dropped without an outcome, a follower becomes the leader.
#[derive(Debug)]
pub struct Leader<V>(watch::Sender<Option<V>>);

/// A follower, which waits for the outcome.
#[derive(Debug)]
pub struct Follower<V>(watch::Receiver<Option<V>>);

impl<V: Clone> Flight<V> {
    /// Joins the flight in progress, or leads the next one.
    pub fn join(&mut self) -> Role<V> {
        match self.follow() {
            Some(follower) => Role::Follower(follower),
            None => Role::Leader(self.lead()),
        }
    }

    /// Joins the flight in progress; `None` if there is none.
    pub fn follow(&self) -> Option<Follower<V>> {
        let is_under_way = |outcome: &&watch::Receiver<Option<V>>| outcome.has_changed().is_ok();
        self.0.as_ref().filter(is_under_way).cloned().map(Follower)
    }

    /// Leads a new flight, whether or not one is in progress.
    pub fn lead(&mut self) -> Leader<V> {
        let (leader, outcome) = watch::channel(None);
        self.0 = Some(outcome);
        Leader(leader)
    }
}

impl<V> Leader<V> {
    /// Returns a follower of this leader.
    pub fn follower(&self) -> Follower<V> {
        Follower(self.0.subscribe())
    }

    /// Sends the outcome to all followers.
    pub fn finish(self, outcome: V) {
        self.0.send_replace(Some(outcome));
    }
}

impl<V: Clone> Follower<V> {
    /// Waits for the outcome. Returns `None` if the leader was dropped without one.
    pub async fn outcome(mut self) -> Option<V> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }
}

/// Single flights by key, shared by all workers.
#[derive(Debug)]
pub struct Flights<K, V>(Arc<Mutex<HashMap<K, Flight<V>>>>);

impl<K, V> Clone for Flights<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Flights<K, V> {
    /// Runs `get`, unless a flight of this key is in progress, and returns the same outcome to all its callers. If the
    /// leader is dropped without an outcome, the next caller runs its own `get`.
    pub async fn run<F: Future<Output = V>>(&self, key: K, get: F) -> V {
        loop {
            let role = self.flights().entry(key.clone()).or_default().join();
            match role {
                Role::Leader(leader) => {
                    let done = LeaderGuard { flights: self, key: &key };
                    let outcome = get.await;
                    // `done` is dropped first: a task that finds a flight without its leader starts another.
                    drop(done);
                    leader.finish(outcome.clone());
                    return outcome;
                }
                Role::Follower(follower) => {
                    if let Some(outcome) = follower.outcome().await {
                        return outcome;
                    }
                }
            }
        }
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<K, Flight<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a leader's flight from the map, however the leader ends.
struct LeaderGuard<'a, K: Clone + Eq + Hash, V: Clone> {
    flights: &'a Flights<K, V>,
    key: &'a K,
}

impl<K: Clone + Eq + Hash, V: Clone> Drop for LeaderGuard<'_, K, V> {
    fn drop(&mut self) {
        self.flights.flights().remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::{Flight, Flights, Role};
    use futures_util::future::join_all;
    use std::cell::Cell;
    use tokio::sync::oneshot;

    #[actix_web::test]
    async fn one_leader_runs_for_all_concurrent_callers_and_later_callers_run_again() {
        let (flights, times) = (Flights::default(), Cell::new(0));
        let get = || async {
            tokio::task::yield_now().await;
            times.set(times.get() + 1);
            times.get()
        };
        let outcomes = join_all((0..10).map(|_| flights.run("a", get()))).await;
        assert_eq!((outcomes, times.get()), (vec![1; 10], 1));
        assert_eq!(flights.run("a", get()).await, 2);
        assert!(flights.flights().is_empty());
    }

    #[actix_web::test]
    async fn when_a_leader_goes_without_an_outcome_the_next_one_gets_it() {
        let flights: Flights<&str, u32> = Flights::default();
        let (never, hanging) = oneshot::channel::<u32>();
        let leader = actix_web::rt::spawn({
            let flights = flights.clone();
            async move { flights.run("a", async { hanging.await.unwrap_or_default() }).await }
        });
        tokio::task::yield_now().await;
        let follower = actix_web::rt::spawn({
            let flights = flights.clone();
            async move { flights.run("a", async { 7 }).await }
        });
        tokio::task::yield_now().await;
        leader.abort();
        assert_eq!(follower.await.unwrap(), 7);
        assert!(flights.flights().is_empty());
        drop(never);
    }

    #[test]
    fn a_flight_ends_with_its_outcome() {
        let mut flight = Flight::default();
        let Role::Leader(leader) = flight.join() else { panic!("nobody leads") };
        assert!(matches!(flight.join(), Role::Follower(_)));
        leader.finish(1);
        assert!(flight.follow().is_none() && matches!(flight.join(), Role::Leader(_)));
    }
}
