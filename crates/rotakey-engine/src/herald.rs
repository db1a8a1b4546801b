//! Tells people what happens to keys: reads the logs of rotations, and whom plans left to a person, and sends what was
//! not sent yet.
//!
//! It runs after the rotations were driven, and reads what is in the logs by then. Nothing that fails here touches a
//! rotation. A notice is sent at least once: that it is about to be sent is written before, that it was sent after.

mod look;

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use rotakey_core::notify::{Left, Message, Notice, NoticeId, Story, Topic, test_notice};
use rotakey_core::policy::{NotifyEntry, Policy};

use crate::journal::{self, JournalError};
use crate::left;
use crate::outbox::{Delivery, DeliveryState, Outbox, SENDING_DEADLINE};
use crate::port::{Account, Accounts, Clock, Notifiers, PortError, PortErrorKind};
use crate::store::{RotationSummary, Store, StoreError};

use look::{NOT_LOOKED_AT, User, Uses};

/// After that a notice is not sent any more: it would tell of what was. A channel that is new does not get the old.
const FRESH: SignedDuration = SignedDuration::from_hours(3 * 24);

/// How many channels are sent to at a time.
const CONCURRENCY: usize = 8;

/// All that telling people needs of the outside.
#[derive(Clone, Copy)]
pub struct HeraldPorts<'a> {
    /// The logs of rotations.
    pub store: &'a dyn Store,
    /// What was sent.
    pub outbox: &'a dyn Outbox,
    /// The accounts whose users are looked at, for their owners and the use of their keys. People are told of the
    /// rotations of these only.
    pub accounts: &'a dyn Accounts,
    /// Opens the ways to people.
    pub notifiers: &'a dyn Notifiers,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// Tells people.
#[derive(Clone, Copy)]
pub struct Herald<'a> {
    ports: HeraldPorts<'a>,
    channels: &'a [NotifyEntry],
    policy: &'a Policy,
}

/// What one pass came to.
#[derive(Debug, Default)]
pub struct Told {
    /// What was sent.
    pub sent: Vec<Sent>,
    /// What was not.
    pub failed: Vec<NotSent>,
    /// The rotations of which nothing could be told, and why.
    pub unread: Vec<String>,
    /// When there is something to tell next, if nothing happens before.
    pub due: Option<Timestamp>,
}

/// One message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The name of the channel.
    pub channel: String,
    /// Its subject.
    pub subject: String,
}

/// One message that was not sent, or perhaps not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSent {
    /// The name of the channel.
    pub channel: String,
    /// Its subject.
    pub subject: String,
    /// Why.
    pub error: PortError,
}

/// How often all rotations are looked at for something to tell, at least.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_hours(4);

/// Where it is kept when that is to be done next: when the first reminder, digest or second attempt is due.
const NEXT: &str = "notify/next";

/// Notices that go together: to one channel (by its place in the list), to the same addresses, and, unless they are
/// parts of a digest, each by itself.
type Group = (usize, Vec<String>, Option<NoticeId>);

/// A notice with the delivery that is known of it, if there is one.
struct Item {
    topic: Topic,
    notice: Notice,
    delivery: Option<Delivery>,
}

/// All that is to be sent now.
type Mail = BTreeMap<Group, Vec<Item>>;

/// Notices for one message, and the addresses that it goes to.
type Letter = (Vec<String>, Vec<Item>);

/// Where the notices about one topic are sorted.
struct Desk<'a> {
    topic: Topic,
    known: Vec<Delivery>,
    user: User<'a>,
    mail: &'a mut Mail,
    told: &'a mut Told,
}

impl<'a> Herald<'a> {
    /// A herald of these channels.
    pub fn new(ports: HeraldPorts<'a>, channels: &'a [NotifyEntry], policy: &'a Policy) -> Self {
        Self { ports, channels, policy }
    }

    /// Sends all that is due and was not sent. What fails is tried again by a later pass.
    ///
    /// # Errors
    /// The list of rotations, of users left to a person, or what was sent, could not be read.
    pub async fn pass(&self) -> Result<Told, StoreError> {
        let mut told = Told::default();
        if self.channels.is_empty() {
            return Ok(told);
        }
        let settled = self.ports.outbox.settled().await?;
        let mut rotations = self.ports.store.rotations().await?;
        rotations.retain(|summary| summary.is_open() || !settled.contains(&summary.id));
        let left = left::all(self.ports.store).await?;
        self.tell_of(rotations, left, &mut told).await;
        Ok(told)
    }

