//! What stands in the file that applications read, in clear: JSON.

use rotakey_core::secret::{AccessKeyPair, Secret};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::destination::pair_json::{ID, PairJson, SECRET, render};

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
    let mut plain = render(&PairJson { pair, extra: Some(extra) });
    plain.push(b'\n');
    plain
}
