//! What stands in the two files, in clear: JSON.

use crate::destination::Pairs;
use rotakey_core::secret::{AccessKeyPair, Fingerprint, Secret};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

const ID: &str = "AccessKeyId";
const SECRET: &str = "SecretAccessKey";
const SESSION_TOKEN: &str = "SessionToken";

/// The further fields of the file that applications read. They are kept.
pub(super) type Extra = Map<String, Value>;

/// The pair that applications read, and whatever stands beside it.
pub(super) fn parse_current(plain: &[u8]) -> Result<(AccessKeyPair, Extra), &'static str> {
    let mut fields: Extra = serde_json::from_slice(plain).map_err(|_| "the content is not a JSON object")?;
    if fields.get(SESSION_TOKEN).is_some_and(|token| !token.is_null()) {
        return Err("the content is temporary credentials (SessionToken), not an access key");
    }
    let id = fields.remove(ID);
    let secret = fields.remove(SECRET);
    match (id, secret) {
        (Some(Value::String(id)), Some(Value::String(secret))) if !secret.is_empty() => {
            let id = id.parse().map_err(|_| "AccessKeyId is not an access key id")?;
            Ok((AccessKeyPair { id, secret: Secret::new(secret) }, fields))
        }
        _ => Err("the content is not an access key: it has no AccessKeyId and SecretAccessKey"),
    }
}

/// The file that applications read.
pub(super) fn render_current(pair: &AccessKeyPair, extra: &Extra) -> Zeroizing<Vec<u8>> {
    let mut plain = render(&WithExtra { pair, extra });
    plain.push(b'\n');
    plain
}

/// What the other slots hold while the current pair is a certain one.
#[derive(PartialEq, Eq)]
struct Entry {
    current: Option<Fingerprint>,
    pending: Option<AccessKeyPair>,
    previous: Option<AccessKeyPair>,
}

impl Entry {
    fn of(slots: &Pairs) -> Self {
        Self {
            current: slots.current.as_ref().map(AccessKeyPair::fingerprint),
            pending: slots.pending.as_ref().map(AccessKeyPair::duplicate),
            previous: slots.previous.as_ref().map(AccessKeyPair::duplicate),
        }
    }
}

/// The second file: one entry; two while the first file is being replaced, the older one first.
#[derive(PartialEq, Eq, Default)]
pub(super) struct Journal(Vec<Entry>);

impl Journal {
    /// The journal of slots that are not about to change.
    pub(super) fn settled(slots: &Pairs) -> Self {
        let nothing = slots.pending.is_none() && slots.previous.is_none();
        Self(if nothing { Vec::new() } else { vec![Entry::of(slots)] })
    }

    /// The journal that is right before and after the current pair is replaced.
    pub(super) fn foreseeing(&self, current: Option<&AccessKeyPair>, after: &Pairs) -> Self {
        Self(vec![Entry::of(&self.slots(current)), Entry::of(after)])
    }

    /// The slots while that pair is current.
    pub(super) fn slots(&self, current: Option<&AccessKeyPair>) -> Pairs {
        let fingerprint = current.map(AccessKeyPair::fingerprint);
        let entry = self.0.iter().find(|entry| entry.current == fingerprint);
        // Somebody else replaced the current pair. What was kept beside the former one is not lost for that.
        let entry = entry.or(self.0.last());
        Pairs {
            pending: entry.and_then(|entry| entry.pending.as_ref()).map(AccessKeyPair::duplicate),
            current: current.map(AccessKeyPair::duplicate),
            previous: entry.and_then(|entry| entry.previous.as_ref()).map(AccessKeyPair::duplicate),
        }
    }

    /// Whether there is nothing to write down.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn parse(plain: &[u8]) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RawEntry {
            current: Option<Fingerprint>,
            pending: Option<RawPair>,
            previous: Option<RawPair>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct RawPair {
            #[serde(rename = "AccessKeyId")]
            id: rotakey_core::id::AccessKeyId,
            #[serde(rename = "SecretAccessKey")]
            secret: String,
        }
        let pair = |raw: RawPair| AccessKeyPair { id: raw.id, secret: Secret::new(raw.secret) };
        let entries: Vec<RawEntry> =
            serde_json::from_slice(plain).map_err(|_| "the content is not a journal of rotakey")?;
        let entries = entries.into_iter().map(|raw| Entry {
            current: raw.current,
            pending: raw.pending.map(pair),
            previous: raw.previous.map(pair),
        });
        Ok(Self(entries.collect()))
    }

    pub(super) fn render(&self) -> Zeroizing<Vec<u8>> {
        render(&self.0)
    }
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nothing = Extra::default();
        let pair = |pair| WithExtra { pair, extra: &nothing };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("current", &self.current)?;
        map.serialize_entry("pending", &self.pending.as_ref().map(pair))?;
        map.serialize_entry("previous", &self.previous.as_ref().map(pair))?;
        map.end()
    }
}

/// A key pair as the field names of AWS's own JSON have it. Private to this module, so that nothing else can
/// serialize a secret.
struct WithExtra<'a> {
    pair: &'a AccessKeyPair,
    extra: &'a Extra,
}

impl Serialize for WithExtra<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + self.extra.len()))?;
        map.serialize_entry(ID, &self.pair.id)?;
        map.serialize_entry(SECRET, self.pair.secret.expose())?;
        for (key, value) in self.extra {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

fn render(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    // A pair takes some hundred bytes. The buffer is not expected to grow, which would leave a copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(16 << 10));
    serde_json::to_writer(&mut *plain, value).expect("text keys and text values are always valid JSON");
    plain
}
