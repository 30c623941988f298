use super::{FairQueue, Permit, Principal, QueueFull};
use crate::clock::Clock;
use actix_web::rt;
use actix_web::rt::task::JoinHandle;
use jiff::Timestamp;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

fn who(tenant: &str, client: &str) -> Principal {
    Principal::of(&[tenant, client])
}

/// Spawns a task that waits for a permit. When this returns, the task is queued, served or refused.
async fn wait(queue: &FairQueue, principal: &Principal) -> JoinHandle<Result<Permit, QueueFull>> {
    let (queue, principal) = (queue.clone(), principal.clone());
    let task = rt::spawn(async move { queue.acquire(&principal, LONG).await });
    tokio::task::yield_now().await;
    task
}

async fn wait_often(
    queue: &FairQueue,
    principal: &Principal,
    times: usize,
) -> Vec<JoinHandle<Result<Permit, QueueFull>>> {
    let mut tasks = Vec::new();
    for _ in 0..times {
        tasks.push(wait(queue, principal).await);
    }
    tasks
}

/// Spawns tasks that record their principal when they are served, and return their permit at once.
async fn line_up(queue: &FairQueue, principal: &Principal, times: usize, served: &Arc<Mutex<Vec<String>>>) {
    for _ in 0..times {
        let (queue, principal, served) = (queue.clone(), principal.clone(), served.clone());
        rt::spawn(async move {
            let permit = queue.acquire(&principal, LONG).await.unwrap();
            served.lock().unwrap().push(principal.0.join("/"));
            drop(permit);
        });
        tokio::task::yield_now().await;
    }
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[actix_web::test]
async fn a_tenant_alone_may_use_all_permits_and_all_places_in_the_queue() {
    let queue = FairQueue::new(4, 3);
    let tasks = wait_often(&queue, &who("acme", "a"), 7).await;
    assert_eq!((queue.in_use(), queue.waiting()), (4, 3));
    assert_eq!(queue.acquire(&who("acme", "a"), LONG).await.unwrap_err(), QueueFull, "at once");
    drop(tasks);
}

#[actix_web::test]
async fn permits_are_given_out_in_rotation_between_tenants_and_between_the_clients_of_one() {
    let (queue, served) = (FairQueue::new(1, 1_000), Arc::default());
    let held = queue.acquire(&who("acme", "greedy"), LONG).await.unwrap();
    line_up(&queue, &who("acme", "greedy"), 20, &served).await;
    line_up(&queue, &who("acme", "modest"), 2, &served).await;
    line_up(&queue, &who("zenith", "other"), 4, &served).await;
    drop(held);
    until(|| served.lock().unwrap().len() == 26).await;
    let first = served.lock().unwrap().iter().take(8).cloned().collect::<Vec<_>>();
    let count = |name: &str| first.iter().filter(|served| *served == name).count();
    assert_eq!((count("zenith/other"), count("acme/modest"), count("acme/greedy")), (4, 2, 2), "{first:?}");
}

#[actix_web::test]
async fn the_holder_of_fewer_permits_gets_the_next_one_however_long_others_hold_theirs() {
    let queue = FairQueue::new(8, 100);
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(queue.acquire(&who("acme", "a"), LONG).await.unwrap());
    }
    let greedy = wait_often(&queue, &who("acme", "a"), 50).await;
    let others = wait_often(&queue, &who("zenith", "z"), 4).await;
    // Zenith gets half of the permits as they are returned.
    held.truncate(4);
    for other in others {
        held.push(other.await.unwrap().unwrap());
    }
    assert_eq!(queue.waiting(), 50);
    held.pop();
    until(|| queue.waiting() == 49).await;
    drop(greedy);
}

