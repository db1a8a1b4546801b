//! AWS Secrets Manager as a destination: one JSON value, moved on by staging labels.
//!
//! | slot | staging label |
//! |---|---|
//! | pending | `AWSPENDING` |
//! | current | `AWSCURRENT` |
//! | previous | `AWSPREVIOUS` |
//!
//! A version is never changed, only labelled: publishing and restoring move `AWSCURRENT` in one call of
//! `UpdateSecretVersionStage`, which names the version that it is taken from and so fails if somebody else
//! moved it meanwhile. A forgotten version loses its label; Secrets Manager deletes it in its own time.
//!
//! Where the secret is replicated, a label counts as moved when every replica has it; what the secret is shared by, its
//! resource policy and its replicas, is in [`sharing`].
//!
//! Permissions: `secretsmanager:DescribeSecret`, `GetSecretValue`, `PutSecretValue`, `UpdateSecretVersionStage`, and
//! `CreateSecret` with `TagResource` where secrets do not exist yet; `ReplicateSecretToRegions`, and `DescribeSecret`
//! in the other regions, for `replicate_to`; `GetResourcePolicy` and `PutResourcePolicy` for `resource_policy`; of a
//! KMS key of one's own `kms:GenerateDataKey` and `kms:Decrypt`; and `sts:AssumeRole` for `role_arn`.

mod sharing;

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::Tag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use rotakey_core::destination as specs;
use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Destination, PortError, PortErrorKind, Slots};
use serde_json::Map;

use crate::error::{failed, incomplete};
use crate::json_value::{self, Content};
use sharing::{Replica, by_label};

/// One secret.
#[derive(Debug, Clone)]
pub struct SecretsManager {
    client: Client,
    place: specs::SecretsManager,
    /// The region of the client.
    region: Option<String>,
    /// A client for each region that the secret is replicated to.
    elsewhere: BTreeMap<String, Client>,
}

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The value of a secret that holds no key yet. Secrets Manager makes the first version of a secret current
/// whatever label it is given, so a key can only be staged beside another version.
const NO_KEY: &str = "{}";

impl SecretsManager {
    /// The secret as it is described; `client` makes the client for a region, or that of the connection.
    pub(crate) fn new(
        place: specs::SecretsManager,
        region: Option<String>,
        client: impl Fn(Option<&str>) -> Client,
    ) -> Self {
        let elsewhere =
            place.replicate_to.iter().map(|region| (region.clone(), client(Some(region)))).collect();
        Self { client: client(place.region.as_deref()), place, region, elsewhere }
    }
}

#[async_trait]
impl Destination for SecretsManager {
    async fn preflight(&self) -> Result<(), PortError> {
        let held = self.look().await?;
        self.refuse_foreign_rotation(&held)?;
        self.check_replicas(&held).await
    }

