//! Places that hold values by name, write them one at a time, and have room for a *mark* beside them: the variables
//! and secrets of CI vendors.
//!
//! Most of them never give a secret back, so the mark is all that a later run can read: which key is in which slot.
//! A value and the mark are two writes, and a process may die between them. Therefore
//!
//! | step of publishing B over A       | mark                       | value | read as      |
//! |-----------------------------------|----------------------------|-------|--------------|
//! | before                            | A at version 7             | A, 7  | A            |
//! | 1. the mark says what will happen | A at version 7, B in doubt | A, 7  | A            |
//! | 2. the value is written           | A at version 7, B in doubt | B, 8  | B, *unknown* |
//! | 3. the mark says what happened    | B at version 8             | B, 8  | B            |
//!
//! A *version* is what the place tells of a value without telling it: when it was written, mostly. With it
//!
//! - a process that died between 1 and 2 is told from one that died between 2 and 3;
//! - a write by somebody else is told when nothing is in doubt: the version is another one. Then the place is refused
//!   ([`PortErrorKind::Conflict`]), as is one whose values were there before rotakey. A person hands it over by writing
//!   the word `adopt` where the mark goes.
//!
//! Between 2 and 3 nobody can know whether we or somebody else wrote last. So nothing is claimed: the key is read under
//! a fingerprint that fits no pair ([`Fingerprint::unknown`]). Going forward that is not the new pair, so it is
//! published again; going back it is still the new key, so the old pair is published again; and neither key is deleted
//! for being gone. Which key is named is therefore the newer one: B in the table, and also B when A is published over B
//! again. Whatever is published next writes the values anew and settles the mark. A doubt is never replaced by
//! another one: only a whole write ends it.
//!
//! Where a place tells no version (Bitbucket), step 1 is already read as *unknown*, and a write by somebody else goes
//! unnoticed. Where value and mark change in one request (HCP Terraform), there is no doubt. Where values can be read
//! (GitLab), they are, and the mark holds whole pairs.
//!
//! Several values are torn between two of their writes, whatever is done, so they need the user's word
//! (`several_writes`). The doubt covers all of them: it ends when all are written. What holds no secret goes first: then
//! a pair that is read in between has the new key's id.
//!
//! This file says what marks mean; `marked` does the steps.

use std::collections::BTreeMap;

use data_encoding::BASE32_NOPAD;
use rotakey_core::destination::Values;
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::{Content, Held};
use rotakey_core::secret::{AccessKeyPair, Fingerprint, Secret};
use rotakey_engine::port::{Kept, PortError, PortErrorKind, Slots};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// What a person writes where the mark goes, so that rotakey takes over values that it did not write.
pub(super) const ADOPT: &str = "adopt";

/// What is appended to the name of the first value to name the variable with the mark.
pub(super) const SUFFIX: &str = "_ROTAKEY";

/// What is known of the values.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark<T> {
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<T>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) current: Option<T>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<T>,
    /// The slot of the pair that is perhaps there, or in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) doubt: Option<Doubt>,
    /// That of the values while `current` is in them: see [`Look::version`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Doubt {
    Pending,
    Current,
}

/// What stands where the mark goes.
pub(super) enum Found<T> {
    Nothing,
    /// [`ADOPT`].
    Adopt,
    Mark(Mark<T>),
    /// Something that rotakey did not write.
    Foreign,
}

/// One look at a place.
pub(super) struct Look<T> {
    pub(super) found: Found<T>,
    /// The values that exist, each with its version if the place tells one.
    pub(super) values: BTreeMap<String, Option<String>>,
    /// What the place calls the variables that exist, the mark's too, where that is not their name.
    pub(super) ids: BTreeMap<String, String>,
    /// The pair in the values, where they can be read.
    pub(super) pair: Option<T>,
    /// Whether all values are made of that pair.
    pub(super) complete: bool,
    /// Whether the place tells versions at all.
    pub(super) versioned: bool,
    /// A value was written so lately that one more write now might leave its version as it is.
    pub(super) fresh: bool,
}

/// What a slot of a mark holds.
pub(super) trait Keep: Content + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Whether that is the pair itself.
    const GIVES_BACK: bool;

    fn of(pair: &AccessKeyPair) -> Self;

    /// A second copy, named so that it is seen in review.
    fn duplicate(&self) -> Self;

    fn pair(&self) -> Option<AccessKeyPair>;

    fn kept(self) -> Kept;
}

