//! Who has how many permits and who waits, as a tree: tenants, their clients, and the waiters of each client in line.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Permit, Principal};

/// Somebody who waits.
#[derive(Debug)]
pub struct Waiter {
    /// Tells it from the others of its principal.
    pub number: u64,
    /// For whom.
    pub principal: Principal,
    /// Where its permit is sent.
    pub permit: oneshot::Sender<Permit>,
}

/// The permits that nobody uses.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// How many there are.
    pub free: usize,
    /// How many of them are left for tenants that have fewer in use.
    pub reserve: usize,
}

impl Room {
    /// Whether there is one for a tenant that has so many in use: it leaves as many free, up to the reserve.
    fn is_for(self, in_use: usize) -> bool {
        self.free > in_use.min(self.reserve)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Shares {
    root: Group,
    /// Counts what was given out, to serve equals in turn.
    turns: u64,
}

/// A tenant, or a client.
#[derive(Debug, Default)]
struct Group {
    in_use: usize,
    waiting: usize,
    /// When it was served last, or came.
    turn: u64,
    members: HashMap<Arc<str>, Self>,
    /// Those who wait, in a group without members.
    line: VecDeque<Waiter>,
}

impl Shares {
    /// How many permits are in use.
    pub const fn in_use(&self) -> usize {
        self.root.in_use
    }

    /// How many wait.
    pub const fn waiting(&self) -> usize {
        self.root.waiting
    }

    /// Of how many tenants something is remembered.
    #[cfg(test)]
    pub fn members(&self) -> usize {
        self.root.members.len()
    }

    /// Lets somebody wait.
    pub fn enqueue(&mut self, path: &[Arc<str>], waiter: Waiter) {
        self.turns += 1;
        self.root.enqueue(path, waiter, self.turns);
    }

    /// Whether there is room for somebody who waits.
    pub fn has_next(&self, room: Room) -> bool {
        self.root.members.values().any(|tenant| tenant.waiting > 0 && room.is_for(tenant.in_use))
    }

    /// Whether there is room for this principal.
    pub fn may_have(&self, path: &[Arc<str>], room: Room) -> bool {
        let tenant = path.first().and_then(|tenant| self.root.members.get(tenant));
        room.is_for(tenant.map_or(0, |tenant| tenant.in_use))
    }

    /// Takes out the one whose turn it is of those for whom there is room, who has a permit from now on.
    pub fn serve_next(&mut self, room: Room) -> Option<Waiter> {
        self.turns += 1;
        self.root.serve_next(self.turns, Some(room))
    }

    /// A permit of this principal is given back.
    pub fn leave(&mut self, path: &[Arc<str>]) {
        self.root.leave(path);
    }

    /// Takes out a waiter, unless it was served or displaced.
    pub fn withdraw(&mut self, path: &[Arc<str>], number: u64) {
        self.root.withdraw(path, number);
    }

    /// Takes out the last one in line of whoever has the most, if that is more than this principal will have.
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
                // Whoever comes takes its turn behind those who are there, or coming again would be a way to the front.
                let new = || Self { turn, ..Self::default() };
                self.members.entry(name.clone()).or_insert_with(new).enqueue(rest, waiter, turn);
            }
        }
    }

    /// With `room`, only members for which there is some are served: that is asked of tenants alone.
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

    /// Who has the most, of those who have somebody waiting.
    fn greediest(&self) -> Option<(Arc<str>, usize)> {
        let waiting = self.members.iter().filter(|(_, member)| member.waiting > 0);
        let greediest = waiting.max_by_key(|(_, member)| member.share());
        greediest.map(|(name, member)| (name.clone(), member.share()))
    }

    /// Does something to the member that the path begins with, and forgets it if it has nothing any more.
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
