//! Accounts that lay out keys as a trap.
//!
//! Nobody loses anything by such a key, but who uses one is told on at once. Known from what the open-source scanners and the
//! makers of canary tokens publish, and from nothing secret: TruffleHog's `canary.go` names the accounts of Thinkst's
//! canarytokens.org and of others like it; these are the ones whose ids appear in public tests.

use rotakey_core::id::AccountId;

/// Ascending.
const ACCOUNTS: [u64; 4] = [171_436_882_533, 534_261_010_715, 595_918_472_158, 717_712_589_309];

/// Whether the account is one that is known to lay out keys as a trap.
pub fn is_canary(account: &AccountId) -> bool {
    ACCOUNTS.binary_search(&account.number()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_known_canary_accounts_are_known() {
        assert!(ACCOUNTS.is_sorted());
        for id in
            ["AKIAYVP4CIPPERUVIFXG", "AKIASP2TPHJSQH3FJRUX", "AKIAXYZDQCEN4B6JSJQI", "AKIA2OGYBAH6STMMNXNN"]
        {
            let id: rotakey_core::id::AccessKeyId = id.parse().unwrap();
            assert!(is_canary(&id.account_id().unwrap()), "{id}");
        }
        assert!(!is_canary(&AccountId::new(123_456_789_012).unwrap()));
    }
}
