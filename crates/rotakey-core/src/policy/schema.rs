//! The JSON Schema of `rotakey.toml`, for editors.

use schemars::{JsonSchema, Schema, json_schema, schema_for};

use super::config::Config;

/// The JSON Schema (draft 2020-12) of the configuration file. It agrees with [`check`](super::check) on the
/// keys and their types; what goes beyond them (limits, rules that never decide) only `check` tells.
pub fn json_schema() -> Schema {
    schema_for!(Config)
}

/// A list, or a single value in place of a list of one.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it only describes: its schema is all that is used of it")]
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// Declares the schema of a text of a certain form.
macro_rules! text_schema {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

text_schema!(
    /// An [`AccountId`](crate::id::AccountId).
    AccountNumber,
    { "type": "string", "description": "An AWS account id.", "pattern": "^[0-9]{12}$" }
);

text_schema!(
    /// An [`AccessKeyId`](crate::id::AccessKeyId).
    KeyId,
    { "type": "string", "description": "The id of an access key.", "pattern": "^[A-Z0-9]{16,128}$" }
);

text_schema!(
    /// A day, as a TOML date or as a text.
    Day,
    { "type": "string", "description": "A day, such as 2027-01-31.", "format": "date" }
);

text_schema!(
    /// A [`Weekday`](jiff::civil::Weekday).
    DayOfWeek,
    { "description": "A day of the week.", "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] }
);

text_schema!(
    /// A [`Time`](jiff::civil::Time) in whole minutes.
    TimeOfDay,
    { "type": "string", "description": "A time of the day, such as 22:30.", "pattern": "^[0-2][0-9]:[0-5][0-9]$" }
);

text_schema!(
    /// A day, or a local time, as a TOML date or as a text.
    LocalTime,
    { "type": "string", "description": "A day, or a local time, such as 2027-01-31T18:00:00." }
);

text_schema!(
    /// A [`Share`](crate::rotate::controls::Share).
    NumberOrShare,
    {
        "description": "A number, or a share of the users with an active key, such as \"10%\".",
        "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": "^[0-9]{1,3} ?%$" },
        ],
    }
);

text_schema!(
    /// An instant in RFC 3339.
    Instant,
    { "type": "string", "description": "An instant in UTC.", "format": "date-time" }
);
