//! As much of JSON Schema as the published descriptions use.

use serde_json::Value;

/// A document with definitions that refer to each other.
pub(crate) struct Schemas(Value);

impl Schemas {
    pub(crate) fn read(path: &std::path::Path) -> Self {
        let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(serde_json::from_slice(&text).unwrap())
    }

    /// What is wrong with the value as that definition.
    pub(crate) fn check(&self, definition: &str, value: &Value) -> Result<(), String> {
        self.matches(&self.0["$defs"][definition], value, "$")
    }

    fn matches(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        assert!(schema.is_object() || schema.is_boolean(), "no schema for {at}");
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            return self.matches(&self.0["$defs"][name], value, at);
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !kinds.is_empty() && !kinds.iter().any(|kind| is_of(kind, value)) {
            return Err(format!("{at}: is not {}", kinds.join(" or ")));
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !value.is_null()
            && !allowed.contains(value)
        {
            return Err(format!("{at}: is none of {allowed:?}"));
        }
        if schema["format"] == "byte"
            && let Some(text) = value.as_str()
            && data_encoding::BASE64.decode(text.as_bytes()).is_err()
        {
            return Err(format!("{at}: is not base64"));
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            self.matches(&schema["items"], value, &format!("{at}[{index}]"))?;
        }
        let Some(fields) = value.as_object() else { return Ok(()) };
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(required) {
                return Err(format!("{at}: has no {required}"));
            }
        }
        for (name, value) in fields {
            let at = format!("{at}.{name}");
            match (schema["properties"].get(name), &schema["additionalProperties"]) {
                (Some(schema), _) => self.matches(schema, value, &at)?,
                (None, Value::Bool(false)) => return Err(format!("{at}: is not known")),
                (None, schema @ Value::Object(_)) => self.matches(schema, value, &at)?,
                (None, _) => {}
            }
        }
        Ok(())
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("a type {other}"),
    }
}
