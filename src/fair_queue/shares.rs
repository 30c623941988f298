//! The permits in use and the waiters as a tree: tenants, their clients, and each client's waiters in order of arrival.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Permit, Principal};

/// A waiter for a permit.
#[derive(Debug)]
pub struct Waiter {
    /// The number that identifies it among its principal's waiters.
    pub number: u64,
    /// The principal for whom it waits.
    pub principal: Principal,
    /// The channel that receives its permit.
    pub permit: oneshot::Sender<Permit>,
}

/// The permits that are not in use.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// The number of free permits.
    pub free: usize,
    /// How many of them are reserved for tenants with fewer permits in use.
    pub reserve: usize,
}

impl Room {
    /// Whether a tenant with this many permits in use gets one: it must leave as many free, up to the reserve.
    fn is_for(self, in_use: usize) -> bool {
        self.free > in_use.min(self.reserve)
    }
}

/// The tree of all tenants.
#[derive(Debug, Default)]
pub struct Shares {
    root: Group,
    /// Counts the permits given out, to serve equals in rotation.
    turns: u64,
}

/// A tenant or a client.
#[derive(Debug, Default)]
struct Group {
    in_use: usize,
    waiting: usize,
    /// The count at which it was served last, or arrived.
    turn: u64,
    members: HashMap<Arc<str>, Self>,
    /// The waiters of a group without members.
    line: VecDeque<Waiter>,
}

impl Shares {
    /// Returns the number of permits in use.
    pub const fn in_use(&self) -> usize {
        self.root.in_use
    }

    /// Returns the number of waiters.
    pub const fn waiting(&self) -> usize {
        self.root.waiting
    }

    /// Returns the number of tenants in the tree.
    #[cfg(test)]
    pub fn members(&self) -> usize {
        self.root.members.len()
    }

    /// Adds a waiter.
    pub fn enqueue(&mut self, path: &[Arc<str>], waiter: Waiter) {
        self.turns += 1;
        self.root.enqueue(path, waiter, self.turns);
    }

    /// Whether a waiter can be served.
    pub fn has_next(&self, room: Room) -> bool {
        self.root.members.values().any(|tenant| tenant.waiting > 0 && room.is_for(tenant.in_use))
    }

    /// Whether this principal can be served.
    pub fn may_have(&self, path: &[Arc<str>], room: Room) -> bool {
        let tenant = path.first().and_then(|tenant| self.root.members.get(tenant));
        room.is_for(tenant.map_or(0, |tenant| tenant.in_use))
    }

    /// Removes the next waiter that can be served, and counts its permit as in use.
    pub fn serve_next(&mut self, room: Room) -> Option<Waiter> {
        self.turns += 1;
        self.root.serve_next(self.turns, Some(room))
    }

    /// Records that this principal returned a permit.
    pub fn leave(&mut self, path: &[Arc<str>]) {
        self.root.leave(path);
    }

    /// Removes a waiter, unless it was served or displaced.
    pub fn withdraw(&mut self, path: &[Arc<str>], number: u64) {
        self.root.withdraw(path, number);
    }

    /// Removes the last waiter of the principal with the most waiters, if that has more than this principal will have.
    pub fn displace_for(&mut self, path: &[Arc<str>]) -> Option<Waiter> {
        self.root.displace_for(path)
    }
}

impl Group {
    const fn share(&self) -> usize {
        self.in_use + self.waiting
    }

    fn enqueue(&mut self, path: &[Arc<str>], waiter: Waiter, turn: u64) {
        self.waiting += 1;
        match path.split_first() {
            None => self.line.push_back(waiter),
            Some((name, rest)) => {
                // A new member is served after the existing ones; otherwise leaving and coming back would be a way to
                // the front.
                let new = || Self { turn, ..Self::default() };
                self.members.entry(name.clone()).or_insert_with(new).enqueue(rest, waiter, turn);
            }
        }
    }

    /// Serves the next waiter. With `room`, only members for which there is room are served; that applies to tenants
    /// only.
    fn serve_next(&mut self, turn: u64, room: Option<Room>) -> Option<Waiter> {
        let is_due = |member: &&mut Self| member.waiting > 0 && room.is_none_or(|room| room.is_for(member.in_use));
        let waiter = match self.members.values_mut().filter(is_due).min_by_key(|member| (member.in_use, member.turn)) {
            Some(member) => member.serve_next(turn, None),
            None => self.line.pop_front(),
        }?;
        self.waiting -= 1;
        self.in_use += 1;
        self.turn = turn;
        Some(waiter)
    }

    fn leave(&mut self, path: &[Arc<str>]) {
        self.in_use = self.in_use.saturating_sub(1);
        self.within(path, |member, rest| member.leave(rest));
    }

    fn withdraw(&mut self, path: &[Arc<str>], number: u64) -> bool {
        let is_found = if path.is_empty() {
            let at = self.line.iter().position(|waiter| waiter.number == number);
            at.and_then(|at| self.line.remove(at)).is_some()
        } else {
            self.within(path, |member, rest| member.withdraw(rest, number)).unwrap_or(false)
        };
        self.waiting -= usize::from(is_found);
        is_found
    }

    fn displace_for(&mut self, path: &[Arc<str>]) -> Option<Waiter> {
        let (own, rest) = path.split_first()?;
        let own_share = self.members.get(own).map_or(0, Self::share);
        let displaced = match self.greediest() {
            Some((name, share)) if share > own_share + 1 => self.within(&[name], |member, _| member.drop_last()),
            _ => self.within(path, |member, _| member.displace_for(rest)),
        };
        let displaced = displaced.flatten();
        self.waiting -= usize::from(displaced.is_some());
        displaced
    }

    fn drop_last(&mut self) -> Option<Waiter> {
        let dropped = match self.greediest() {
            Some((name, _)) => self.within(&[name], |member, _| member.drop_last()).flatten(),
            None => self.line.pop_back(),
        };
        self.waiting -= usize::from(dropped.is_some());
        dropped
    }

    /// Returns the member with the most waiters.
    fn greediest(&self) -> Option<(Arc<str>, usize)> {
        let waiting = self.members.iter().filter(|(_, member)| member.waiting > 0);
        let greediest = waiting.max_by_key(|(_, member)| member.share());
        greediest.map(|(name, member)| (name.clone(), member.share()))
    }

    /// Runs `work` on the member at the beginning of the path, and removes the member if it is empty afterwards.
    fn within<T>(&mut self, path: &[Arc<str>], work: impl FnOnce(&mut Self, &[Arc<str>]) -> T) -> Option<T> {
        let (name, rest) = path.split_first()?;
        let member = self.members.get_mut(name)?;
        let outcome = work(member, rest);
        if member.share() == 0 {
            self.members.remove(name);
        }
        Some(outcome)
    }
}