    /// Fails while the replicas do not have what the secret has: what applications read is then not one key.
    async fn read(&self) -> Result<Slots, PortError> {
        let held = self.look().await?;
        self.await_replicas(&held.replicas, held.current_version()).await?;
        let Held { current, pending, previous, .. } = held;
        let pair = |version: Option<Version>| version.and_then(|version| version.content.into_pair());
        Ok(Slots { pending: pair(pending), current: pair(current), previous: pair(previous) }.into())
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let held = self.look().await?;
        self.refuse_foreign_rotation(&held)?;
        if held.current_pair() == Some(pair) {
            return Ok(());
        }
        let wanted = self.value_of(pair, &held);
        self.make_room(&held).await?;
        self.share(&held.replicas).await?;
        if held.pending.as_ref().is_some_and(|pending| pending.id == wanted.id) {
            return Ok(());
        }
        self.put(&wanted, &held).await
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let held = self.look().await?;
        self.refuse_foreign_rotation(&held)?;
        if held.current_pair() == Some(pair) {
            self.share(&held.replicas).await?;
            if let Some(version) = &held.pending_label {
                self.move_label(PENDING, Some(version), None).await?;
            }
            return self.await_publication(held.current_version()).await;
        }
        let wanted = self.value_of(pair, &held);
        self.make_room(&held).await?;
        // Before the key is published, so that it is published everywhere.
        self.share(&held.replicas).await?;
        let labelled = self.make_current(&wanted, &held).await?;
        if let Some(version) = labelled.or(held.pending_label) {
            self.move_label(PENDING, Some(&version), None).await?;
        }
        self.await_publication(Some(&wanted.id)).await
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        let held = self.look().await?;
        if held.current_pair().is_some_and(|pair| &pair.id == id) {
            return Ok(());
        }
        let candidates = [&held.previous, &held.pending];
        let pair = candidates
            .into_iter()
            .filter_map(|version| version.as_ref()?.content.pair())
            .find(|pair| &pair.id == id)
            .ok_or_else(|| self.error(PortErrorKind::NotFound, format!("no version holds {id}")))?;
        let wanted = self.value_of(pair, &held);
        let labelled = self.make_current(&wanted, &held).await?;
        // What else is pending stays: restoring only undoes.
        if let Some(version) = labelled.or(held.pending_label.clone().filter(|version| *version == wanted.id))
        {
            self.move_label(PENDING, Some(&version), None).await?;
        }
        self.await_publication(Some(&wanted.id)).await
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        let held = self.look().await?;
        let holds = |version: &Option<Version>| {
            version.as_ref().and_then(|version| version.content.pair()).is_some_and(|pair| &pair.id == id)
        };
        if holds(&held.current) {
            return Err(self.error(PortErrorKind::Conflict, format!("{id} is what applications read")));
        }
        for (label, version) in [(PENDING, &held.pending), (PREVIOUS, &held.previous)] {
            if let Some(Version { id: version_id, .. }) = version.as_ref().filter(|_| holds(version)) {
                self.move_label(label, Some(version_id), None).await?;
            }
        }
        Ok(())
    }
}

/// What the secret holds.
#[derive(Default)]
struct Held {
    exists: bool,
    current: Option<Version>,
    /// The pending version, unless it is the current one.
    pending: Option<Version>,
    previous: Option<Version>,
    /// The version that has the label `AWSPENDING`, also if it is the current one.
    pending_label: Option<String>,
    replicas: Vec<Replica>,
}

/// The secret without its values.
struct Described {
    /// Which version has which label.
    labels: HashMap<String, String>,
    replicas: Vec<Replica>,
}

/// One version of the secret.
struct Version {
    id: String,
    content: Content,
    /// Whether rotakey wrote it.
    ours: bool,
}

/// A version to be written.
struct Wanted {
    id: String,
    text: Secret,
}

impl Held {
    fn current_pair(&self) -> Option<&AccessKeyPair> {
        self.current.as_ref()?.content.pair()
    }

    fn current_version(&self) -> Option<&String> {
        self.current.as_ref().map(|version| &version.id)
    }
}

impl SecretsManager {
    /// Reads the secret. Fails with what makes it unfit to hold an access key.
    async fn look(&self) -> Result<Held, PortError> {
        self.check_place()?;
        let Some(Described { labels, replicas }) = self.describe().await? else {
            return Ok(Held::default());
        };
        let on = |label| labels.get(label).filter(|id| label == CURRENT || labels.get(CURRENT) != Some(*id));
        let current = self.version(on(CURRENT)).await?;
        match current.as_ref().map(|version| &version.content) {
            Some(Content::Foreign(why)) => {
                let message = format!("the secret {why}; it is not overwritten");
                return Err(self.error(PortErrorKind::Conflict, message));
            }
            Some(Content::Missing) => {
                let message = "the current version vanished while it was read";
                return Err(self.error(PortErrorKind::Ambiguous, message));
            }
            _ => {}
        }
        Ok(Held {
            exists: true,
            current,
            pending: self.version(on(PENDING)).await?,
            previous: self.version(on(PREVIOUS)).await?,
            pending_label: labels.get(PENDING).cloned(),
            replicas,
        })
    }

