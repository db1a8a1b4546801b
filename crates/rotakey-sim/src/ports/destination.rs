//! The simulated Secrets Manager as a destination: one JSON value, moved on by staging labels.

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use rotakey_core::destination::{DestinationSpec, SecretsManager};
use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Destination, Destinations, PortError, PortErrorKind, Slots};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::api::{Service, Tree};
use crate::ports::client::{Client, required};

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The value of a secret that holds no key yet: the first version is current at once, and no application
/// may see a key that is only staged.
const NO_KEY: &str = "{}";

impl Destinations for Client {
    fn open(&self, spec: &DestinationSpec) -> Result<Box<dyn Destination>, PortError> {
        match spec {
            DestinationSpec::SecretsManager(SecretsManager { name, region, .. }) => {
                let client = region.as_ref().map_or_else(|| self.clone(), |region| self.in_region(region));
                Ok(Box::new(SecretDestination { client, name: name.clone() }))
            }
            other => {
                let message = "the simulation has no such destination";
                Err(PortError::new(PortErrorKind::Invalid, other.to_string(), message))
            }
        }
    }
}

/// One secret.
struct SecretDestination {
    client: Client,
    name: String,
}

/// What the secret holds.
#[derive(Default)]
struct Held {
    exists: bool,
    current: Option<Version>,
    /// The version labelled `AWSPENDING`, also if it is the current one.
    pending: Option<Version>,
    previous: Option<Version>,
}

/// One version.
struct Version {
    id: String,
    pair: Option<AccessKeyPair>,
    /// The fields beside the key.
    further: Map<String, Value>,
}

#[async_trait]
impl Destination for SecretDestination {
    async fn preflight(&self) -> Result<(), PortError> {
        let held = self.look()?;
        let (id, none) = (self.secret_id(), Tree::empty());
        for action in ["PutSecretValue", "UpdateSecretVersionStage"] {
            self.client.may(Service::SecretsManager, action, id.clone())?;
        }
        if held.exists {
            Ok(())
        } else {
            self.client.may(Service::SecretsManager, "CreateSecret", self.named(none))
        }
    }

    async fn read(&self) -> Result<Slots, PortError> {
        let Held { current, pending, previous, .. } = self.look()?;
        let not_current = |version: &Version| current.as_ref().is_none_or(|current| current.id != version.id);
        let pending = pending.filter(not_current).and_then(|version| version.pair);
        let pair = |version: Option<Version>| version.and_then(|version| version.pair);
        Ok(Slots { pending, current: pair(current), previous: pair(previous) }.into())
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let held = self.look()?;
        if held.current_pair() != Some(pair) {
            self.write(pair, &held)?;
        }
        Ok(())
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let held = self.look()?;
        if held.current_pair() != Some(pair) {
            let version = self.write(pair, &held)?;
            self.make_current(&version)?;
        }
        self.take_off(PENDING)
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        let held = self.look()?;
        if held.current_pair().is_some_and(|pair| pair.id == *id) {
            return Ok(());
        }
        let known = [&held.previous, &held.pending].into_iter().flatten();
        let version = known.into_iter().find(|version| version.holds(id)).ok_or_else(|| {
            PortError::new(
                PortErrorKind::NotFound,
                self.operation("restore"),
                format!("no version holds {id}"),
            )
        })?;
        self.make_current(&version.id)?;
        if held.pending.as_ref().is_some_and(|pending| pending.id == version.id) {
            self.take_off(PENDING)?;
        }
        Ok(())
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        let held = self.look()?;
        if held.current_pair().is_some_and(|pair| pair.id == *id) {
            let message = format!("{id} is what applications read");
            return Err(PortError::new(PortErrorKind::Conflict, self.operation("forget"), message));
        }
        for (label, version) in [(PENDING, &held.pending), (PREVIOUS, &held.previous)] {
            if version.as_ref().is_some_and(|version| version.holds(id)) {
                self.take_off(label)?;
            }
        }
        Ok(())
    }
}

impl Held {
    fn current_pair(&self) -> Option<&AccessKeyPair> {
        self.current.as_ref()?.pair.as_ref()
    }
}

impl Version {
    fn holds(&self, id: &AccessKeyId) -> bool {
        self.pair.as_ref().is_some_and(|pair| pair.id == *id)
    }
}

impl SecretDestination {
    /// Reads the secret. A current version that is no access key is a conflict: it is not overwritten.
    fn look(&self) -> Result<Held, PortError> {
        let described = match self.call("DescribeSecret", self.secret_id()) {
            Err(error) if error.kind == PortErrorKind::NotFound => return Ok(Held::default()),
            described => described?,
        };
        if described.get("DeletedDate").is_some() {
            let message = "the secret is marked for deletion";
            return Err(PortError::new(PortErrorKind::Conflict, self.operation("read"), message));
        }
        Ok(Held {
            exists: true,
            current: self.version(&described, CURRENT)?,
            pending: self.version(&described, PENDING)?,
            previous: self.version(&described, PREVIOUS)?,
        })
    }

