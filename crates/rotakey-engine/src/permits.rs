//! How many rotations of one account are at work at a time. Those that wait hold none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;
use rotakey_core::id::AccountId;

/// So many rotations of one account are at work at a time. Each account has its own, so that one that is throttled
/// holds up no other.
const IN_EACH_ACCOUNT: usize = 8;

/// The permits of all accounts.
#[derive(Default)]
pub(crate) struct Permits(Mutex<BTreeMap<AccountId, Arc<Desk>>>);

struct Desk(Mutex<Queue>);

struct Queue {
    free: usize,
    waiting: VecDeque<oneshot::Sender<Permit>>,
}

/// The right to be at work, until it is dropped.
pub(crate) struct Permit(Arc<Desk>);

impl Permits {
    /// Waits for a permit of that account.
    pub(crate) async fn take(&self, account: AccountId) -> Permit {
        let desk = {
            let mut desks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let new =
                || Arc::new(Desk(Mutex::new(Queue { free: IN_EACH_ACCOUNT, waiting: VecDeque::new() })));
            Arc::clone(desks.entry(account).or_insert_with(new))
        };
        loop {
            let turn = {
                let mut queue = desk.queue();
                if queue.free > 0 {
                    queue.free -= 1;
                    return Permit(Arc::clone(&desk));
                }
                let (give, turn) = oneshot::channel();
                queue.waiting.push_back(give);
                turn
            };
            if let Ok(permit) = turn.await {
                return permit;
            }
        }
    }
}

impl Desk {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes to whoever waits longest. One who does not wait any more gives it back by dropping it.
impl Drop for Permit {
    fn drop(&mut self) {
        let next = {
            let mut queue = self.0.queue();
            match queue.waiting.pop_front() {
                Some(next) => next,
                None => {
                    queue.free += 1;
                    return;
                }
            }
        };
        // Dropping the permit that comes back hands it on to the one behind.
        let _refused = next.send(Self(Arc::clone(&self.0)));
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn account(number: u64) -> AccountId {
        AccountId::new(number).unwrap()
    }

    #[test]
    fn an_account_has_so_many_and_no_other_account_is_held_up() {
        let permits = Permits::default();
        let taken: Vec<_> =
            (0..IN_EACH_ACCOUNT).map(|_| permits.take(account(1)).now_or_never().unwrap()).collect();
        assert!(permits.take(account(1)).now_or_never().is_none());
        assert!(permits.take(account(2)).now_or_never().is_some());
        drop(taken);
        assert!(permits.take(account(1)).now_or_never().is_some());
    }

    #[test]
    fn whoever_waits_longest_is_next_and_one_who_has_gone_keeps_nobody() {
        let permits = Permits::default();
        let mut taken = Vec::new();
        for _ in 0..IN_EACH_ACCOUNT {
            taken.push(permits.take(account(1)).now_or_never().unwrap());
        }
        let (mut gone, mut first, mut second) = (
            Box::pin(permits.take(account(1))),
            Box::pin(permits.take(account(1))),
            Box::pin(permits.take(account(1))),
        );
        assert!((&mut gone).now_or_never().is_none());
        assert!((&mut first).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        drop(gone);
        taken.pop();
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut first).now_or_never().is_some());
        assert!((&mut second).now_or_never().is_some(), "the first is dropped at once");
    }
}