    /// The version that holds the pair, what is made of it, and the further fields of the current value.
    fn value_of(&self, pair: &AccessKeyPair, held: &Held) -> Wanted {
        let none = Map::new();
        let further = match held.current.as_ref().map(|version| &version.content) {
            Some(Content::Key(_, further)) => further,
            _ => &none,
        };
        let text = json_value::write(pair, self.place.values.as_ref(), further);
        Wanted { id: json_value::version_id(&text), text }
    }

    /// A rotation that another program began must be finished or cancelled by that program.
    fn refuse_foreign_rotation(&self, held: &Held) -> Result<(), PortError> {
        match &held.pending {
            Some(pending) if !pending.ours => {
                let message = format!(
                    "another rotation of this secret is under way: AWSPENDING is on the version {}",
                    pending.id
                );
                Err(self.error(PortErrorKind::Conflict, message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses what Secrets Manager does not take. An IAM user name may hold a comma; a secret's name may not.
    fn check_place(&self) -> Result<(), PortError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
        let name = &self.place.name;
        if !(1..=512).contains(&name.len()) || !name.bytes().all(legal) {
            let message = "the name of a secret has 1 to 512 letters, digits and /_+=.@-";
            return Err(self.error(PortErrorKind::Invalid, message));
        }
        let mut made = self.place.values.iter().flat_map(|values| values.iter());
        if let Some((taken, _)) = made.find(|(name, _)| [json_value::ID, json_value::SECRET].contains(name)) {
            let message =
                format!("the field {taken} holds the key itself; name the further value differently");
            return Err(self.error(PortErrorKind::Invalid, message));
        }
        self.check_sharing()
    }

    /// Everything but the values; `None` if there is no such secret.
    async fn describe(&self) -> Result<Option<Described>, PortError> {
        const OPERATION: &str = "secretsmanager:DescribeSecret";
        let secret = match self.client.describe_secret().secret_id(&self.place.name).send().await {
            Ok(secret) => secret,
            Err(error) => {
                return match failed(OPERATION)(error) {
                    error if error.kind == PortErrorKind::NotFound => Ok(None),
                    error => Err(error),
                };
            }
        };
        if secret.deleted_date.is_some() {
            let message = "the secret is scheduled for deletion; restore it (RestoreSecret) first";
            return Err(self.error(PortErrorKind::Conflict, message));
        }
        if let Some(service) = &secret.owning_service {
            let message = format!("the secret belongs to the AWS service {service}");
            return Err(self.error(PortErrorKind::Conflict, message));
        }
        if let (Some(primary), Some(here)) = (&secret.primary_region, &self.region)
            && primary != here
        {
            let message = format!("the secret in {here} is a replica; write to the one in {primary}");
            return Err(self.error(PortErrorKind::Invalid, message));
        }
        let replicas = secret.replication_status.unwrap_or_default();
        Ok(Some(Described {
            labels: by_label(secret.version_ids_to_stages),
            replicas: replicas.into_iter().filter_map(Replica::from_answer).collect(),
        }))
    }

    /// The version of that id, and what is in it.
    async fn version(&self, id: Option<&String>) -> Result<Option<Version>, PortError> {
        const OPERATION: &str = "secretsmanager:GetSecretValue";
        let Some(id) = id else { return Ok(None) };
        let answer =
            match self.client.get_secret_value().secret_id(&self.place.name).version_id(id).send().await {
                Ok(answer) => answer,
                Err(error) => {
                    return match failed(OPERATION)(error) {
                        error if error.kind == PortErrorKind::NotFound => {
                            Ok(Some(Version { id: id.clone(), content: Content::Missing, ours: false }))
                        }
                        error => Err(error),
                    };
                }
            };
        let (content, ours) = match (answer.secret_string.map(Secret::new), answer.secret_binary) {
            (Some(text), _) => (Content::read(&text), json_value::version_id(&text) == *id),
            (None, Some(_)) => (Content::Foreign("is binary"), false),
            (None, None) => return Err(incomplete(OPERATION, "the value")),
        };
        Ok(Some(Version { id: id.clone(), content, ours }))
    }

    /// Makes sure that there is a current version, so that the next one is not made current unasked.
    async fn make_room(&self, held: &Held) -> Result<(), PortError> {
        if held.current.is_some() {
            return Ok(());
        }
        let token = json_value::version_id(&Secret::new(NO_KEY.to_owned()));
        if held.exists {
            let call = self.client.put_secret_value().secret_id(&self.place.name).client_request_token(token);
            let call = call.secret_string(NO_KEY);
            return call.send().await.map(drop).map_err(failed("secretsmanager:PutSecretValue"));
        }
        let call = self
            .client
            .create_secret()
            .set_kms_key_id(self.place.kms_key_id.clone())
            .name(&self.place.name)
            .description("The access key of an IAM user, rotated by rotakey.")
            .tags(Tag::builder().key("rotakey:managed").value("true").build())
            .client_request_token(token)
            .secret_string(NO_KEY);
        call.send().await.map(drop).map_err(failed("secretsmanager:CreateSecret"))
    }

    /// Writes a version and labels it `AWSPENDING`.
    async fn put(&self, wanted: &Wanted, held: &Held) -> Result<(), PortError> {
        let call =
            self.client.put_secret_value().secret_id(&self.place.name).client_request_token(&wanted.id);
        let call = call.secret_string(wanted.text.expose()).version_stages(PENDING);
        let answer = call.send().await.map_err(failed("secretsmanager:PutSecretValue"))?;
        // A version that is there already is left as it is, without the label.
        if answer.version_stages().iter().any(|label| label == PENDING) {
            return Ok(());
        }
        self.move_label(PENDING, held.pending_label.as_ref(), Some(&wanted.id)).await
    }

    /// Makes that version current. Returns its id if that left the label `AWSPENDING` on it.
    async fn make_current(&self, wanted: &Wanted, held: &Held) -> Result<Option<String>, PortError> {
        let is_there = [&held.pending, &held.previous]
            .into_iter()
            .any(|version| version.as_ref().is_some_and(|version| version.id == wanted.id));
        if !is_there {
            self.put(wanted, held).await?;
        }
        let no_key = json_value::version_id(&Secret::new(NO_KEY.to_owned()));
        let from = held.current.as_ref().map_or(&no_key, |version| &version.id);
        self.move_label(CURRENT, Some(from), Some(&wanted.id)).await?;
        Ok(if is_there { None } else { Some(wanted.id.clone()) })
    }

    /// Takes a label from one version and gives it to another, in one step.
    async fn move_label(
        &self,
        label: &str,
        from: Option<&String>,
        to: Option<&String>,
    ) -> Result<(), PortError> {
        const OPERATION: &str = "secretsmanager:UpdateSecretVersionStage";
        let call = self
            .client
            .update_secret_version_stage()
            .secret_id(&self.place.name)
            .version_stage(label)
            .set_remove_from_version_id(from.cloned())
            .set_move_to_version_id(to.cloned());
        let Err(error) = call.send().await else { return Ok(()) };
        let moved_by_another = error.code() == Some("InvalidParameterException");
        let error = failed(OPERATION)(error);
        if !moved_by_another {
            return Err(error);
        }
        // The label is not where it was. Perhaps an earlier attempt of this very call got through.
        match self.describe().await? {
            Some(described) if described.labels.get(label) == to => Ok(()),
            _ => Err(PortError { kind: PortErrorKind::Conflict, ..error }),
        }
    }

    fn error(&self, kind: PortErrorKind, message: impl Into<String>) -> PortError {
        PortError::new(kind, format!("use the secret {}", self.place.name), message)
    }
}