#[actix_web::test]
async fn coming_again_and_again_is_no_way_to_the_front() {
    let (queue, served) = (FairQueue::new(1, 1_000), Arc::default());
    let held = queue.acquire(&who("acme", "regular"), LONG).await.unwrap();
    line_up(&queue, &who("acme", "regular"), 10, &served).await;
    for tenant in 0..10 {
        let (queue, served) = (queue.clone(), served.clone());
        rt::spawn(async move {
            for _ in 0..20 {
                line_up(&queue, &who(&format!("often-{tenant}"), "x"), 1, &served).await;
                let mine = format!("often-{tenant}/x");
                let before = served.lock().unwrap().iter().filter(|served| **served == mine).count();
                until(|| served.lock().unwrap().iter().filter(|served| **served == mine).count() >= before).await;
            }
        });
    }
    until(|| queue.waiting() >= 15).await;
    drop(held);
    until(|| served.lock().unwrap().len() >= 110).await;
    let regular = served.lock().unwrap().iter().take(110).filter(|served| *served == "acme/regular").count();
    assert!(regular >= 9, "at least one permit of eleven: {regular}");
}

#[actix_web::test]
async fn a_full_queue_displaces_the_principal_with_the_most_waiters_and_refuses_its_next_one() {
    let queue = FairQueue::new(2, 10);
    let mut greedy = wait_often(&queue, &who("acme", "greedy"), 12).await;
    assert_eq!(queue.acquire(&who("acme", "greedy"), LONG).await.unwrap_err(), QueueFull);
    let other = wait(&queue, &who("zenith", "z")).await;
    let last = greedy.pop().unwrap().await.unwrap();
    assert_eq!((last.unwrap_err(), queue.waiting()), (QueueFull, 10), "the last one in line has lost its place");
    // Between the clients of a tenant the rule is the same.
    let modest = wait(&queue, &who("acme", "modest")).await;
    assert!(greedy.pop().unwrap().await.unwrap().is_err());
    assert!(!modest.is_finished() && !other.is_finished());
    let first = greedy.remove(0).await.unwrap().unwrap();
    drop(first);
    assert!(other.await.unwrap().is_ok());
}

#[actix_web::test]
async fn places_in_the_queue_end_up_shared_out_equally() {
    let queue = FairQueue::new(1, 30);
    let _held = queue.acquire(&who("first", "x"), LONG).await.unwrap();
    let mut waiting = HashMap::new();
    for tenant in ["acme", "zenith", "third"] {
        waiting.insert(tenant, wait_often(&queue, &who(tenant, "x"), 40).await);
    }
    tokio::task::yield_now().await;
    let mut waits: Vec<usize> = Vec::new();
    for tasks in waiting.values() {
        waits.push(tasks.iter().filter(|task| !task.is_finished()).count());
    }
    assert!(waits.iter().all(|waits| (9..=11).contains(waits)), "{waits:?}");
    assert_eq!(queue.waiting(), 30);
}

#[actix_web::test]
async fn a_waiter_that_leaves_or_waits_too_long_takes_no_permit() {
    let queue = FairQueue::new(1, 100);
    let held = queue.acquire(&who("acme", "a"), LONG).await.unwrap();
    assert_eq!(queue.acquire(&who("acme", "a"), Duration::from_millis(1)).await.unwrap_err(), QueueFull);
    assert_eq!(queue.waiting(), 0);
    let leaving = wait_often(&queue, &who("acme", "a"), 20).await;
    let staying = wait(&queue, &who("acme", "a")).await;
    for task in leaving {
        task.abort();
        assert!(task.await.is_err());
    }
    assert_eq!(queue.waiting(), 1);
    drop(held);
    drop(staying.await.unwrap().unwrap());
    assert_eq!((queue.in_use(), queue.waiting()), (0, 0));
}

#[actix_web::test]
async fn a_permit_that_comes_just_as_its_waiter_leaves_goes_to_the_next() {
    let queue = FairQueue::new(1, 100);
    for _ in 0..100 {
        let held = queue.acquire(&who("acme", "a"), LONG).await.unwrap();
        let (leaving, next) = (wait(&queue, &who("acme", "a")).await, wait(&queue, &who("acme", "b")).await);
        drop(held);
        // The task has been served, and has not run since.
        leaving.abort();
        let _cancelled = leaving.await;
        drop(next.await.unwrap().unwrap());
        assert_eq!((queue.in_use(), queue.waiting()), (0, 0));
    }
}

