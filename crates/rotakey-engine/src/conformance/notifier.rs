//! What every [`Notifier`] must do. An adapter's test implements [`Harness`] and calls [`check_all`].

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_core::notify::{
    Incident, IncidentState, Message, Notice, NoticeId, NoticeKind, Severity, test_notice,
};

use crate::port::{Notifier, PortErrorKind};

/// A server that the adapter under test sends to. It must refuse what the real one would refuse.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The adapter, with all that it needs.
    fn open(&self) -> Box<dyn Notifier>;

    /// What readers have been shown since the last call, each message as one text, as it came over the wire.
    async fn shown(&self) -> Vec<String>;

    /// Whether the channel recognises a message that is sent twice.
    fn recognises_twice(&self) -> bool;

    /// The adapter with something wrong, and the kind of error that the contract asks for: at least missing
    /// permission. Things that do not answer are among them where the channel is a server of its own.
    async fn broken(&self) -> Vec<Broken>;

    /// The credentials that the adapter was given, which no error and no message may repeat.
    fn secrets(&self) -> Vec<String>;

    /// What must not be in anything shown, for it would mean something to the channel: such as `<!channel>`.
    fn forbidden(&self) -> Vec<&'static str>;
}

/// An adapter that cannot send.
pub struct Broken {
    /// What is wrong, for messages.
    pub name: &'static str,
    /// The adapter.
    pub notifier: Box<dyn Notifier>,
    /// The kind of error that the contract asks for.
    pub kind: PortErrorKind,
}

/// Checks every promise of the contract but that of [`a_silent_channel_is_given_up`], which needs a clock that jumps.
pub async fn check_all(harness: &dyn Harness) {
    a_message_is_shown_once(harness).await;
    a_message_sent_again_is_recognised_if_it_can_be(harness).await;
    texts_of_others_mean_nothing_to_the_channel(harness).await;
    a_long_digest_is_shown(harness).await;
    what_is_wrong_is_told_by_its_kind_and_without_secrets(harness).await;
}

/// [`Notifier::send`] shows the title, the keys and the commands.
pub async fn a_message_is_shown_once(harness: &dyn Harness) {
    let mut notice = notice(1);
    notice.commands = vec!["rotakey rotate status".to_owned()];
    send(harness, &message(vec![notice])).await;
    let shown = harness.shown().await;
    assert_eq!(shown.len(), 1, "one message is shown once: {shown:?}");
    for expected in ["nobody: something happened", "AKIAIOSFODNN7EXAMPLE", "rotakey rotate status"] {
        assert!(shown[0].contains(expected), "{expected:?} is shown in {}", shown[0]);
    }
    no_secret(harness, &shown);
}

/// [`Notifier::send`] twice shows once, if the channel can do that.
pub async fn a_message_sent_again_is_recognised_if_it_can_be(harness: &dyn Harness) {
    let message = message(vec![notice(2)]);
    send(harness, &message).await;
    send(harness, &message).await;
    let shown = harness.shown().await.len();
    assert_eq!(
        shown,
        if harness.recognises_twice() { 1 } else { 2 },
        "how often two equal messages are shown"
    );
}

/// Names, tags and messages come from others: none pings anybody, is a link, or breaks the form.
pub async fn texts_of_others_mean_nothing_to_the_channel(harness: &dyn Harness) {
    let hostile = "<!channel> <@U123> </b> [click](https://evil.example) *x* \"}],{ & {what} \\n @everyone";
    let notice = Notice {
        title: format!("nobody: {hostile}"),
        what: hostile.to_owned(),
        why: Some(hostile.to_owned()),
        what_to_do: Some(hostile.to_owned()),
        commands: vec![format!("rotakey {hostile}")],
        ..notice(3)
    };
    send(harness, &message(vec![notice.owned_by(Some(hostile))])).await;
    let shown = harness.shown().await;
    assert_eq!(shown.len(), 1, "it is shown");
    for text in harness.forbidden() {
        assert!(!shown[0].contains(text), "{text:?} means something to the channel: {}", shown[0]);
    }
}

/// Many notices with long texts are shown, as far as the channel has room.
pub async fn a_long_digest_is_shown(harness: &dyn Harness) {
    let notices = (0..120).map(|number| Notice {
        what: "ü<&> ".repeat(190),
        id: NoticeId::from_stored(format!("r-digest/{number}/asks")),
        ..notice(4)
    });
    send(harness, &message(notices.collect())).await;
    assert!(!harness.shown().await.is_empty(), "something is shown");
}

/// [`Notifier::send`] says what is wrong, by its kind; its credentials are in no error.
pub async fn what_is_wrong_is_told_by_its_kind_and_without_secrets(harness: &dyn Harness) {
    let broken = harness.broken().await;
    assert!(!broken.is_empty(), "something can be wrong");
    for Broken { name, notifier, kind } in broken {
        let error = notifier.send(&message(vec![notice(5)])).await.expect_err(name);
        assert_eq!(error.kind, kind, "{name}: {error}");
        no_secret(harness, &[error.to_string(), format!("{error:?}")]);
    }
    // What a broken way shows is not of interest.
    let _shown = harness.shown().await;
}

/// A channel that takes every call and never answers is given up within the 30 seconds of the contract, and then the
/// message may have been shown. `elapsed` is a clock that jumps when everybody waits.
pub async fn a_silent_channel_is_given_up(notifier: &dyn Notifier, elapsed: impl Fn() -> Duration) {
    let begun = elapsed();
    let error = notifier.send(&message(vec![notice(6)])).await.expect_err("nobody has answered");
    assert_eq!(error.kind, PortErrorKind::Ambiguous, "{error}");
    let took = elapsed() - begun;
    // Clocks of timers are that coarse.
    assert!(took <= Duration::from_millis(30_010), "it was given up after {took:?}");
}

async fn send(harness: &dyn Harness, message: &Message) {
    if let Err(error) = harness.open().send(message).await {
        panic!("the message could not be sent: {error}");
    }
}

fn no_secret(harness: &dyn Harness, texts: &[String]) {
    for secret in harness.secrets() {
        assert!(texts.iter().all(|text| !text.contains(&secret)), "a credential is in {texts:?}");
    }
}

/// A notice about nobody's key.
pub fn notice(number: u32) -> Notice {
    let id = NoticeId::from_stored(format!("r-abcdefghijklmnop/{number}/asks"));
    let rotation = "r-abcdefghijklmnop".parse().expect("it is a rotation id");
    Notice {
        kind: NoticeKind::Asks,
        severity: Severity::Error,
        rotation: Some(rotation),
        title: "nobody: something happened".to_owned(),
        what: "AKIAIOSFODNN7EXAMPLE is asked about.".to_owned(),
        incident: Some(Incident { key: format!("rotakey/{id}"), state: IncidentState::Open }),
        ..test_notice(id, Timestamp::from_second(1_800_000_000).expect("it is within the years"))
    }
}

/// A message of those notices, to one address.
pub fn message(notices: Vec<Notice>) -> Message {
    Message::new(notices, vec!["security@example.com".to_owned()], None, None).expect("there is a notice")
}
