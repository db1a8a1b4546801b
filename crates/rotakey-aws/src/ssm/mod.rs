//! The SSM Parameter Store as a destination: one `SecureString` with a JSON value, replaced in one call.
//!
//! | slot | where |
//! |---|---|
//! | current | the parameter itself |
//! | pending, previous | a second parameter, `/rotakey/kept` before the name, which no application reads |
//!
//! A parameter's own history is no place for what is pending: applications may read it, and nothing can be taken out
//! of it. The second parameter is outside of the path of the first, so that who reads a whole path does not find it;
//! it is deleted with its history as soon as nothing is kept in it. The history of the first one keeps earlier values,
//! up to a hundred; their keys are deleted by then.
//!
//! The Parameter Store has no compare-and-set. Two rotations of one user are kept apart by the rotation log; whoever
//! else writes to the parameter while it is published to is overwritten, or overwrites.
//!
//! Permissions, on both parameters: `ssm:GetParameters`, `PutParameter`, `DeleteParameter` (on the second one only);
//! `ssm:DescribeParameters` where no KMS key is configured; of a KMS key of one's own `kms:Encrypt` and `kms:Decrypt`;
//! and `sts:AssumeRole` for `role_arn`.

mod kept;

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{Parameter, ParameterStringFilter, ParameterType};
use rotakey_core::destination as specs;
use rotakey_core::id::AccessKeyId;
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Destination, PortError, PortErrorKind, Slots};
use serde_json::{Map, Value};

use crate::error::{failed, incomplete};
use crate::json_value::{self, Content};
use kept::Kept;

/// One parameter.
#[derive(Debug, Clone)]
pub struct SsmParameter {
    client: Client,
    place: specs::SsmParameter,
}

/// The most levels that a name may have, and how many of them the second parameter needs.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
const LEVELS: usize = 15;
const LEVELS_OF_KEPT: usize = 2;

/// The longest name that is surely taken: 1011 characters with all that stands before it in the ARN.
const LONGEST: usize = 900;

impl SsmParameter {
    pub(crate) fn new(client: Client, place: specs::SsmParameter) -> Self {
        Self { client, place }
    }
}

#[async_trait]
impl Destination for SsmParameter {
    async fn preflight(&self) -> Result<(), PortError> {
        let held = self.look().await?;
        self.kms_key(&held).await.map(drop)
    }

    async fn read(&self) -> Result<Slots, PortError> {
        let Held { current, kept, .. } = self.look().await?;
        let current = current.and_then(Content::into_pair);
        Ok(kept.into_slots(current).into())
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let held = self.look().await?;
        if held.current_pair() == Some(pair) || held.kept.pending.as_ref() == Some(pair) {
            return Ok(());
        }
        let pending = Some(pair.duplicate());
        let key = self.kms_key(&held).await?;
        self.keep(Kept { pending, previous: held.kept.previous }, held.keeps, key.as_deref()).await
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let held = self.look().await?;
        self.put(pair, held, |_| false).await
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        let held = self.look().await?;
        if held.current_pair().is_some_and(|pair| &pair.id == id) {
            return Ok(());
        }
        let slots = held.kept.duplicate().into_slots(held.current_pair().map(AccessKeyPair::duplicate));
        let found = [slots.previous, slots.pending].into_iter().flatten().find(|pair| &pair.id == id);
        let pair = found.ok_or_else(|| self.error(PortErrorKind::NotFound, format!("nothing holds {id}")))?;
        // What else is pending stays: restoring only undoes.
        self.put(&pair, held, |pending| pending != &pair).await
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        let held = self.look().await?;
        if held.current_pair().is_some_and(|pair| &pair.id == id) {
            return Err(self.error(PortErrorKind::Conflict, format!("{id} is what applications read")));
        }
        if !held.kept.holds(id) {
            return Ok(());
        }
        let key = self.kms_key(&held).await?;
        let kept = held.kept.duplicate().without(|pair| &pair.id == id || held.current_pair() == Some(pair));
        self.keep(kept, held.keeps, key.as_deref()).await
    }
}

/// What both parameters hold.
struct Held {
    /// What applications read; `None` if the parameter does not exist.
    current: Option<Content>,
    kept: Kept,
    /// Whether the second parameter exists.
    keeps: bool,
}

impl Held {
    fn current_pair(&self) -> Option<&AccessKeyPair> {
        self.current.as_ref()?.pair()
    }
}

impl SsmParameter {
    /// Reads both parameters. Fails with what makes the first one unfit to hold an access key.
    async fn look(&self) -> Result<Held, PortError> {
        self.check_name()?;
        let (name, kept_name) = (&self.place.name, self.kept_name());
        let call = self.client.get_parameters().names(name).names(&kept_name).with_decryption(true);
        let found = call.send().await.map_err(failed(GET))?.parameters.unwrap_or_default();
        let (mut current, mut kept, mut keeps) = (None, Kept::default(), false);
        for parameter in found {
            if parameter.name.as_ref() == Some(name) {
                current = Some(self.content(parameter)?);
            } else if parameter.name.as_ref() == Some(&kept_name) {
                (kept, keeps) = (self.kept(parameter)?, true);
            }
        }
        Ok(Held { current, kept, keeps })
    }

    fn content(&self, parameter: Parameter) -> Result<Content, PortError> {
        let refused = |why: &str| {
            Err(self.error(PortErrorKind::Conflict, format!("the parameter {why}; it is not overwritten")))
        };
        let secure = parameter.r#type == Some(ParameterType::SecureString);
        let text = Secret::new(parameter.value.ok_or_else(|| incomplete(GET, "the value"))?);
        if !secure {
            return refused("is not a SecureString");
        }
        match Content::read(&text) {
            Content::Foreign(why) => refused(why),
            content => Ok(content),
        }
    }

