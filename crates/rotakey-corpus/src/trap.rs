//! What makes a record hard to read right. CloudTrail writes some of these, others only somebody who wants a
//! reader to be wrong.

use std::fmt::Write as _;

use crate::random::Random;
use crate::template;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    None,
    /// `userIdentity` is the last member.
    IdentityLast,
    NullAgent,
    NoAgent,
    NoAddress,
    NoRegion,
    NoEventId,
    /// `accessKeyId` twice: the last one counts.
    KeyTwice,
    /// `userIdentity` twice.
    IdentityTwice,
    /// `eventName` twice.
    NameTwice,
    /// Escapes in the strings that are wanted.
    EscapedValues,
    /// Escapes in the name of a wanted member.
    EscapedName,
    /// A version that is not there yet, with members that nobody knows.
    FutureVersion,
    /// A key id beside the caller's, in `sessionContext`.
    ContextDecoy,
    /// A parameter that looks like a record.
    RequestDecoy,
    /// `errorCode` that is empty or null: there was no error.
    EmptyError,
    /// A fraction of a second.
    Fraction,
}

impl Trap {
    /// What there is in a thousand.
    const RATES: [(Self, usize); 16] = [
        (Self::IdentityLast, 20),
        (Self::NullAgent, 10),
        (Self::NoAgent, 5),
        (Self::NoAddress, 2),
        (Self::NoRegion, 1),
        (Self::NoEventId, 1),
        (Self::KeyTwice, 1),
        (Self::IdentityTwice, 1),
        (Self::NameTwice, 1),
        (Self::EscapedValues, 2),
        (Self::EscapedName, 1),
        (Self::FutureVersion, 3),
        (Self::ContextDecoy, 2),
        (Self::RequestDecoy, 2),
        (Self::EmptyError, 2),
        (Self::Fraction, 1),
    ];

    /// Mostly none.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut drawn = random.below(1_000);
        for (trap, rate) in Self::RATES {
            if drawn < rate {
                return trap;
            }
            drawn -= rate;
        }
        Self::None
    }

    /// Whether CloudTrail never writes such a thing, and readers of tables refuse it.
    pub(crate) fn is_invented(self) -> bool {
        matches!(self, Self::KeyTwice | Self::IdentityTwice | Self::NameTwice | Self::EscapedName)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::IdentityLast => "user_identity_last",
            Self::NullAgent => "user_agent_null",
            Self::NoAgent => "user_agent_missing",
            Self::NoAddress => "source_ip_address_missing",
            Self::NoRegion => "aws_region_missing",
            Self::NoEventId => "event_id_missing",
            Self::KeyTwice => "access_key_id_twice",
            Self::IdentityTwice => "user_identity_twice",
            Self::NameTwice => "event_name_twice",
            Self::EscapedValues => "escaped_values",
            Self::EscapedName => "escaped_member_name",
            Self::FutureVersion => "future_version",
            Self::ContextDecoy => "session_context_decoy",
            Self::RequestDecoy => "request_decoy",
            Self::EmptyError => "error_code_empty",
            Self::Fraction => "event_time_fraction",
        }
    }

    /// Appends a JSON string.
    pub(crate) fn string(self, text: &mut String, value: &str) {
        text.push('"');
        for (index, character) in value.char_indices() {
            match character {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '/' if self == Self::EscapedValues => text.push_str("\\/"),
                _ if self == Self::EscapedValues && index % 7 == 0 && character.is_ascii() => {
                    let _ = write!(text, "\\u{:04X}", character as u32);
                }
                other => text.push(other),
            }
        }
        text.push('"');
    }

    /// Appends the member with the caller's key.
    pub(crate) fn key(self, text: &mut String, key: &str, random: &mut Random) {
        if self == Self::KeyTwice {
            text.push_str(r#""accessKeyId":""#);
            template::decoy(text, random);
            text.push_str("\",");
        }
        text.push_str(match self {
            Self::EscapedName => r#""access\u004beyId":"#,
            _ => r#""accessKeyId":"#,
        });
        self.string(text, key);
    }
}