    /// Sends what is to be told of those rotations, which were just driven; of all, if a reminder, a digest or a second
    /// attempt is due of any: so a pass costs what was driven, not all that is stored.
    ///
    /// # Errors
    /// As those of [`Self::pass`].
    pub async fn pass_after(&self, driven: Vec<RotationSummary>) -> Result<Told, StoreError> {
        let mut told = Told::default();
        if self.channels.is_empty() {
            return Ok(told);
        }
        let now = self.ports.clock.now();
        let kept = self.ports.store.controls(NEXT).await?;
        let next = kept.first().and_then(|(_, at)| at.parse::<Timestamp>().ok());
        let Some(next) = next.filter(|next| now < *next && *next <= now + SWEEP_EVERY) else {
            let told = self.pass().await?;
            let next = told.due.map_or(now + SWEEP_EVERY, |due| due.min(now + SWEEP_EVERY));
            self.ports.store.set_control(NEXT, Some(&next.to_string())).await?;
            return Ok(told);
        };
        self.tell_of(driven, Vec::new(), &mut told).await;
        if let Some(due) = told.due.filter(|due| *due < next) {
            self.ports.store.set_control(NEXT, Some(&due.to_string())).await?;
        }
        told.wait_until(Some(next));
        Ok(told)
    }

    async fn tell_of(&self, rotations: Vec<RotationSummary>, left: Vec<Left>, told: &mut Told) {
        let mut mail = Mail::new();
        for summary in rotations {
            let Some(account) = self.ports.accounts.get(&summary.subject.account_id) else { continue };
            if let Err(error) = self.collect(&summary, account, &mut mail, told).await {
                told.unread.push(error.to_string());
            }
        }
        for user in left {
            let Some(account) = self.ports.accounts.get(&user.account_id) else { continue };
            if let Err(error) = self.collect_left(&user, account, &mut mail, told).await {
                told.unread.push(error.to_string());
            }
        }
        let mut by_channel: BTreeMap<usize, Vec<Letter>> = BTreeMap::new();
        for ((channel, recipients, _), items) in mail {
            by_channel.entry(channel).or_default().push((recipients, items));
        }
        let passes: Vec<_> = stream::iter(by_channel)
            .map(|(channel, letters)| self.send_all(&self.channels[channel], letters))
            .buffered(CONCURRENCY)
            .collect()
            .await;
        for (sent, failed, again) in passes {
            told.sent.extend(sent);
            told.failed.extend(failed);
            told.wait_until(again);
        }
    }

    /// Finds what of a rotation is to be told now, and remembers a rotation of which there is nothing more to tell.
    async fn collect(
        &self,
        summary: &RotationSummary,
        account: Account<'_>,
        mail: &mut Mail,
        told: &mut Told,
    ) -> Result<(), JournalError> {
        let now = self.ports.clock.now();
        let entries = journal::read(self.ports.store, &summary.id).await?;
        let story = Story::of(&summary.id, &entries)?;
        let topic = Topic::from(&summary.id);
        let known = self.ports.outbox.deliveries(&topic).await?;
        let mut uses = Uses::of(account, story.rotation());
        let mut desk = Desk { topic, known, user: User::of_rotation(account, story.rotation()), mail, told };
        let mut left = summary.is_open();
        for (index, channel) in self.channels.iter().enumerate() {
            for notice in story.notices() {
                left |= self.post(index, notice.clone(), notice.since, &mut desk).await;
            }
            let every = SignedDuration::from(channel.remind_every);
            if let Some(need) = story.need(every, now) {
                let evidence = match need.needs_evidence() {
                    true => uses.look().await,
                    false => &NOT_LOOKED_AT,
                };
                if let Some(reminder) = need.reminder(evidence) {
                    left |= self.post(index, reminder, need.due_since(every), &mut desk).await;
                }
            }
            if summary.is_open() {
                desk.told.wait_until(story.next_reminder(every, now));
            }
        }
        if !left {
            self.ports.outbox.settle(&summary.id).await?;
        }
        Ok(())
    }

    /// Finds what is to be told of a user that is left to a person.
    async fn collect_left(
        &self,
        left: &Left,
        account: Account<'_>,
        mail: &mut Mail,
        told: &mut Told,
    ) -> Result<(), StoreError> {
        let topic = Left::topic(left.account_id, &left.user_name);
        let known = self.ports.outbox.deliveries(&topic).await?;
        let mut desk = Desk { topic, known, user: User::left(account, left), mail, told };
        for index in 0..self.channels.len() {
            self.post(index, left.notice(), left.since, &mut desk).await;
        }
        Ok(())
    }

