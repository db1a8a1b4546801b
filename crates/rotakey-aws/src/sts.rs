//! AWS STS: who a key pair belongs to, and whether it works.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_sts::config::IdentityCache;
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{CallerIdentity, KeyProbe, PortError};

use crate::calls::CallCounter;
use crate::connection::credentials;
use crate::error::{failed, incomplete, unexpected};
use crate::service;
use crate::signed::Signer;

/// Asks STS with nothing but the pair itself.
#[derive(Debug, Clone)]
pub struct AwsKeyProbe {
    config: SdkConfig,
    calls: CallCounter,
    signer: Signer,
}

impl AwsKeyProbe {
    pub(crate) fn new(config: SdkConfig, calls: CallCounter) -> Self {
        let signer = Signer::new(&config, calls.clone());
        Self { config, calls, signer }
    }
}

#[async_trait]
impl KeyProbe for AwsKeyProbe {
    /// Sent once: the caller polls, and wants to see each refusal.
    async fn identify(&self, pair: &AccessKeyPair) -> Result<CallerIdentity, PortError> {
        // A new client each time. One that is kept, or a cache that is shared, could answer with the
        // credentials of another pair, or with rotakey's own.
        let builder = aws_sdk_sts::config::Builder::from(&self.config)
            .credentials_provider(credentials(pair))
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::disabled())
            .interceptor(self.calls.clone());
        caller_identity(&aws_sdk_sts::Client::from_conf(builder.build())).await
    }

    /// Sent once.
    async fn knows(&self, pair: &AccessKeyPair, service: &str, region: &str) -> Result<(), PortError> {
        service::knows(&self.signer, credentials(pair), service, region).await
    }
}

/// Who the client's credentials belong to.
pub(crate) async fn caller_identity(client: &aws_sdk_sts::Client) -> Result<CallerIdentity, PortError> {
    const OPERATION: &str = "sts:GetCallerIdentity";
    let answer = client.get_caller_identity().send().await.map_err(failed(OPERATION))?;
    let account = answer.account.ok_or_else(|| incomplete(OPERATION, "the account"))?;
    let arn = answer.arn.ok_or_else(|| incomplete(OPERATION, "the ARN"))?;
    let account_id = account.parse().map_err(|_| unexpected(OPERATION, "account", &account))?;
    Ok(CallerIdentity { account_id, arn })
}
