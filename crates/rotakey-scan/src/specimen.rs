//! Keys that were never anybody's. What looks like a key is made when a test runs, so that no file of the project holds one:
//! examples and labelled cases are templates, and [`Specimen::fill`] puts the values in.

use data_encoding::BASE32_NOPAD;

/// One made-up key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specimen {
    /// `AKIA` and sixteen characters of base32 that carry an account number.
    pub access_key_id: String,
    /// `ASIA` likewise.
    pub temporary_access_key_id: String,
    /// Forty characters of base64, among them a slash and a plus sign.
    pub secret_access_key: String,
    /// Some four hundred characters of base64 that begin as session tokens do.
    pub session_token: String,
}

impl Specimen {
    /// The key that grows from a seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut id = |prefix: &str| {
            let mut bytes: [u8; 10] = std::array::from_fn(|_| random.u8(..));
            // The mark of ids that carry an account.
            bytes[0] |= 0x80;
            format!("{prefix}{}", BASE32_NOPAD.encode(&bytes))
        };
        let (access_key_id, temporary_access_key_id) = (id("AKIA"), id("ASIA"));
        let mut base64 = |length: usize| -> String {
            const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            (0..length).map(|_| char::from(ALPHABET[random.usize(..64)])).collect()
        };
        let mut secret_access_key = base64(40);
        // Those are what encodings escape, so each specimen has them; within, where nothing can be cut off.
        secret_access_key.replace_range(11..12, "/");
        secret_access_key.replace_range(23..24, "+");
        let session_token = format!("IQoJb3JpZ2luX2Vj{}==", base64(402));
        Self { access_key_id, temporary_access_key_id, secret_access_key, session_token }
    }

    /// Puts the values into a template: `{access_key_id}`, `{temporary_access_key_id}`, `{secret_access_key}` and
    /// `{session_token}`.
    pub fn fill(&self, template: &str) -> String {
        template
            .replace("{access_key_id}", &self.access_key_id)
            .replace("{temporary_access_key_id}", &self.temporary_access_key_id)
            .replace("{secret_access_key}", &self.secret_access_key)
            .replace("{session_token}", &self.session_token)
    }
}
