//! A key pair as JSON, with the field names of AWS. The one place of this crate that serializes a secret.

use rotakey_core::secret::AccessKeyPair;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

pub(super) const ID: &str = "AccessKeyId";
pub(super) const SECRET: &str = "SecretAccessKey";

/// A pair, and further fields beside it.
pub(super) struct PairJson<'a> {
    pub(super) pair: &'a AccessKeyPair,
    pub(super) extra: Option<&'a Map<String, Value>>,
}

impl Serialize for PairJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(ID, &self.pair.id)?;
        map.serialize_entry(SECRET, self.pair.secret.expose())?;
        for (key, value) in self.extra.into_iter().flatten() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// The JSON text, in memory that is zeroized.
pub(super) fn render(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    // A pair takes some hundred bytes. The buffer is not expected to grow, which would leave a copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(16 << 10));
    serde_json::to_writer(&mut *plain, value).expect("text keys and text values are always valid JSON");
    plain
}