/// What the mark and the values say together, or why nothing can be said.
pub(super) fn known<T: Keep>(look: &mut Look<T>) -> Result<Mark<T>, String> {
    let version = look.version();
    let foreign = |why: &str| {
        format!(
            "{why}; if rotakey may overwrite it, write the word `{ADOPT}` where its mark goes (see docs/destinations.md)"
        )
    };
    let mark = match &look.found {
        Found::Mark(mark) => mark.duplicate(),
        Found::Foreign => return Err(foreign("the mark was written by somebody else")),
        Found::Adopt => Mark { version: version.clone(), ..Mark::default() },
        Found::Nothing if look.values.is_empty() || T::GIVES_BACK => {
            Mark { version: version.clone(), ..Mark::default() }
        }
        Found::Nothing => return Err(foreign("there is a value that rotakey did not write")),
    };
    let untouched = mark.version == version;
    let mark = if untouched && version.is_some() { Mark { doubt: None, ..mark } } else { mark };
    if T::GIVES_BACK {
        // Somebody handed over what is there, now or before a pair was staged beside it.
        let handed_over = match &look.found {
            Found::Adopt => true,
            Found::Mark(_) => untouched,
            Found::Nothing | Found::Foreign => false,
        };
        return match look.pair.take() {
            Some(pair) => Ok(mark.with_pair(pair, look.complete)),
            None if mark.doubt.is_some() => Ok(mark),
            None if look.values.is_empty() || handed_over => Ok(Mark { current: None, ..mark }),
            None => Err(foreign("there is a value that is not an access key")),
        };
    }
    match mark.doubt {
        Some(_) => Ok(mark),
        None if look.values.is_empty() => Ok(Mark { current: None, ..mark }),
        None if untouched => Ok(mark),
        None => Err(foreign("the value was written by somebody else since rotakey wrote it")),
    }
}

impl<T: Keep> Mark<T> {
    pub(super) fn of(slots: Slots<T>, doubt: Option<Doubt>, version: Option<String>) -> Self {
        Self { pending: slots.pending, current: slots.current, previous: slots.previous, doubt, version }
    }

    pub(super) fn into_parts(self) -> (Slots<T>, Option<Doubt>, Option<String>) {
        let Self { pending, current, previous, doubt, version } = self;
        (Slots { pending, current, previous }, doubt, version)
    }

    pub(super) fn duplicate(&self) -> Self {
        let copy = |slot: &Option<T>| slot.as_ref().map(T::duplicate);
        Self {
            pending: copy(&self.pending),
            current: copy(&self.current),
            previous: copy(&self.previous),
            doubt: self.doubt,
            version: self.version.clone(),
        }
    }

