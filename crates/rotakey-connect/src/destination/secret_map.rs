//! JSON objects with secrets in them.

use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

/// A JSON object whose texts are zeroized when it is dropped. It has no `Debug`.
#[derive(Deserialize, Default)]
#[serde(transparent)]
pub(super) struct SecretMap(pub(super) Map<String, Value>);

impl SecretMap {
    /// The text under a name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }
}

impl Drop for SecretMap {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
