//! AWS Systems Manager Parameter Store.

use data_encoding::BASE64;
use jiff::Timestamp;
use rotakey_core::fact::Tags;
use rotakey_core::secret::Secret;

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::paging::page;

/// The largest value of a standard parameter, in bytes.
const LARGEST_VALUE: usize = 4_096;

/// The most levels of a path.
const LEVELS: usize = 15;

/// One parameter.
#[derive(Debug)]
pub(crate) struct StoredParameter {
    name: String,
    arn: String,
    kind: String,
    value: Secret,
    version: i64,
    changed_at: Timestamp,
    description: Option<String>,
    tags: Tags,
    /// What a `SecureString` is encrypted with.
    key_id: Option<String>,
}

/// Does one call of Systems Manager.
pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    match call.action() {
        "PutParameter" => put(world, call),
        "GetParameter" => get(world, call),
        "GetParameters" => get_several(world, call),
        "DeleteParameter" => delete(world, call),
        "DeleteParameters" => delete_several(world, call),
        "DescribeParameters" => describe(world, call),
        action => Err(Fault::unknown_operation(call.service(), action)),
    }
}

/// The ARN of the parameter that the call names.
pub(crate) fn resource(call: &Call<'_>) -> String {
    let several = call.parameters.texts("Names");
    match call.parameters.text("Name").or(several.first().copied()) {
        Some(name) => arn(call, name.split(':').next().unwrap_or(name)),
        None => "*".to_owned(),
    }
}

/// The ARNs of the parameters of these names.
pub(crate) fn resources(call: &Call<'_>, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| arn(call, name.split(':').next().unwrap_or(name))).collect()
}

/// `PutParameter`: a new parameter, or with `Overwrite` a new version of one.
fn put(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (name, value) = (call.parameters.required("Name")?, call.parameters.required("Value")?);
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "/_.-".contains(letter);
    call.parameters.check_text("Name", name, 1_011, legal)?;
    let overwrite = call.parameters.flag("Overwrite");
    let known = world.account(call).parameters.get(&call.in_region(name));
    let kind = match (call.parameters.text("Type"), known) {
        (Some(kind), _) => kind.to_owned(),
        (None, Some(known)) if overwrite => known.kind.clone(),
        (None, _) => {
            return Err(call
                .parameters
                .invalid("A parameter type is required when you create a parameter.".into()));
        }
    };
    call.parameters.one_of("Type", &kind, &["String", "StringList", "SecureString"])?;
    check_name(call, name)?;
    if value.is_empty() || value.len() > LARGEST_VALUE {
        let message = "Standard tier parameters support a maximum parameter value of 4096 characters.";
        return Err(call.parameters.invalid(message.to_owned()));
    }
    let tags = call.parameters.tags("Tags")?;
    if overwrite && !tags.is_empty() {
        let message = "Invalid request: tags and overwrite can't be used together.";
        return Err(call.parameters.invalid(message.to_owned()));
    }
    if known.is_some() && !overwrite {
        let message = "The parameter already exists. To overwrite this value, set the overwrite option in the \
                       request to true.";
        return Err(Fault::refused("ParameterAlreadyExists", 400, message));
    }
    let secure = kind == "SecureString";
    let key_id = call.parameters.text("KeyId").map(str::to_owned);
    if key_id.is_some() && !secure {
        return Err(call.parameters.invalid("KeyId is for the type SecureString only.".to_owned()));
    }
    if known.is_some_and(|known| (known.kind == "SecureString") != secure) {
        let message = "The parameter type can't be changed to or from SecureString.";
        return Err(Fault::refused("HierarchyTypeMismatchException", 400, message));
    }
    let version = known.map_or(1, |known| known.version + 1);
    let tags = known.map_or_else(|| tags.into_iter().collect(), |known| known.tags.clone());
    let described = call.parameters.text("Description").map(str::to_owned);
    let parameter = StoredParameter {
        name: name.to_owned(),
        arn: arn(call, name),
        kind,
        value: Secret::new(value.to_owned()),
        version,
        changed_at: call.now,
        description: described.or_else(|| known.and_then(|known| known.description.clone())),
        tags,
        // A write that names no key takes the account's default key, whatever the value had before.
        key_id: secure.then(|| key_id.unwrap_or_else(|| "alias/aws/ssm".to_owned())),
    };
    world.account_mut(call).parameters.insert(call.in_region(name), parameter);
    Ok(Tree::map([("Version", version.into()), ("Tier", "Standard".into())]))
}

/// Names that AWS keeps for itself, paths that are none, and those with too many levels.
fn check_name(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let plain = name.trim_start_matches('/').to_ascii_lowercase();
    if ["aws", "ssm"].iter().any(|reserved| plain.starts_with(reserved)) {
        let message = "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).";
        return Err(call.parameters.invalid(message.to_owned()));
    }
    if name.contains('/') && !name.starts_with('/') || name.contains("//") || name.ends_with('/') {
        let message = "Parameter name must be a fully qualified name.";
        return Err(call.parameters.invalid(message.to_owned()));
    }
    if name.matches('/').count() > LEVELS {
        let message = "A hierarchy can have a maximum of 15 levels.";
        return Err(Fault::refused("HierarchyLevelLimitExceededException", 400, message));
    }
    Ok(())
}