    /// The version with that label.
    fn version(&self, described: &Tree, label: &str) -> Result<Option<Version>, PortError> {
        let Some(id) = labelled(described, label) else { return Ok(None) };
        let answer = self.call("GetSecretValue", self.secret_id().with("VersionId", Some(id.as_str())))?;
        let text = required(&answer, "secretsmanager:GetSecretValue", "SecretString")?;
        match read_value(text) {
            Some((pair, further)) => Ok(Some(Version { id, pair, further })),
            None => {
                let message = format!("the {label} version is not an access key");
                Err(PortError::new(PortErrorKind::Conflict, self.operation("read"), message))
            }
        }
    }

    /// Makes sure that a version with the pair and the further fields of the current one is there, labelled
    /// `AWSPENDING`. Its id is made of its content, so the same content is written once only.
    fn write(&self, pair: &AccessKeyPair, held: &Held) -> Result<String, PortError> {
        self.make_room(held)?;
        let none = Map::new();
        let further = held.current.as_ref().map_or(&none, |version| &version.further);
        let text = write_value(pair, further);
        let id = version_id(&text);
        let parameters = self
            .secret_id()
            .with("ClientRequestToken", Some(id.as_str()))
            .with("SecretString", Some(text.expose()))
            .with("VersionStages", Some(Tree::list([PENDING])));
        let answer = self.call("PutSecretValue", parameters)?;
        // A version that was there already is left as it is, without the label.
        if !answer.items("VersionStages").contains(&PENDING.into()) {
            self.move_label(PENDING, Some(&id))?;
        }
        Ok(id)
    }

    /// Makes sure that there is a current version, so that the next one is not made current unasked.
    fn make_room(&self, held: &Held) -> Result<(), PortError> {
        if held.current.is_some() {
            return Ok(());
        }
        let token = version_id(&Secret::new(NO_KEY.to_owned()));
        let value = Tree::map([("ClientRequestToken", token.into()), ("SecretString", NO_KEY.into())]);
        if held.exists {
            self.call("PutSecretValue", value.with("SecretId", Some(self.name.as_str()))).map(drop)
        } else {
            self.call("CreateSecret", self.named(value)).map(drop)
        }
    }

    /// Moves `AWSCURRENT` to the version; Secrets Manager labels the one before `AWSPREVIOUS`.
    fn make_current(&self, version: &str) -> Result<(), PortError> {
        self.move_label(CURRENT, Some(version))
    }

    fn take_off(&self, label: &str) -> Result<(), PortError> {
        self.move_label(label, None)
    }

    /// Moves a label from wherever it is; does nothing if it is nowhere and goes nowhere.
    fn move_label(&self, label: &str, to: Option<&str>) -> Result<(), PortError> {
        let from = labelled(&self.call("DescribeSecret", self.secret_id())?, label);
        if from.as_deref() == to {
            return Ok(());
        }
        let parameters = self
            .secret_id()
            .with("VersionStage", Some(label))
            .with("RemoveFromVersionId", from)
            .with("MoveToVersionId", to);
        self.call("UpdateSecretVersionStage", parameters).map(drop)
    }

    fn call(&self, action: &str, parameters: Tree) -> Result<Tree, PortError> {
        self.client.call(Service::SecretsManager, action, parameters)
    }

    fn secret_id(&self) -> Tree {
        Tree::map([("SecretId", (&self.name).into())])
    }

    fn named(&self, parameters: Tree) -> Tree {
        parameters.with("Name", Some(self.name.as_str()))
    }

    fn operation(&self, verb: &str) -> String {
        format!("{verb} secrets-manager:{}", self.name)
    }
}

/// The version that has the label.
fn labelled(described: &Tree, label: &str) -> Option<String> {
    let Some(Tree::Map(versions) | Tree::Dictionary(versions)) = described.get("VersionIdsToStages") else {
        return None;
    };
    let has = |stages: &Tree| matches!(stages, Tree::List(stages) if stages.contains(&label.into()));
    versions.iter().find(|(_, stages)| has(stages)).map(|(id, _)| id.clone())
}

/// The pair in a value (`None` if the value is empty) and the fields beside it; `None` if it is something
/// else.
fn read_value(text: &str) -> Option<(Option<AccessKeyPair>, Map<String, Value>)> {
    let mut fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    if fields.is_empty() {
        return Some((None, fields));
    }
    match (fields.remove("AccessKeyId")?, fields.remove("SecretAccessKey")?) {
        (Value::String(id), Value::String(secret)) => {
            let pair = AccessKeyPair { id: id.parse().ok()?, secret: Secret::new(secret) };
            Some((Some(pair), fields))
        }
        _ => None,
    }
}

fn write_value(pair: &AccessKeyPair, further: &Map<String, Value>) -> Secret {
    let mut fields = further.clone();
    fields.insert("AccessKeyId".to_owned(), pair.id.as_str().into());
    fields.insert("SecretAccessKey".to_owned(), pair.secret.expose().into());
    Secret::new(Value::Object(fields).to_string())
}

/// SHA-256 of the value, as the `ClientRequestToken` that becomes the version's id.
fn version_id(text: &Secret) -> String {
    HEXLOWER.encode(&Sha256::digest(text.expose()))
}
