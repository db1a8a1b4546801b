//! What the policy will do to an inventory in the days to come: the real chooser and the real rotation machine on a
//! virtual clock, over a model of the users and of the applications that use their keys.
//!
//! Nothing in it is random. What cannot be known (how soon an application reads a new key, how often it uses one)
//! is assumed, and [`Assumptions`] says what.

mod applications;
pub mod synthetic;
mod traffic;
mod user;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::{SignedDuration, Timestamp};

use super::effect::Intent;
use super::event::Ending;
use super::plan::Plan;
use crate::destination::DestinationSpec;
use crate::policy::{Config, UserSubject};

use traffic::Traffic;
use user::Simulated;

/// What is assumed of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumptions {
    /// How long after a publish applications use the new key.
    pub adoption: SignedDuration,
    /// The time between two ticks of `rotakey rotate tick`, in which new rotations are begun too.
    pub tick: SignedDuration,
    /// A key is used again after as long as it has been idle when the forecast begins, but no sooner than this.
    pub busiest: SignedDuration,
}

impl Default for Assumptions {
    fn default() -> Self {
        Self {
            adoption: SignedDuration::from_hours(1),
            tick: SignedDuration::from_mins(10),
            busiest: SignedDuration::from_hours(1),
        }
    }
}

/// Something that will happen to a user.
#[derive(Debug, Clone, Copy)]
pub struct Happening<'a> {
    /// When.
    pub at: Timestamp,
    /// To whom. Its keys are as they are at that time.
    pub user: &'a UserSubject,
    /// What.
    pub what: What<'a>,
}

/// What will happen.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// A rotation begins.
    Begins(&'a Plan),
    /// An effect is done.
    Does(&'a Intent),
    /// A rotation ends.
    Ends(&'a Ending),
    /// A person is asked.
    Asks {
        /// What.
        why: &'a str,
        /// What the person can do.
        advice: &'a str,
    },
    /// An active key passes its limit.
    IsOverdue {
        /// What it waits for then.
        because: &'a str,
    },
}

/// A forecast under way.
pub struct Forecast<'a> {
    rules: Rules<'a>,
    users: Vec<Simulated>,
    /// Whose turn is when, by the number of the user; `None` for nothing to do any more.
    turns: Vec<Option<Timestamp>>,
    traffic: Traffic,
}

/// What holds for all users.
struct Rules<'a> {
    config: &'a Config,
    fallback: &'a dyn Fn(&UserSubject) -> DestinationSpec,
    assumptions: Assumptions,
    begun: Timestamp,
}

impl Rules<'_> {
    /// The first tick at that time or after it.
    fn next_tick(&self, at: Timestamp) -> Timestamp {
        let tick = self.assumptions.tick.as_secs().max(1);
        let past = at.duration_since(self.begun);
        let ticks =
            past.as_secs().div_euclid(tick) + i64::from(past.as_secs() % tick > 0 || past.subsec_nanos() > 0);
        self.begun
            .saturating_add(SignedDuration::from_secs(ticks.saturating_mul(tick)))
            .unwrap_or(Timestamp::MAX)
    }
}

impl<'a> Forecast<'a> {
    /// A forecast for those users, from that instant on. `fallback` is where the key of a user goes for whom the
    /// configuration names no destination.
    pub fn new(
        users: impl IntoIterator<Item = UserSubject>,
        config: &'a Config,
        fallback: &'a dyn Fn(&UserSubject) -> DestinationSpec,
        assumptions: Assumptions,
        begun: Timestamp,
    ) -> Self {
        let users: Vec<_> = users
            .into_iter()
            .zip(0..)
            .map(|(user, number)| Simulated::new(user, number, &assumptions, begun))
            .collect();
        let traffic = Traffic::of(users.iter().map(Simulated::subject));
        let turns = vec![Some(begun); users.len()];
        Self { rules: Rules { config, fallback, assumptions, begun }, users, turns, traffic }
    }

    /// Goes on to the end of that time, and tells what happens: of each user in the order of time. Where a limit or a
    /// canary makes users wait for one another, all of it is told in the order of time; else one user after another, since
    /// whatever is known of a user is near at hand only then.
    pub fn run_until(&mut self, end: Timestamp, tell: &mut dyn FnMut(Happening<'_>)) {
        if self.rules.config.rotate.controls.make_users_wait_for_one_another() {
            self.run_in_the_order_of_time(end, tell);
        } else {
            self.run_one_after_another(end, tell);
        }
    }

    fn run_one_after_another(&mut self, end: Timestamp, tell: &mut dyn FnMut(Happening<'_>)) {
        for number in 0..self.users.len() {
            while let Some(at) = self.turns[number].filter(|at| *at < end) {
                self.turn(number, at, tell);
            }
        }
    }

    fn run_in_the_order_of_time(&mut self, end: Timestamp, tell: &mut dyn FnMut(Happening<'_>)) {
        let due =
            |(number, at): (usize, &Option<Timestamp>)| Some(Reverse((at.filter(|at| *at < end)?, number)));
        // The next one on top.
        let mut turns: BinaryHeap<_> = self.turns.iter().enumerate().filter_map(due).collect();
        while let Some(Reverse((at, number))) = turns.pop() {
            self.turn(number, at, tell);
            turns.extend(due((number, &self.turns[number])));
        }
    }

    fn turn(&mut self, number: usize, at: Timestamp, tell: &mut dyn FnMut(Happening<'_>)) {
        let again = self.users[number].turn(&self.rules, &mut self.traffic, at, tell);
        self.turns[number] = again.map(|again| again.max(at + SignedDuration::from_secs(1)));
    }

    /// The users, with their keys as they are by now.
    pub fn users(&self) -> impl Iterator<Item = &UserSubject> {
        self.users.iter().map(Simulated::subject)
    }
}

#[cfg(test)]
mod tests;
