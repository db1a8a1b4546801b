//! Signatures of what is sent to an endpoint of the user's own. See `docs/destinations.md` for how they are checked.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use reqwest::RequestBuilder;
use reqwest::header::CONTENT_TYPE;
use rotakey_core::secret::Secret;
use sha2::Sha256;

/// The request with that body, which is JSON, and the headers that say when and by whom it was sent.
pub(crate) fn signed(
    request: RequestBuilder,
    secret: &Secret,
    now: Timestamp,
    body: Vec<u8>,
) -> RequestBuilder {
    let timestamp = now.as_second().to_string();
    request
        .header(CONTENT_TYPE, "application/json")
        .header("X-Rotakey-Signature", sign(secret, &timestamp, &body))
        .header("X-Rotakey-Timestamp", timestamp)
        .body(body)
}

/// `v1=` and 64 hexadecimal digits: HMAC-SHA256 over `timestamp.body`.
pub(crate) fn sign(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    format!("v1={}", digest(secret, &[timestamp.as_bytes(), b".", body]))
}

/// The same for the same body, whenever it is sent: 32 hexadecimal digits.
pub(crate) fn idempotency_key(secret: &Secret, body: &[u8]) -> String {
    digest(secret, &[b"idempotency key.", body])[..32].to_owned()
}

fn digest(secret: &Secret, parts: &[&[u8]]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes keys of every length");
    parts.iter().for_each(|part| mac.update(part));
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2, with the first point of its text as the one between timestamp and body.
    #[test]
    fn the_signature_is_hmac_sha256() {
        let secret = Secret::new("Jefe".to_owned());
        let whole = digest(&secret, &[b"what do ya want for nothing?"]);
        assert_eq!(whole, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(sign(&secret, "1", b"x"), format!("v1={}", digest(&secret, &[b"1.x"])));
        assert_ne!(sign(&secret, "1", b"x"), sign(&secret, "2", b"x"));
        assert_eq!(idempotency_key(&secret, b"x").len(), 32);
    }
}
