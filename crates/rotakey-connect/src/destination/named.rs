//! Values by name, in a place that gives them back: which pair stands there.

use rotakey_core::destination::Values;
use rotakey_core::rotate::Held;
use rotakey_core::secret::{AccessKeyPair, Secret};

use crate::destination::journal::{Current, Journal};

/// What the SDKs read beside the pair: with it, they sign as somebody else.
pub(super) const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

/// What stands under the names of a place's values.
#[derive(Debug)]
pub(super) struct Standing {
    /// The pair, if it can be made out.
    pub(super) pair: Option<AccessKeyPair>,
    /// The key alone, where the values were made of a pair that rotakey does not have.
    pub(super) unknown: Option<Held>,
    /// Whether each value is exactly what is made of the pair.
    pub(super) exact: bool,
}

/// Why values are left alone: names, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAKey {
    /// Some are there and others are not.
    #[error(
        "{there} is there, but not {missing}: add it or remove both, so that it is clear whether a key stands there"
    )]
    Half { there: String, missing: String },
    /// The pair would be used with a token that belongs to another one.
    #[error(
        "{SESSION_TOKEN} is there, so these are temporary credentials, not an access key: remove it first"
    )]
    SessionToken,
    /// They are no id and secret.
    #[error("what stands under {names} is not an access key")]
    Other { names: String },
}

/// Whether a journal beside such values has to keep the current pair.
pub(super) fn keep(values: &Values) -> Current {
    if values.holds_whole_pair() { Current::ReadBack } else { Current::Kept }
}

impl Standing {
    /// Makes out the pair. Empty values count as absent: a template that somebody is to fill in has such.
    pub(super) fn recognise<'a>(
        values: &Values,
        journal: &Journal,
        found: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, NotAKey> {
        let found = |name: &str| found(name).filter(|value| !value.is_empty());
        let read_by_sdks = values.iter().any(|(name, _)| name == "AWS_SECRET_ACCESS_KEY");
        if read_by_sdks && found(SESSION_TOKEN).is_some() {
            return Err(NotAKey::SessionToken);
        }
        let (there, missing): (Vec<&str>, Vec<&str>) =
            values.iter().map(|(name, _)| name).partition(|name| found(name).is_some());
        if there.is_empty() {
            return Ok(Self { pair: None, unknown: None, exact: false });
        }
        let is_made_of = |pair: &AccessKeyPair| {
            values.render(pair).iter().all(|(name, value)| found(name) == Some(value.expose()))
        };
        if let Some(pair) = values.read_back(found) {
            if pair.secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
                let exact = is_made_of(&pair);
                return Ok(Self { pair: Some(pair), unknown: None, exact });
            }
            return Err(NotAKey::Other { names: there.join(", ") });
        }
        if values.holds_whole_pair() {
            return Err(match missing.first() {
                Some(missing) => NotAKey::Half { there: there[0].to_owned(), missing: (*missing).to_owned() },
                None => NotAKey::Other { names: there.join(", ") },
            });
        }
        if let Some(pair) = journal.pairs().find(|pair| is_made_of(pair)) {
            return Ok(Self { pair: Some(pair.duplicate()), unknown: None, exact: true });
        }
        Ok(Self { pair: None, unknown: unknown(values, found), exact: false })
    }
}

/// Values that were made of a pair which rotakey never had name at most its id. The fingerprint is none of any
/// pair, so that they are never taken for a key that rotakey put there.
fn unknown<'a>(values: &Values, found: impl Fn(&str) -> Option<&'a str>) -> Option<Held> {
    let id = values.read_id(&found)?;
    let texts: Vec<&str> = values.iter().filter_map(|(name, _)| found(name)).collect();
    let stand_in = AccessKeyPair { id, secret: Secret::new(texts.join("\n")) };
    Some(Held::of(&stand_in))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::destination::Pairs;
    use crate::destination::tests::pair;

    fn values(entries: &[(&str, &str)]) -> Values {
        serde_json::from_value(serde_json::json!(entries.iter().copied().collect::<BTreeMap<_, _>>()))
            .unwrap()
    }

    fn smtp() -> Values {
        values(&[("SMTP_USER", "{access_key_id}"), ("SMTP_PASSWORD", "{ses_smtp_password:eu-west-1}")])
    }

    fn recognised(values: &Values, journal: &Journal, there: &[(&str, &str)]) -> Result<Standing, NotAKey> {
        let there: BTreeMap<&str, &str> = there.iter().copied().collect();
        Standing::recognise(values, journal, |name| there.get(name).copied())
    }

    #[test]
    fn a_whole_pair_is_read_and_a_stale_value_beside_it_is_noticed() {
        let values = values(&[
            ("ID", "{access_key_id}"),
            ("SECRET", "{secret_access_key}"),
            ("SMTP", "{ses_smtp_password:eu-west-1}"),
        ]);
        let pair = pair(1);
        let written = values.render(&pair);
        let there: Vec<_> = written.iter().map(|(name, value)| (*name, value.expose())).collect();
        let standing = recognised(&values, &Journal::default(), &there).unwrap();
        assert!(standing.pair == Some(pair.duplicate()) && standing.exact);
        let stale = [there[0], there[2], ("SMTP", "of the key before")];
        assert!(recognised(&values, &Journal::default(), &stale).is_err(), "the secret is missing");
        let stale = [("ID", written["ID"].expose()), ("SECRET", written["SECRET"].expose())];
        let standing = recognised(&values, &Journal::default(), &stale).unwrap();
        assert!(standing.pair == Some(pair) && !standing.exact);
    }

    #[test]
    fn values_that_are_made_of_a_pair_are_recognised_by_the_pair_in_the_journal() {
        let held = Pairs { current: Some(pair(1)), ..Pairs::default() };
        let journal = Journal::settled(&held, Current::Kept);
        let written = smtp().render(&pair(1)).into_values().collect::<Vec<_>>();
        let there = [("SMTP_PASSWORD", written[0].expose()), ("SMTP_USER", written[1].expose())];
        let standing = recognised(&smtp(), &journal, &there).unwrap();
        assert!(standing.pair == Some(pair(1)) && standing.exact);

        let standing = recognised(&smtp(), &Journal::default(), &there).unwrap();
        let unknown = standing.unknown.unwrap();
        assert_eq!(unknown.key, pair(1).id, "the id is known");
        assert!(standing.pair.is_none() && unknown != Held::of(&pair(1)), "the secret is not");
    }

    #[test]
    fn half_a_pair_and_other_things_are_refused_by_name_alone() {
        let environment = Values::environment();
        let error = |there: &[(&str, &str)]| {
            recognised(&environment, &Journal::default(), there).unwrap_err().to_string()
        };
        let half = error(&[("AWS_SECRET_ACCESS_KEY", "hunter2")]);
        assert!(half.starts_with("AWS_SECRET_ACCESS_KEY is there, but not AWS_ACCESS_KEY_ID"), "{half}");
        let other = error(&[("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_ACCESS_KEY_ID", "hunter2")]);
        assert_eq!(other, "what stands under AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY is not an access key");
        let empty = [("AWS_SECRET_ACCESS_KEY", ""), ("AWS_ACCESS_KEY_ID", "")];
        assert!(recognised(&environment, &Journal::default(), &empty).unwrap().pair.is_none());
    }
}
