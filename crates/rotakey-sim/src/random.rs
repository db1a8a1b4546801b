//! The one source of randomness: seeded, so that the same seed gives the same world.

use jiff::SignedDuration;
use rotakey_core::id::{AccessKeyId, AccountId, UserId};
use rotakey_core::secret::Secret;

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LOWER_ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A seeded generator with the draws that the simulation needs.
#[derive(Debug, Clone)]
pub struct Random(fastrand::Rng);

impl Random {
    /// The generator of that seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A number below `limit`; zero if `limit` is zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.0.u64(..limit) }
    }

    /// True with that probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// One of the items.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.0.usize(..items.len())]
    }

    /// A span between the two, in whole milliseconds.
    pub fn between(&mut self, shortest: SignedDuration, longest: SignedDuration) -> SignedDuration {
        let spread = (longest - shortest).as_millis().max(0);
        let extra = self.below(u64::try_from(spread).unwrap_or(u64::MAX).saturating_add(1));
        shortest + SignedDuration::from_millis(i64::try_from(extra).unwrap_or(i64::MAX))
    }

    /// A random (version 4) UUID.
    pub fn uuid(&mut self) -> String {
        let hex = format!("{:032x}", self.0.u128(..));
        let variant = *self.pick(&['8', '9', 'a', 'b']);
        format!("{}-{}-4{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    /// Letters and digits.
    pub fn alphanumeric(&mut self, length: usize) -> String {
        self.text(ALPHANUMERIC, length)
    }

    /// Lower-case letters and digits.
    pub fn lower_alphanumeric(&mut self, length: usize) -> String {
        self.text(LOWER_ALPHANUMERIC, length)
    }

    /// Characters of the base64 alphabet.
    pub fn base64(&mut self, length: usize) -> String {
        self.text(BASE64, length)
    }

    /// A twelve-digit account number that does not begin with zeros only.
    pub fn account_id(&mut self) -> AccountId {
        AccountId::new(100_000_000_000 + self.below(900_000_000_000)).expect("it has twelve digits")
    }

    /// An access key id of the present form, which carries its account: a four-letter prefix (`AKIA`,
    /// `ASIA`) and ten bytes of base32, of which the first 48 bits are a one, the account number, and seven
    /// random bits.
    pub fn access_key_id(&mut self, prefix: &str, account: AccountId) -> AccessKeyId {
        let marked = 1 << 47 | account.number() << 7 | self.below(1 << 7);
        let mut body = [0_u8; 10];
        body[..6].copy_from_slice(&marked.to_be_bytes()[2..]);
        self.0.fill(&mut body[6..]);
        format!("{prefix}{}", data_encoding::BASE32_NOPAD.encode(&body))
            .parse()
            .expect("twenty characters of base32 are a legal key id")
    }

    /// A secret access key: forty characters of the base64 alphabet.
    pub fn secret_access_key(&mut self) -> Secret {
        Secret::new(self.base64(40))
    }

    /// The unique id of an IAM entity: a four-letter prefix (`AIDA`, `AROA`, …) and seventeen characters.
    pub fn unique_id(&mut self, prefix: &str) -> String {
        format!("{prefix}{}", self.text(BASE32, 17))
    }

    /// The unique id of a user.
    pub fn user_id(&mut self) -> UserId {
        self.unique_id("AIDA").parse().expect("upper-case letters and digits are a legal unique id")
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(alphabet))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_decode_to_the_account_they_were_made_for() {
        let mut random = Random::new(7);
        let accounts = (0..200).map(|_| random.account_id()).collect::<Vec<_>>();
        let extremes = [0, 1, 999_999_999_999].map(|number| AccountId::new(number).unwrap());
        for account in accounts.into_iter().chain(extremes) {
            let id = random.access_key_id("AKIA", account);
            assert_eq!(id.account_id(), Some(account), "{id}");
            assert_eq!((id.as_str().len(), &id.as_str()[..4]), (20, "AKIA"));
        }
    }

    #[test]
    fn secrets_and_unique_ids_have_the_lengths_of_real_ones() {
        let mut random = Random::new(7);
        assert_eq!(random.secret_access_key().expose().len(), 40);
        assert_eq!(random.user_id().as_str().len(), 21);
        assert_eq!(random.uuid().len(), 36);
    }

    #[test]
    fn spans_stay_between_their_bounds() {
        let mut random = Random::new(7);
        let (shortest, longest) = (SignedDuration::from_millis(20), SignedDuration::from_millis(23));
        for _ in 0..100 {
            let span = random.between(shortest, longest);
            assert!(shortest <= span && span <= longest, "{span:?}");
        }
        assert_eq!(random.between(shortest, shortest), shortest);
    }
}
