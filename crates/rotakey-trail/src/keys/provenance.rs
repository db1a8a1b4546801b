//! Whether a call was rotakey's.

use std::collections::BTreeSet;

use rotakey_core::id::AccessKeyId;
use serde::Serialize;

/// Whose call it was, as far as there is evidence. A user agent is written by the client, so it is a hint and
/// never proof: nothing is said to be rotakey's for its user agent alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The client says that it is rotakey, and rotakey's own log knows the key.
    Rotakey,
    /// The client says that it is rotakey. There was no log to check it against, or the call is about no key.
    SaysRotakey,
    /// The client says that it is rotakey, but rotakey's log does not know the key.
    NotInLog,
    /// The client does not say that it is rotakey: the call went around it.
    Around,
}

impl Provenance {
    /// Decides by the user agent and, where rotakey's log is at hand, by the keys that it `known`s.
    pub fn of(user_agent: Option<&str>, key: Option<&str>, known: Option<&BTreeSet<AccessKeyId>>) -> Self {
        if !user_agent.is_some_and(says_rotakey) {
            return Self::Around;
        }
        let (Some(key), Some(known)) = (key, known) else { return Self::SaysRotakey };
        let is_known = key.parse().is_ok_and(|key: AccessKeyId| known.contains(&key));
        if is_known { Self::Rotakey } else { Self::NotInLog }
    }

    /// In a few words, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rotakey => "rotakey",
            Self::SaysRotakey => "says rotakey",
            Self::NotInLog => "not in log",
            Self::Around => "around it",
        }
    }
}

/// Whether the user agent names rotakey the way that the AWS SDK for Rust writes a framework: `lib/rotakey/0.1.0`
/// as one word.
fn says_rotakey(user_agent: &str) -> bool {
    user_agent
        .trim_matches(['[', ']'])
        .split_ascii_whitespace()
        .any(|word| word == "lib/rotakey" || word.starts_with("lib/rotakey/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: &str =
        "aws-sdk-rust/1.3.9 ua/2.1 api/iam/1.133.0 os/linux lang/rust/1.95.0 lib/rotakey/0.1.0";
    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

    #[test]
    fn a_user_agent_alone_is_a_hint_and_never_proof() {
        let known: BTreeSet<AccessKeyId> = [KEY.parse().unwrap()].into();
        let none = BTreeSet::new();
        let of = |agent, key, known| Provenance::of(Some(agent), key, known);
        assert_eq!(of(AGENT, Some(KEY), None), Provenance::SaysRotakey);
        assert_eq!(of(AGENT, None, Some(&known)), Provenance::SaysRotakey);
        assert_eq!(of(AGENT, Some(KEY), Some(&known)), Provenance::Rotakey);
        assert_eq!(of(AGENT, Some(KEY), Some(&none)), Provenance::NotInLog);
        assert_eq!(of("aws-cli/2.0", Some(KEY), Some(&known)), Provenance::Around, "both are needed");
        assert_eq!(Provenance::of(None, Some(KEY), Some(&known)), Provenance::Around);
        for other in ["lib/rotakeys/1", "xlib/rotakey/1", "rotakey", "app/lib/rotakey/1"] {
            assert_eq!(of(other, Some(KEY), Some(&known)), Provenance::Around, "{other}");
        }
    }
}
