//! Reading the parameters of a call, and refusing wrong ones in the words of the service.

use jiff::Timestamp;

use crate::api::{Fault, Service, Tree};

/// The parameters of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) service: Service,
}

impl<'a> Parameters<'a> {
    /// The text of that name, if given.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.tree.text(name)
    }

    /// The text of that name.
    pub(crate) fn required(&self, name: &str) -> Result<&'a str, Fault> {
        self.text(name).ok_or_else(|| self.constraint("null", name, "Member must not be null"))
    }

    /// The integer of that name, if given, which must be in the range.
    pub(crate) fn integer(&self, name: &str, lowest: i64, highest: i64) -> Result<Option<i64>, Fault> {
        let Some(given) = self.tree.get(name) else { return Ok(None) };
        let shown = given.as_text().map_or_else(|| format!("{:?}", self.tree.integer(name)), str::to_owned);
        match self.tree.integer(name) {
            None => Err(self.invalid(format!("{shown} for {name} is not an integer"))),
            Some(value) if value < lowest => Err(self.constraint(
                value,
                name,
                &format!("Member must have value greater than or equal to {lowest}"),
            )),
            Some(value) if value > highest => Err(self.constraint(
                value,
                name,
                &format!("Member must have value less than or equal to {highest}"),
            )),
            Some(value) => Ok(Some(value)),
        }
    }

    /// A page size in the range `1..=highest`; `default` if not given.
    pub(crate) fn page_size(&self, name: &str, default: usize, highest: i64) -> Result<usize, Fault> {
        let given = self.integer(name, 1, highest)?;
        Ok(given.and_then(|size| usize::try_from(size).ok()).unwrap_or(default))
    }

    /// The instant of that name, if given.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        match self.tree.get(name) {
            None => Ok(None),
            Some(_) => match self.tree.time(name) {
                Some(at) => Ok(Some(at)),
                None => Err(self.invalid(format!("{name} is not a time"))),
            },
        }
    }

    /// The boolean of that name; false if absent.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.tree.boolean(name).unwrap_or(false)
    }

    /// The texts of the list of that name; none if it is absent.
    pub(crate) fn texts(&self, name: &str) -> Vec<&'a str> {
        self.tree.items(name).iter().filter_map(Tree::as_text).collect()
    }

    /// The `Key`/`Value` pairs of the list of that name.
    pub(crate) fn tags(&self, name: &str) -> Result<Vec<(String, String)>, Fault> {
        let mut tags: Vec<(String, String)> = Vec::new();
        for tag in self.tree.items(name) {
            let (Some(key), Some(value)) = (tag.text("Key"), tag.text("Value")) else {
                return Err(self.constraint("null", "tags", "a tag must have a key and a value"));
            };
            if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
                return Err(self.constraint(key, "tags", "Member must have length between 1 and 128"));
            }
            if key.to_ascii_lowercase().starts_with("aws:") {
                return Err(self.invalid("System tags cannot be added/updated/deleted by user.".to_owned()));
            }
            if tags.iter().any(|(known, _)| known == key) {
                return Err(self.invalid("Duplicate tag keys found.".to_owned()));
            }
            tags.push((key.to_owned(), value.to_owned()));
        }
        Ok(tags)
    }

    /// A text of one of the given values.
    pub(crate) fn one_of(&self, name: &str, value: &str, values: &[&str]) -> Result<(), Fault> {
        if values.contains(&value) {
            return Ok(());
        }
        let constraint = format!("Member must satisfy enum value set: [{}]", values.join(", "));
        Err(self.constraint(value, name, &constraint))
    }

    /// Refuses a text whose length is not in the range or that holds a character which is not legal.
    pub(crate) fn check_text(
        &self,
        name: &str,
        value: &str,
        longest: usize,
        legal: fn(char) -> bool,
    ) -> Result<(), Fault> {
        if value.is_empty() {
            return Err(self.constraint(value, name, "Member must have length greater than or equal to 1"));
        }
        if value.chars().count() > longest {
            let constraint = format!("Member must have length less than or equal to {longest}");
            return Err(self.constraint(value, name, &constraint));
        }
        if value.chars().all(legal) {
            Ok(())
        } else {
            Err(self.invalid(format!("The specified value for {} is invalid.", lower_first(name))))
        }
    }

    /// The refusal of a value, as AWS's model validation words it.
    pub(crate) fn constraint(&self, value: impl std::fmt::Display, name: &str, constraint: &str) -> Fault {
        let name = lower_first(name);
        let shown = value.to_string();
        let shown = if shown == "null" { shown } else { format!("'{shown}'") };
        self.invalid(format!(
            "1 validation error detected: Value {shown} at '{name}' failed to satisfy constraint: {constraint}"
        ))
    }

    /// The refusal of a wrong request.
    pub(crate) fn invalid(&self, message: String) -> Fault {
        let code = match self.service {
            Service::Iam | Service::Sts | Service::CloudWatch => "ValidationError",
            Service::Organizations => "InvalidInputException",
            _ => "ValidationException",
        };
        Fault::refused(code, 400, message)
    }
}

/// A member name as validation messages and CloudTrail write it: `UserName` is `userName`, `ARN` is `arn`.
pub(crate) fn lower_first(name: &str) -> String {
    if name.chars().all(|letter| letter.is_ascii_uppercase()) {
        return name.to_ascii_lowercase();
    }
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str()).unwrap_or_default()
}