    pub(super) fn find(&self, id: &AccessKeyId) -> Option<&T> {
        [&self.current, &self.previous, &self.pending].into_iter().flatten().find(|kept| kept.id() == id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_none() && self.current.is_none() && self.previous.is_none()
    }

    pub(super) fn doubtful(&self) -> Option<&T> {
        match self.doubt? {
            Doubt::Pending => self.pending.as_ref(),
            Doubt::Current => self.current.as_ref(),
        }
    }

    /// The mark of step 1.
    pub(super) fn foresee(self, new: T, version: Option<String>) -> Self {
        if self.doubt.is_some() {
            self
        } else if self.current.is_some() && self.previous.as_ref() == Some(&new) {
            Self { doubt: Some(Doubt::Current), version, ..self }
        } else {
            Self { pending: Some(new), doubt: Some(Doubt::Pending), version, ..self }
        }
    }

    /// What is known where the pair in the values can be read. A doubt ends only if all values are of that pair.
    fn with_pair(self, pair: T, complete: bool) -> Self {
        let (is_current, is_pending) =
            (self.current.as_ref() == Some(&pair), self.pending.as_ref() == Some(&pair));
        match self.doubt {
            Some(_) if !complete => self,
            Some(_) if is_current => Self { doubt: None, ..self },
            Some(Doubt::Pending) if is_pending => {
                Self { pending: None, previous: self.current, current: Some(pair), doubt: None, ..self }
            }
            Some(Doubt::Current) if self.previous.as_ref() == Some(&pair) => {
                Self { previous: self.current, current: Some(pair), doubt: None, ..self }
            }
            Some(_) => self,
            None => {
                let other = |slot: Option<T>| slot.filter(|kept| *kept != pair);
                Self {
                    pending: other(self.pending),
                    previous: other(self.previous),
                    current: Some(pair),
                    ..self
                }
            }
        }
    }

    pub(super) fn into_slots(self) -> Slots {
        let unknown = self.doubtful().map(|doubtful| {
            Kept::Mark(Held { key: doubtful.id().clone(), fingerprint: Fingerprint::unknown() })
        });
        let Self { pending, current, previous, doubt, .. } = self;
        match doubt {
            None => Slots { pending, current, previous }.map(T::kept),
            Some(Doubt::Current) => {
                Slots { current: unknown, ..Slots { pending, current, previous }.map(T::kept) }
            }
            // What was current is the pair to go back to.
            Some(Doubt::Pending) => {
                let previous = current.or(previous);
                Slots { current: unknown, ..Slots { pending, current: None, previous }.map(T::kept) }
            }
        }
    }

    /// The mark as text: JSON without white space.
    pub(super) fn text(&self) -> Secret {
        // Made at once, for a buffer that grows leaves copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer(&mut *text, self).expect("a mark has nothing that JSON cannot hold");
        Secret::new(String::from_utf8(std::mem::take(&mut *text)).expect("JSON is UTF-8"))
    }
}

impl<T> Default for Mark<T> {
    fn default() -> Self {
        Self { pending: None, current: None, previous: None, doubt: None, version: None }
    }
}

/// A default without a bound on the type.
fn none<T>() -> Option<T> {
    None
}

impl<T: Keep> Found<T> {
    /// What a text says that stands where the mark goes.
    pub(super) fn parse(text: Option<&str>) -> Self {
        match text.map(str::trim) {
            None | Some("") => Self::Nothing,
            Some(ADOPT) => Self::Adopt,
            // Not a list, which is taken for an object otherwise.
            Some(text) if text.starts_with('{') => {
                serde_json::from_str(text).map_or(Self::Foreign, Self::Mark)
            }
            Some(_) => Self::Foreign,
        }
    }
}

impl<T> Look<T> {
    /// The look at a place that holds nothing, as far as is known yet.
    pub(super) fn nothing() -> Self {
        Self {
            found: Found::Nothing,
            values: BTreeMap::new(),
            ids: BTreeMap::new(),
            pair: None,
            complete: false,
            versioned: true,
            fresh: false,
        }
    }

    /// One text for the versions of all values; equal if nothing was written in between. `None` if the place does not
    /// tell.
    pub(super) fn version(&self) -> Option<String> {
        if !self.versioned {
            return None;
        }
        let mut digest = Sha256::new();
        for (name, version) in &self.values {
            digest.update(format!("{name}={}\n", version.as_ref()?));
        }
        // 80 bits: nobody has a reason to look for a second text, and names of variables are short.
        Some(BASE32_NOPAD.encode(&digest.finalize()[..10]))
    }
}

impl Keep for Held {
    const GIVES_BACK: bool = false;

    fn of(pair: &AccessKeyPair) -> Self {
        Held::of(pair)
    }

    fn duplicate(&self) -> Self {
        self.clone()
    }

    fn pair(&self) -> Option<AccessKeyPair> {
        None
    }

    fn kept(self) -> Kept {
        Kept::Mark(self)
    }
}

/// Fails unless each value, and the mark, can be the name of a variable everywhere: letters, digits and underscores.
pub(super) fn check_names(place: &str, values: &Values) -> Result<(), PortError> {
    let legal = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
    };
    match values.iter().find(|(name, _)| !legal(name) || name.len() > LONGEST_NAME) {
        None => Ok(()),
        Some((name, _)) => {
            let why = format!("{name:?} cannot be the name of a variable: use letters, digits and _");
            Err(PortError::new(PortErrorKind::Invalid, format!("open {place}"), why))
        }
    }
}

/// Short enough that the mark's name is one too.
const LONGEST_NAME: usize = 200;

/// The name of the variable with the mark.
pub(super) fn name(values: &Values) -> String {
    format!("{}{SUFFIX}", values.iter().next().map_or("", |(name, _)| name))
}

#[cfg(test)]
mod tests;