    /// Puts a notice, which is so since then, into the mail of that channel if it is to be sent now. Says whether it is
    /// not done with.
    async fn post(&self, index: usize, notice: Notice, since: Timestamp, desk: &mut Desk<'_>) -> bool {
        let (channel, now) = (&self.channels[index], self.ports.clock.now());
        let is_fresh = now.duration_since(since) <= FRESH;
        if !is_fresh || !channel.wants(&notice) {
            return false;
        }
        let delivery =
            desk.known.iter().find(|one| one.notice == notice.id && one.channel == channel.name).cloned();
        let retry = match delivery.as_ref().map(Delivery::due) {
            Some(None) => return false,
            Some(Some(due)) => due,
            None => Timestamp::MIN,
        };
        let due = channel.digest.as_ref().map_or(since, |digest| digest.after(since)).max(retry);
        if due > now {
            desk.told.wait_until(Some(due));
            return true;
        }
        let subject = desk.user.look().await;
        if !channel.is_about(subject) {
            let delivery = next(delivery, &desk.topic, &notice, channel, DeliveryState::NotMeant);
            // Whoever else writes it writes the same.
            let _written_by_another = self.ports.outbox.write(&delivery).await;
            return true;
        }
        let owner = self.policy.owner_of(subject);
        let alone = channel.digest.is_none().then(|| notice.id.clone());
        let group = (index, channel.spec.recipients(owner), alone);
        let item = Item { topic: desk.topic.clone(), notice: notice.owned_by(owner), delivery };
        desk.mail.entry(group).or_default().push(item);
        true
    }

    /// Sends messages to one channel, one after the other; a channel that does not answer is left alone until later.
    /// Says when what failed is to be tried again.
    async fn send_all(
        &self,
        channel: &NotifyEntry,
        letters: Vec<Letter>,
    ) -> (Vec<Sent>, Vec<NotSent>, Option<Timestamp>) {
        let (mut sent, mut failed, mut again) = (Vec::new(), Vec::new(), None);
        for (recipients, items) in letters {
            let (notices, deliveries) = self.claim(channel, items).await;
            let Some(message) = message(channel, notices, recipients) else { continue };
            let result = match self.ports.notifiers.open(&channel.spec) {
                Ok(notifier) => notifier.send(&message).await,
                Err(error) => Err(error),
            };
            let at = self.ports.clock.now();
            for delivery in deliveries {
                let state = match &result {
                    Ok(()) => DeliveryState::Sent { at },
                    Err(error) => DeliveryState::Failed { at, message: error.to_string() },
                };
                let done = Delivery { version: delivery.version + 1, state, ..delivery };
                again = [again, done.due()].into_iter().flatten().min();
                // What cannot be written down is sent again: better twice than never.
                let _sent_again = self.ports.outbox.write(&done).await;
            }
            let (name, subject) = (channel.name.clone(), message.subject());
            match result {
                Ok(()) => sent.push(Sent { channel: name, subject }),
                Err(error) => {
                    let is_down = error.kind.is_transient() || error.kind == PortErrorKind::Credentials;
                    failed.push(NotSent { channel: name, subject, error });
                    if is_down {
                        break;
                    }
                }
            }
        }
        (sent, failed, again)
    }

    /// Takes the right to send from other workers. What one of them has taken is left to it.
    async fn claim(&self, channel: &NotifyEntry, items: Vec<Item>) -> (Vec<Notice>, Vec<Delivery>) {
        let until = self.ports.clock.now() + SENDING_DEADLINE;
        let (mut notices, mut deliveries) = (Vec::new(), Vec::new());
        for Item { topic, notice, delivery } in items {
            let delivery = next(delivery, &topic, &notice, channel, DeliveryState::Sending { until });
            let delivery = Delivery { attempts: delivery.attempts + 1, ..delivery };
            if self.ports.outbox.write(&delivery).await.is_ok() {
                notices.push(notice);
                deliveries.push(delivery);
            }
        }
        (notices, deliveries)
    }
}

impl Told {
    fn wait_until(&mut self, due: Option<Timestamp>) {
        self.due = [self.due, due].into_iter().flatten().min();
    }
}

/// Lets the next pass look at all rotations for something to tell.
///
/// # Errors
/// That could not be kept.
pub(crate) async fn look_at_all(store: &dyn Store) -> Result<(), StoreError> {
    store.set_control(NEXT, None).await
}

/// Sends a test to one channel, at once.
///
/// # Errors
/// What the channel says.
pub async fn test(channel: &NotifyEntry, notifiers: &dyn Notifiers, now: Timestamp) -> Result<(), PortError> {
    let id = NoticeId::from_stored(format!("test/{}/{}", channel.name, now.as_nanosecond()));
    let recipients = channel.spec.recipients(None);
    let message = message(channel, vec![test_notice(id, now)], recipients);
    notifiers.open(&channel.spec)?.send(&message.expect("there is a notice")).await
}

fn message(channel: &NotifyEntry, notices: Vec<Notice>, recipients: Vec<String>) -> Option<Message> {
    Message::new(notices, recipients, channel.subject.clone(), channel.text.clone())
}

/// What follows the delivery before, if there is one.
fn next(
    before: Option<Delivery>,
    topic: &Topic,
    notice: &Notice,
    channel: &NotifyEntry,
    state: DeliveryState,
) -> Delivery {
    Delivery {
        topic: topic.clone(),
        notice: notice.id.clone(),
        channel: channel.name.clone(),
        version: before.as_ref().map_or(0, |before| before.version) + 1,
        attempts: before.map_or(0, |before| before.attempts),
        state,
    }
}

#[cfg(test)]
mod tests;
