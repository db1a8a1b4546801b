//! Object stores: S3 and what speaks like it, and if built with the features `gcp` and `azure`, those too.
//!
//! A trail is never written to: nothing is asked of its store but lists and contents.

mod body;
mod list;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AwsCredential, resolve_bucket_region};
use object_store::path::Path;
use object_store::{ClientConfigKey, ClientOptions, CredentialProvider, ObjectStore};
use rotakey_core::secret::Secret;
use tokio::runtime::Handle;

pub(super) use self::body::{Arrival, Ranges};
use super::Trail;
use crate::selection::Selection;

/// What is needed to read from object stores.
#[derive(Debug)]
pub struct ObjectStores {
    runtime: Handle,
    s3: S3Options,
}

/// How to reach S3.
#[derive(Debug, Default)]
pub struct S3Options {
    /// The region of a bucket, where S3 does not tell it; it does not where there is an endpoint.
    pub region: Option<String>,
    /// Where S3 is, if not in its usual place: the URL of a private endpoint, or of another product that speaks like S3.
    /// It may be plain `http://`.
    pub endpoint: Option<String>,
    /// Who asks.
    pub credentials: S3Credentials,
}

/// Who asks S3.
#[derive(Debug, Default)]
pub enum S3Credentials {
    /// Whoever the environment or the machine says: variables, web identity, container, instance.
    #[default]
    Environment,
    /// Nobody: requests are not signed. For public buckets.
    Anonymous,
    /// Whoever the caller says.
    Provided(Arc<dyn ProvideS3Credential>),
}

/// Says who asks S3. It is asked before each request, so it must remember what it knows until that expires.
#[async_trait]
pub trait ProvideS3Credential: fmt::Debug + Send + Sync {
    /// The credential of now.
    async fn credential(&self) -> Result<S3Credential, Box<dyn Error + Send + Sync>>;
}

/// What signs requests.
#[derive(Debug)]
pub struct S3Credential {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
}

/// Why there is no store at a URL.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The caller did not say how to reach object stores.
    #[error("object stores cannot be reached here")]
    NoStores,
    /// Nobody knows how to read from there.
    #[error("only s3, gs and az are known as kinds of object stores, and {scheme} is none of them")]
    UnknownScheme {
        /// What the URL begins with.
        scheme: String,
    },
    /// It was left out when this program was built.
    #[error("this program was built without the feature {feature}")]
    NotBuilt {
        /// The cargo feature.
        feature: &'static str,
    },
    /// There is no bucket in it, or the key cannot be one.
    #[error("a bucket is needed, and a key without empty parts, `.` and `..`")]
    Name,
    /// The store does not take what it was given.
    #[error("{0}")]
    Configuration(#[source] object_store::Error),
}

/// A store, open for reading.
#[derive(Debug)]
struct Store {
    store: Arc<dyn ObjectStore>,
    /// What stands before a key in the name of an object: `s3://bucket/`.
    prefix: String,
    runtime: Handle,
}

/// An object in a store.
#[derive(Debug, Clone)]
pub struct Object {
    store: Arc<Store>,
    key: Path,
    bytes: u64,
    /// As the store wrote it.
    etag: Option<String>,
}

impl ObjectStores {
    /// Requests run on that runtime, which needs its drivers for time and input, and a thread of its own.
    pub fn new(runtime: Handle, s3: S3Options) -> Self {
        Self { runtime, s3 }
    }

    /// Adds to the trail what is at the URL.
    pub(super) fn find(&self, url: &str, selection: &Selection, trail: &mut Trail) -> Result<(), StoreError> {
        let (scheme, bucket, key) = parts(url)?;
        let store = Arc::new(Store {
            store: self.open(scheme, bucket)?,
            prefix: format!("{scheme}://{bucket}/"),
            runtime: self.runtime.clone(),
        });
        store.list(&key, selection, trail);
        Ok(())
    }

    /// The store at the URL and the path in it, for whoever keeps something of their own there. It waits for an answer of
    /// the runtime, so it must not be called on a thread of that.
    ///
    /// # Errors
    /// [`StoreError`] if there can be no such store; whether there is one is not asked.
    pub fn at(&self, url: &str) -> Result<(Arc<dyn ObjectStore>, Path), StoreError> {
        let (scheme, bucket, key) = parts(url)?;
        Ok((self.open(scheme, bucket)?, key))
    }

