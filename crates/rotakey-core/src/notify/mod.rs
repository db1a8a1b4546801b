//! Notices: what people are told about rotations, to whom, and when.
//!
//! What there is to tell follows from the log of a rotation alone ([`Story`]), or from what a plan left to a person
//! ([`Left`]): the same log gives the same notices, each with an id that never changes. What was sent is kept elsewhere,
//! by these ids, so that any worker can go on where another one stopped. Nothing here sends anything, and nothing that is told decides about a key.
//!
//! A notice holds ids of keys and never a secret. Names, tags and messages in it come from others: they are on one
//! line each, without control characters, and each channel escapes what means something to it.

mod left;
mod message;
mod notice;
mod reminder;
mod schedule;
mod spec;
mod story;
mod template;
#[cfg(test)]
mod tests;
mod words;

pub use left::Left;
pub use message::{Message, Piece};
pub use notice::{Incident, IncidentState, Notice, NoticeId, NoticeKind, Severity, Topic};
pub use reminder::{Evidence, Need};
pub use schedule::{Digest, InvalidDigest};
pub use spec::*;
pub use story::Story;
pub use template::{InvalidNoticeTemplate, NoticeTemplate};
pub use words::test_notice;
