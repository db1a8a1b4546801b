//! `ListPublicKeys`: what the signatures of digest files are verified with.

use jiff::Timestamp;
use rotakey_engine::port::PortError;

use super::CloudTrail;
use super::lookup::seconds;
use crate::error::{failed, incomplete};
use crate::iam::timestamp;
use crate::paging::next_page;
use crate::patience::patiently;

/// A public key of CloudTrail in one region. The private one signed digest files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// What a digest file names the key by (`digestPublicKeyFingerprint`).
    pub fingerprint: String,
    /// The key: DER of PKCS #1.
    pub value: Vec<u8>,
    /// From when on it signed.
    pub valid_from: Timestamp,
    /// Until when it signed.
    pub valid_until: Timestamp,
}

const OPERATION: &str = "cloudtrail:ListPublicKeys";

impl CloudTrail {
    /// The keys of that region that signed digest files between the two instants, all pages. CloudTrail keeps them
    /// for as long as digest files may need them.
    ///
    /// # Errors
    /// Throttling and silence are waited out for a minute first.
    pub async fn list_public_keys(
        &self,
        region: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<PublicKey>, PortError> {
        let client = self.client_in(region)?;
        let mut keys = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = patiently(&*self.clock, || async {
                let call = client.list_public_keys().start_time(seconds(from)).end_time(seconds(until));
                call.set_next_token(token.clone()).send().await.map_err(failed(OPERATION))
            })
            .await?;
            for key in page.public_key_list.unwrap_or_default() {
                keys.push(public_key(key)?);
            }
            token = next_page(OPERATION, page.next_token, token.as_deref())?;
            if token.is_none() {
                return Ok(keys);
            }
        }
    }
}

fn public_key(key: aws_sdk_cloudtrail::types::PublicKey) -> Result<PublicKey, PortError> {
    let lacks = |what| move || incomplete(OPERATION, what);
    let from = key.validity_start_time.ok_or_else(lacks("the first instant of a key"))?;
    let until = key.validity_end_time.ok_or_else(lacks("the last instant of a key"))?;
    Ok(PublicKey {
        fingerprint: key.fingerprint.ok_or_else(lacks("the fingerprint of a key"))?,
        value: key.value.ok_or_else(lacks("a key"))?.into_inner(),
        valid_from: timestamp(OPERATION, &from)?,
        valid_until: timestamp(OPERATION, &until)?,
    })
}