#[actix_web::test]
async fn nothing_is_stored_about_a_principal_without_permits_and_waiters() {
    let queue = FairQueue::new(2, 4);
    for number in 0..100 {
        let tasks = wait_often(&queue, &who(&format!("tenant-{number}"), &number.to_string()), 7).await;
        for task in tasks {
            task.abort();
            let _ended = task.await;
        }
    }
    assert_eq!(queue.lock().shares.members(), 0);
}

#[actix_web::test]
async fn what_may_start_in_a_second_is_shared_out_too() {
    let (clock, time) = Clock::manual(Timestamp::UNIX_EPOCH);
    let queue = FairQueue::paced(100, 100, NonZeroU32::new(10), clock);
    let greedy = wait_often(&queue, &who("acme", "greedy"), 60).await;
    assert_eq!((queue.in_use(), queue.waiting()), (10, 50), "there are permits, but not now");
    let other = wait_often(&queue, &who("zenith", "z"), 3).await;
    time.advance(Duration::from_secs(1));
    for task in other {
        assert!(task.await.unwrap().is_ok());
    }
    assert_eq!(queue.in_use() + queue.waiting(), 60);
    time.advance(Duration::from_secs(1));
    until(|| queue.waiting() <= 33).await;
    drop(greedy);
}

#[test]
fn workers_of_several_threads_never_hold_more_than_there_are() {
    let queue = FairQueue::new(3, 1_000);
    let most = Arc::new(Mutex::new(0));
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let (queue, most) = (queue.clone(), most.clone());
            std::thread::spawn(move || {
                rt::System::new().block_on(async {
                    for number in 0..2_000 {
                        let principal = who(&format!("tenant-{}", number % 3), &worker.to_string());
                        let permit = queue.acquire(&principal, LONG).await.unwrap();
                        let mut most = most.lock().unwrap();
                        *most = usize::max(*most, queue.in_use());
                        drop((most, permit));
                    }
                });
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert!(*most.lock().unwrap() <= 3);
    assert_eq!((queue.in_use(), queue.waiting()), (0, 0));
}

#[actix_web::test]
async fn a_tenant_that_has_none_in_use_is_served_at_once_from_the_reserve_however_many_there_are() {
    let queue = FairQueue::new(16, 3);
    queue.reserve(4);
    let mut held = wait_often(&queue, &who("acme", "greedy"), 15).await;
    assert_eq!((queue.in_use(), queue.waiting()), (12, 3), "the queue is full, and nobody is served before a newcomer");
    for (tenant, gets) in [("zenith", 2), ("third", 1), ("fourth", 1)] {
        for number in 0..gets {
            let permit = queue.acquire(&who(tenant, "x"), Duration::ZERO).await;
            assert!(permit.is_ok(), "{tenant} {number}");
            held.push(rt::spawn(async move { permit }));
        }
    }
    assert_eq!((queue.in_use(), queue.waiting()), (16, 3));
    for task in held {
        task.abort();
        let _ended = task.await;
    }
    assert_eq!((queue.in_use(), queue.waiting(), queue.lock().shares.members()), (0, 0, 0));
}

#[actix_web::test]
async fn a_newcomer_that_leaves_makes_room_for_its_own_next_call_and_not_for_principals_with_many() {
    let queue = FairQueue::new(8, 100);
    queue.reserve(1);
    let greedy = wait_often(&queue, &who("acme", "greedy"), 50).await;
    for _ in 0..20 {
        drop(queue.acquire(&who("zenith", "z"), Duration::ZERO).await.unwrap());
        assert_eq!((queue.in_use(), queue.waiting()), (7, 43));
    }
    drop(greedy);
}

#[actix_web::test]
async fn a_reserve_and_a_pace_work_together() {
    let (clock, time) = Clock::manual(Timestamp::UNIX_EPOCH);
    let queue = FairQueue::paced(8, 100, NonZeroU32::new(7), clock);
    queue.reserve(1);
    let greedy = wait_often(&queue, &who("acme", "greedy"), 20).await;
    assert_eq!((queue.in_use(), queue.waiting()), (7, 13));
    let newcomer = wait(&queue, &who("zenith", "z")).await;
    time.advance(Duration::from_secs(1));
    assert!(newcomer.await.unwrap().is_ok());
    assert_eq!(queue.waiting(), 13);
    drop(greedy);
}