    fn kept(&self, parameter: Parameter) -> Result<Kept, PortError> {
        let text = Secret::new(parameter.value.ok_or_else(|| incomplete(GET, "the value"))?);
        let kept = Kept::read(&text).filter(|_| parameter.r#type == Some(ParameterType::SecureString));
        kept.ok_or_else(|| {
            let message =
                format!("{} is not what rotakey keeps there; it is not overwritten", self.kept_name());
            self.error(PortErrorKind::Conflict, message)
        })
    }

    /// Makes the pair current. At each moment the slots can be read: before the parameter is replaced, what it holds is
    /// among what is kept, and hidden there for as long as it is current.
    async fn put(
        &self,
        pair: &AccessKeyPair,
        held: Held,
        stays_pending: impl Fn(&AccessKeyPair) -> bool,
    ) -> Result<(), PortError> {
        let key = self.kms_key(&held).await?;
        let mut keeps = held.keeps;
        let mut kept = held.kept.duplicate();
        if held.current_pair() != Some(pair) {
            let with_current = kept.duplicate().and_previous(held.current_pair());
            if with_current != kept {
                kept = with_current;
                self.keep(kept.duplicate(), keeps, key.as_deref()).await?;
                keeps = true;
            }
            let none = Map::new();
            let further = match &held.current {
                Some(Content::Key(_, further)) => further,
                _ => &none,
            };
            self.overwrite(pair, further, held.current.is_some(), key.as_deref()).await?;
        }
        let settled = kept.duplicate().settled(pair, stays_pending);
        if settled == kept { Ok(()) } else { self.keep(settled, keeps, key.as_deref()).await }
    }

    async fn overwrite(
        &self,
        pair: &AccessKeyPair,
        further: &Map<String, Value>,
        exists: bool,
        key: Option<&str>,
    ) -> Result<(), PortError> {
        let text = json_value::write(pair, None, further);
        let call = self
            .client
            .put_parameter()
            .name(&self.place.name)
            .value(text.expose())
            .r#type(ParameterType::SecureString)
            .set_key_id(key.map(str::to_owned))
            // A parameter that was not there a moment ago is somebody else's if it is now.
            .overwrite(exists);
        let description = (!exists).then(|| "The access key of an IAM user, rotated by rotakey.".to_owned());
        call.set_description(description).send().await.map(drop).map_err(failed(PUT))
    }

    /// Replaces what is kept.
    async fn keep(&self, kept: Kept, exists: bool, key: Option<&str>) -> Result<(), PortError> {
        let name = self.kept_name();
        if kept.is_empty() {
            let deleted = self.client.delete_parameter().name(name).send().await;
            return match deleted.map_err(failed("ssm:DeleteParameter")) {
                Err(error) if error.kind != PortErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let call = self.client.put_parameter().name(name).value(kept.write().expose());
        let call = call.r#type(ParameterType::SecureString).set_key_id(key.map(str::to_owned));
        let description = (!exists).then(|| format!("Kept by rotakey while it rotates {}.", self.place.name));
        let call = call.set_description(description).overwrite(exists);
        call.send().await.map(drop).map_err(failed(PUT))
    }

    /// The KMS key to encrypt with: the one that is configured, or the one that the parameter has. A write that names
    /// none would take the account's default key, which others that read the parameter may not use.
    async fn kms_key(&self, held: &Held) -> Result<Option<String>, PortError> {
        if self.place.kms_key_id.is_some() || held.current.is_none() {
            return Ok(self.place.kms_key_id.clone());
        }
        let of_that_name = ParameterStringFilter::builder().key("Name").option("Equals");
        let of_that_name = of_that_name.values(&self.place.name).build();
        let of_that_name =
            of_that_name.map_err(|error| self.error(PortErrorKind::Invalid, error.to_string()))?;
        let answer = self.client.describe_parameters().parameter_filters(of_that_name).send().await;
        let found = answer.map_err(failed("ssm:DescribeParameters"))?.parameters.unwrap_or_default();
        Ok(found.into_iter().next().and_then(|parameter| parameter.key_id))
    }

    /// Refuses names that the Parameter Store does not take.
    fn check_name(&self) -> Result<(), PortError> {
        let name = &self.place.name;
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte);
        let plain = name.trim_start_matches('/').to_ascii_lowercase();
        let why = if name.is_empty() || name.len() > LONGEST || !name.bytes().all(legal) {
            format!("the name of a parameter has 1 to {LONGEST} letters, digits and /_.-")
        } else if name.contains('/') && !name.starts_with('/') {
            "the name of a parameter with a path begins with a slash".to_owned()
        } else if name.contains("//") || name.ends_with('/') {
            "no level of the path is empty".to_owned()
        } else if ["aws", "ssm"].iter().any(|reserved| plain.starts_with(reserved)) {
            "names that begin with aws or ssm are reserved".to_owned()
        } else if name.matches('/').count() > LEVELS - LEVELS_OF_KEPT {
            format!("the path has at most {} levels", LEVELS - LEVELS_OF_KEPT)
        } else {
            return Ok(());
        };
        Err(self.error(PortErrorKind::Invalid, why))
    }

    /// The name of the second parameter. `x` and `/x` are two parameters, and so are what is kept for them.
    fn kept_name(&self) -> String {
        match self.place.name.strip_prefix('/') {
            Some(path) => format!("/rotakey/kept/{path}"),
            None => format!("rotakey.kept.{}", self.place.name),
        }
    }

    fn error(&self, kind: PortErrorKind, message: impl Into<String>) -> PortError {
        PortError::new(kind, format!("use the parameter {}", self.place.name), message)
    }
}

const GET: &str = "ssm:GetParameters";
const PUT: &str = "ssm:PutParameter";
