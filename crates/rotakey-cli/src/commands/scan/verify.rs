//! Whether a found pair works, by asking AWS with it. Only on request: the call shows up in the account's CloudTrail, and
//! whoever laid a key out as a trap learns of it.

use std::collections::BTreeMap;

use rotakey_core::id::{AccessKeyId, AccountId};
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{KeyProbe as _, PortErrorKind};
use rotakey_scan::finding::{Digests, Finding};
use rotakey_scan::kind::Kind;

use crate::assembly::Aws;
use crate::cli::GlobalArgs;
use crate::error::CommandError;
use crate::printer::Printer;
use crate::progress::Progress;

/// What AWS says of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verified {
    /// It works.
    Live {
        /// The account that it opens.
        account_id: AccountId,
        /// Whose it is.
        arn: String,
    },
    /// AWS refuses it: disabled, deleted, or not a pair.
    Refused,
    /// There was no answer, so nothing is known.
    Unknown(String),
}

/// Asks AWS about every pair, once each, by the digest of its secret. Temporary credentials are left out: without their
/// token nothing can be asked with them.
pub(super) async fn pairs(
    findings: &[Finding],
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<BTreeMap<Digests, Verified>, CommandError> {
    let pairs: BTreeMap<Digests, AccessKeyPair> = findings.iter().filter_map(pair).collect();
    let mut verified = BTreeMap::new();
    if pairs.is_empty() {
        return Ok(verified);
    }
    let aws = Aws::connect(globals).await?;
    let probe = aws.connection.key_probe();
    let progress = Progress::new(printer);
    for (done, (digests, pair)) in pairs.iter().enumerate() {
        rotakey_engine::inventory::Progress::step(&progress, done, Some(pairs.len()), "asking AWS");
        let answer = match probe.identify(pair).await {
            Ok(identity) => Verified::Live { account_id: identity.account_id, arn: identity.arn },
            Err(error) if error.kind == PortErrorKind::Credentials => Verified::Refused,
            Err(error) => Verified::Unknown(error.to_string()),
        };
        verified.insert(*digests, answer);
    }
    Ok(verified)
}

fn pair(finding: &Finding) -> Option<(Digests, AccessKeyPair)> {
    let (Kind::SecretAccessKey, Some(id), Some(secret)) =
        (finding.kind, &finding.access_key_id, &finding.value)
    else {
        return None;
    };
    is_long_lived(id).then(|| (finding.digests, AccessKeyPair { id: id.clone(), secret: secret.duplicate() }))
}

fn is_long_lived(id: &AccessKeyId) -> bool {
    id.as_str().starts_with("AKIA")
}
