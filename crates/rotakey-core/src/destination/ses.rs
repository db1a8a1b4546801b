//! The SMTP password of Amazon SES, which is made of a secret access key and differs by region.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::Secret;

/// The password to the user name that is the access key id. Algorithm: Amazon SES developer guide, "Obtaining
/// Amazon SES SMTP credentials by converting existing AWS credentials": signature version 4 over a fixed date,
/// preceded by a version byte.
pub(super) fn smtp_password(secret: &Secret, region: &str) -> String {
    let mut signature = Zeroizing::new(format!("AWS4{}", secret.expose()).into_bytes());
    for text in ["11111111", region, "ses", "aws4_request", "SendRawEmail"] {
        signature = Zeroizing::new(sign(&signature, text));
    }
    signature.insert(0, 0x04);
    let password = BASE64.encode(&signature);
    signature.zeroize();
    password
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(text.as_bytes());
    let mut signature = Vec::with_capacity(33);
    signature.extend_from_slice(&mac.finalize().into_bytes());
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: those of a second implementation of the published algorithm, written apart from this one.
    #[test]
    fn the_password_is_the_one_that_another_implementation_derives() {
        for (secret, region, expected) in [
            ("some+secret+key", "eu-central-1", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"),
            ("some+secret+key", "us-west-1", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"),
            ("another+secret+key", "eu-central-1", "BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh"),
            ("another+secret+key", "us-west-1", "BKVmjjMDFk/qqw8EROW99bjCS65PF8WKvK5bSr4Y6EqF"),
        ] {
            assert_eq!(smtp_password(&Secret::new(secret.to_owned()), region), expected, "{region}");
        }
    }
}