    fn open(&self, scheme: &str, bucket: &str) -> Result<Arc<dyn ObjectStore>, StoreError> {
        // One provider of cryptography for the whole process. If there is one already, that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        match scheme {
            "s3" | "s3a" => self.open_s3(bucket),
            #[cfg(feature = "gcp")]
            "gs" => {
                let builder = object_store::gcp::GoogleCloudStorageBuilder::from_env();
                let store =
                    builder.with_client_options(client_options(false)).with_bucket_name(bucket).build();
                Ok(Arc::new(store.map_err(StoreError::Configuration)?))
            }
            #[cfg(not(feature = "gcp"))]
            "gs" => Err(StoreError::NotBuilt { feature: "gcp" }),
            #[cfg(feature = "azure")]
            "az" | "azure" | "abfs" => {
                let builder = object_store::azure::MicrosoftAzureBuilder::from_env();
                let store =
                    builder.with_client_options(client_options(false)).with_container_name(bucket).build();
                Ok(Arc::new(store.map_err(StoreError::Configuration)?))
            }
            #[cfg(not(feature = "azure"))]
            "az" | "azure" | "abfs" => Err(StoreError::NotBuilt { feature: "azure" }),
            _ => Err(StoreError::UnknownScheme { scheme: scheme.to_owned() }),
        }
    }

    fn open_s3(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, StoreError> {
        let builder = match &self.s3.credentials {
            S3Credentials::Environment => AmazonS3Builder::from_env(),
            S3Credentials::Anonymous => AmazonS3Builder::new().with_skip_signature(true),
            S3Credentials::Provided(provider) => {
                AmazonS3Builder::new().with_credentials(Arc::new(Provided(Arc::clone(provider))))
            }
        };
        let endpoint = self.s3.endpoint.as_deref();
        let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
        let mut builder = builder.with_client_options(client_options(plain)).with_bucket_name(bucket);
        let region = match (&self.s3.region, endpoint) {
            (Some(region), Some(_)) => Some(region.clone()),
            // S3 refuses requests that are meant for another region, and buckets have theirs.
            (region, None) => self.region_of(bucket).or_else(|| region.clone()),
            (None, Some(_)) => None,
        };
        if let Some(region) = &region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        } else if let Some(china) = region.filter(|region| region.starts_with("cn-")) {
            builder = builder.with_endpoint(format!("https://s3.{china}.amazonaws.com.cn"));
        }
        Ok(Arc::new(builder.build().map_err(StoreError::Configuration)?))
    }

    /// The region of a bucket, which S3 tells everybody.
    fn region_of(&self, bucket: &str) -> Option<String> {
        let bucket = bucket.to_owned();
        wait(&self.runtime, async move { resolve_bucket_region(&bucket, &client_options(false)).await.ok() })
            .flatten()
    }
}

impl Object {
    /// Reads it from its beginning.
    pub(super) fn open(&self) -> Ranges {
        Ranges::new(self.clone())
    }

    /// How large it was when it was listed.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The kind of store, the bucket and the key that are in a URL.
fn parts(url: &str) -> Result<(&str, &str, Path), StoreError> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let key = Path::parse(key).map_err(|_| StoreError::Name)?;
    if bucket.is_empty() { Err(StoreError::Name) } else { Ok((scheme, bucket, key)) }
}

/// Runs something on the runtime and waits for it. `None` if the runtime ended before it.
fn wait<T: Send + 'static>(runtime: &Handle, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    runtime.spawn(async move {
        // Nobody may be waiting any more.
        let _ = sender.send(work.await);
    });
    receiver.recv().ok()
}

fn client_options(allow_http: bool) -> ClientOptions {
    let agent = concat!("rotakey/", env!("CARGO_PKG_VERSION"));
    ClientOptions::new().with_config(ClientConfigKey::UserAgent, agent).with_allow_http(allow_http)
}

#[derive(Debug)]
struct Provided(Arc<dyn ProvideS3Credential>);

#[async_trait]
impl CredentialProvider for Provided {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let credential = self
            .0
            .credential()
            .await
            .map_err(|source| object_store::Error::Generic { store: "S3", source })?;
        Ok(Arc::new(AwsCredential {
            key_id: credential.access_key_id,
            secret_key: credential.secret_access_key.expose().to_owned(),
            token: credential.session_token.map(|token| token.expose().to_owned()),
        }))
    }
}

#[cfg(test)]
mod tests;