/// `GetParameter`.
fn get(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("Name")?;
    match world.account(call).parameters.get(&call.in_region(name)) {
        Some(parameter) => Ok(Tree::map([("Parameter", parameter.show(call))])),
        None => Err(missing(name)),
    }
}

/// `GetParameters`: up to ten; those that do not exist are named.
fn get_several(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in up_to_ten(call)? {
        match world.account(call).parameters.get(&call.in_region(name)) {
            Some(parameter) => found.push(parameter.show(call)),
            None => invalid.push(name),
        }
    }
    Ok(Tree::map([("Parameters", Tree::List(found)), ("InvalidParameters", Tree::list(invalid))]))
}

/// `DeleteParameter`.
fn delete(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let name = call.parameters.required("Name")?;
    let removed = world.account_mut(call).parameters.remove(&call.in_region(name));
    removed.map(|_| Tree::empty()).ok_or_else(|| missing(name))
}

/// `DeleteParameters`: up to ten; those that do not exist are named.
fn delete_several(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let parameters = &mut world.account_mut(call).parameters;
    let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
    for name in up_to_ten(call)? {
        let removed = parameters.remove(&call.in_region(name)).is_some();
        if removed { deleted.push(name) } else { invalid.push(name) }
    }
    Ok(Tree::map([("DeletedParameters", Tree::list(deleted)), ("InvalidParameters", Tree::list(invalid))]))
}

/// `DescribeParameters`: everything but the values. Of the filters there is the one by whole names.
fn describe(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let size = call.parameters.page_size("MaxResults", 50, 50)?;
    let filters = call.parameters.tree.items("ParameterFilters");
    let by_name = |filter: &Tree| {
        filter.text("Key") == Some("Name") && filter.text("Option").is_none_or(|option| option == "Equals")
    };
    if !call.parameters.tree.items("Filters").is_empty() || !filters.iter().all(by_name) {
        return Err(call.parameters.invalid("Only the filter by Name and Equals is simulated.".to_owned()));
    }
    let all = world.account(call).parameters.iter().filter(|((region, name), _)| {
        let named = |filter: &Tree| filter.items("Values").iter().any(|value| value.as_text() == Some(name));
        *region == call.request.region && filters.iter().all(named)
    });
    let rows = all.map(|((_, name), parameter)| {
        let shown = Tree::map([
            ("Name", name.into()),
            ("ARN", (&parameter.arn).into()),
            ("Type", (&parameter.kind).into()),
            ("Version", parameter.version.into()),
            ("LastModifiedDate", parameter.changed_at.into()),
            ("Tier", "Standard".into()),
        ]);
        let shown = shown.with("Description", parameter.description.as_ref());
        (name.clone(), shown.with("KeyId", parameter.key_id.as_ref()))
    });
    let page = page(call.action(), rows, call.parameters.text("NextToken"), size)
        .map_err(|_| Fault::refused("InvalidNextToken", 400, "The specified token isn't valid."))?;
    Ok(Tree::map([("Parameters", Tree::List(page.items))]).with("NextToken", page.next))
}

impl StoredParameter {
    /// The parameter with its value, which for a `SecureString` is a ciphertext unless `WithDecryption` is
    /// asked.
    fn show(&self, call: &Call<'_>) -> Tree {
        let clear = self.kind != "SecureString" || call.parameters.flag("WithDecryption");
        let value = if clear { self.value.expose().to_owned() } else { self.ciphertext() };
        Tree::map([
            ("Name", (&self.name).into()),
            ("Type", (&self.kind).into()),
            ("Value", value.into()),
            ("Version", self.version.into()),
            ("LastModifiedDate", self.changed_at.into()),
            ("ARN", (&self.arn).into()),
            ("DataType", "text".into()),
        ])
    }

    /// Stands for what KMS would have made of the value; it says nothing of it.
    fn ciphertext(&self) -> String {
        BASE64.encode(format!("simulated ciphertext of {} version {}", self.name, self.version).as_bytes())
    }
}

fn arn(call: &Call<'_>, name: &str) -> String {
    let (region, account) = (&call.request.region, call.caller.account_id);
    format!("arn:aws:ssm:{region}:{account}:parameter/{}", name.trim_start_matches('/'))
}

fn up_to_ten<'a>(call: &Call<'a>) -> Result<Vec<&'a str>, Fault> {
    let names = call.parameters.texts("Names");
    if (1..=10).contains(&names.len()) {
        Ok(names)
    } else {
        Err(call.parameters.constraint(names.len(), "Names", "Member must have length between 1 and 10"))
    }
}

fn missing(name: &str) -> Fault {
    Fault::refused("ParameterNotFound", 400, format!("Parameter {name} not found."))
}
