//! Who does what.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use super::family::Frame;
use super::forest::Forest;

/// How many blobs make a part, if there are so many.
const PART: u64 = 1_024;
/// How many blobs are worth a thread.
const WORTH_A_WORKER: u64 = 64;

/// The parts of a pack, and what workers hand to those that have nothing to do.
#[derive(Debug)]
pub(super) struct Work {
    /// Ranges of roots: large ones first, so that none is begun when the others are already done; then in the order of
    /// the pack.
    parts: Vec<Range<usize>>,
    next: AtomicUsize,
    /// How many workers wait for others to share.
    hungry: AtomicUsize,
    shared: Mutex<Shared>,
    changed: Condvar,
}

#[derive(Debug)]
struct Shared {
    subtrees: Vec<Frame>,
    /// How many workers are at work, or have not begun, and may share some of it yet.
    busy: usize,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Job {
    /// Families, by the numbers of their roots in [`Forest::roots`]; behind these, those of [`Forest::foreign`].
    Roots(Range<usize>),
    /// Some of what builds on an object.
    Subtree(Frame),
}

impl Work {
    pub(super) fn new(forest: &Forest<'_>, workers: NonZeroUsize) -> Self {
        let mut parts: Vec<(u64, Range<usize>)> = Vec::new();
        let (mut start, mut sum) = (0, 0);
        let roots = forest.roots.iter().chain(&forest.foreign);
        let count = forest.roots.len() + forest.foreign.len();
        for (number, &root) in roots.enumerate() {
            sum += u64::from(forest.weight(root));
            if sum >= PART || number + 1 == count {
                parts.push((sum, start..number + 1));
                (start, sum) = (number + 1, 0);
            }
        }
        parts.sort_by_key(|&(weight, _)| std::cmp::Reverse(if weight < 4 * PART { 0 } else { weight }));
        let weight: u64 = parts.iter().map(|(weight, _)| weight).sum();
        let busy = workers.get().min((weight / WORTH_A_WORKER) as usize).max(1);
        let parts: Vec<_> = parts.into_iter().map(|(_, part)| part).collect();
        Self {
            parts,
            next: AtomicUsize::new(0),
            hungry: AtomicUsize::new(0),
            shared: Mutex::new(Shared { subtrees: Vec::new(), busy }),
            changed: Condvar::new(),
        }
    }

    /// How many workers this is work for.
    pub(super) fn workers(&self) -> usize {
        self.lock().busy
    }

    /// Whether somebody has nothing to do.
    pub(super) fn is_wanted(&self) -> bool {
        self.hungry.load(Ordering::Relaxed) > 0
    }

    /// Hands work to somebody else.
    pub(super) fn share(&self, subtree: Frame) {
        self.lock().subtrees.push(subtree);
        self.changed.notify_one();
    }

    /// Ends what a worker did before, and gives it the next; `None` when all is done.
    pub(super) fn next(&self) -> Option<Job> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(part) = self.parts.get(next) {
            return Some(Job::Roots(part.clone()));
        }
        let mut shared = self.lock();
        shared.busy -= 1;
        loop {
            if let Some(subtree) = shared.subtrees.pop() {
                shared.busy += 1;
                return Some(Job::Subtree(subtree));
            }
            if shared.busy == 0 {
                self.changed.notify_all();
                return None;
            }
            self.hungry.fetch_add(1, Ordering::Relaxed);
            shared = self.changed.wait(shared).unwrap_or_else(PoisonError::into_inner);
            self.hungry.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Ends what a worker did that will not ask for more.
    pub(super) fn leave(&self) {
        let mut shared = self.lock();
        shared.busy = shared.busy.saturating_sub(1);
        self.changed.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
