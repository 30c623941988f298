//! Single flight: of all who want the same thing at the same time, one leader gets it, and the others wait for its outcome.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// One thing that is got by one leader at a time.
#[derive(Clone, Debug)]
pub struct Flight<V>(Option<watch::Receiver<Option<V>>>);

impl<V> Default for Flight<V> {
    fn default() -> Self {
        Self(None)
    }
}

/// What one who wants the thing has to do.
#[derive(Debug)]
pub enum Role<V> {
    /// Get it, for everybody.
    Leader(Leader<V>),
    /// Wait for it.
    Follower(Follower<V>),
}

/// The duty to get the thing. When it is dropped without an outcome, a follower has to become the leader.
#[derive(Debug)]
pub struct Leader<V>(watch::Sender<Option<V>>);

/// The wait for an outcome.
#[derive(Debug)]
pub struct Follower<V>(watch::Receiver<Option<V>>);

impl<V: Clone> Flight<V> {
    /// Joins the flight, or leads the next one.
    pub fn join(&mut self) -> Role<V> {
        match self.follow() {
            Some(follower) => Role::Follower(follower),
            None => Role::Leader(self.lead()),
        }
    }

    /// Joins the flight if there is one.
    pub fn follow(&self) -> Option<Follower<V>> {
        let is_under_way = |outcome: &&watch::Receiver<Option<V>>| outcome.has_changed().is_ok();
        self.0.as_ref().filter(is_under_way).cloned().map(Follower)
    }

    /// Leads a new flight, whether or not there is one.
    pub fn lead(&mut self) -> Leader<V> {
        let (leader, outcome) = watch::channel(None);
        self.0 = Some(outcome);
        Leader(leader)
    }
}

impl<V> Leader<V> {
    /// The wait for the outcome of this leader.
    pub fn follower(&self) -> Follower<V> {
        Follower(self.0.subscribe())
    }

    /// Gives the outcome to all followers.
    pub fn finish(self, outcome: V) {
        self.0.send_replace(Some(outcome));
    }
}

impl<V: Clone> Follower<V> {
    /// The outcome; `None` when the leader has gone without one.
    pub async fn outcome(mut self) -> Option<V> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }
}

/// Flights by key, shared by all workers.
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
    /// Runs `get` unless somebody gets this already, and gives all of them the same outcome. When the one who gets it goes
    /// without an outcome, the next one runs its own `get`.
    pub async fn run<F: Future<Output = V>>(&self, key: K, get: F) -> V {
        loop {
            let role = self.flights().entry(key.clone()).or_default().join();
            match role {
                Role::Leader(leader) => {
                    let done = LeaderGuard { flights: self, key: &key };
                    let outcome = get.await;
                    // First: a task that finds a flight without its leader begins another.
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

/// Takes the flight of a leader out, however the leader ends.
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
    async fn one_gets_it_for_all_who_want_it_at_once_and_later_ones_get_it_again() {
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
