//! Conditions of statements.

use std::net::IpAddr;

use crate::date;
use crate::document::Version;
use crate::evaluate::Context;
use crate::pattern::Pattern;

/// One operator applied to one condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// How the values are compared.
    pub operator: Operator,
    /// The condition key, such as `sts:ExternalId`; its case does not matter.
    pub key: String,
    /// The values, one of which must match (none of which may, if the operator is negated).
    pub values: Vec<String>,
}

/// A condition operator such as `ForAnyValue:StringNotLikeIfExists`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// `ForAnyValue:` or `ForAllValues:`.
    pub set: Option<SetOperator>,
    /// How one value is compared with one other.
    pub comparison: Comparison,
    /// Whether it is the `Not` form.
    pub negated: bool,
    /// Whether it ends in `IfExists`.
    pub if_exists: bool,
}

/// How an operator treats a key with several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    /// One value of the request is enough.
    ForAnyValue,
    /// Every value of the request must do; a request without the key does too.
    ForAllValues,
}

/// How one value of a request is compared with one value of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// `StringEquals`, `StringNotEquals`; `BinaryEquals`, which compares base64.
    StringEquals,
    /// `StringEqualsIgnoreCase`, `StringNotEqualsIgnoreCase`.
    StringEqualsIgnoreCase,
    /// `StringLike`, `StringNotLike`: with wildcards.
    StringLike,
    /// `ArnLike`, `ArnEquals` (which mean the same) and their `Not` forms: wildcards within the parts.
    ArnLike,
    /// `NumericEquals`, `NumericLessThan` and so on: which orderings of request to policy value hold.
    Numeric(Orderings),
    /// `DateEquals`, `DateLessThan` and so on.
    Date(Orderings),
    /// `Bool`.
    Bool,
    /// `IpAddress`, `NotIpAddress`: an address within a CIDR range.
    IpAddress,
    /// `Null`: whether the key is absent.
    Null,
    /// An operator that this crate does not know, by its name.
    Unknown(String),
}

/// The orderings of the request's value against the policy's that satisfy an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orderings {
    less: bool,
    equal: bool,
    greater: bool,
}

impl Orderings {
    /// The orderings behind `Equals`, `LessThan`, … and whether it is a `Not` form.
    fn from_suffix(suffix: &str) -> Option<(Self, bool)> {
        let (less, equal, greater, negated) = match suffix {
            "Equals" => (false, true, false, false),
            "NotEquals" => (false, true, false, true),
            "LessThan" => (true, false, false, false),
            "LessThanEquals" => (true, true, false, false),
            "GreaterThan" => (false, false, true, false),
            "GreaterThanEquals" => (false, true, true, false),
            _ => return None,
        };
        Some((Self { less, equal, greater }, negated))
    }

    fn admit(self, ordering: std::cmp::Ordering) -> bool {
        match ordering {
            std::cmp::Ordering::Less => self.less,
            std::cmp::Ordering::Equal => self.equal,
            std::cmp::Ordering::Greater => self.greater,
        }
    }
}

impl Operator {
    /// The operator of that name. Never fails: see [`Comparison::Unknown`].
    pub fn from_name(name: &str) -> Self {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAnyValue", rest)) => (Some(SetOperator::ForAnyValue), rest),
            Some(("ForAllValues", rest)) => (Some(SetOperator::ForAllValues), rest),
            _ => (None, name),
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (comparison, negated) = match base {
            "StringEquals" | "BinaryEquals" => (Comparison::StringEquals, false),
            "StringNotEquals" => (Comparison::StringEquals, true),
            "StringEqualsIgnoreCase" => (Comparison::StringEqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Comparison::StringEqualsIgnoreCase, true),
            "StringLike" => (Comparison::StringLike, false),
            "StringNotLike" => (Comparison::StringLike, true),
            "ArnEquals" | "ArnLike" => (Comparison::ArnLike, false),
            "ArnNotEquals" | "ArnNotLike" => (Comparison::ArnLike, true),
            "Bool" => (Comparison::Bool, false),
            "IpAddress" => (Comparison::IpAddress, false),
            "NotIpAddress" => (Comparison::IpAddress, true),
            "Null" if !if_exists => (Comparison::Null, false),
            _ => numeric_or_date(base).unwrap_or_else(|| (Comparison::Unknown(name.to_owned()), false)),
        };
        Self { set, comparison, negated, if_exists }
    }
}

fn numeric_or_date(base: &str) -> Option<(Comparison, bool)> {
    if let Some(suffix) = base.strip_prefix("Numeric") {
        let (orderings, negated) = Orderings::from_suffix(suffix)?;
        return Some((Comparison::Numeric(orderings), negated));
    }
    let (orderings, negated) = Orderings::from_suffix(base.strip_prefix("Date")?)?;
    Some((Comparison::Date(orderings), negated))
}

/// A text on one of the two sides that the comparison cannot read, or an unknown comparison.
struct CannotCompare;

impl Condition {
    /// Whether the condition is met, or `None` if that cannot be told: the operator is unknown, or a value
    /// is not what the operator compares.
    pub(crate) fn is_met(&self, version: Version, context: &Context) -> Option<bool> {
        let found = context.get(&self.key);
        if self.operator.comparison == Comparison::Null {
            let wanted_absent = self.values.iter().map(|value| boolean(value)).collect::<Option<Vec<_>>>()?;
            return Some(wanted_absent.contains(&found.is_none()));
        }
        if let Comparison::Unknown(_) = self.operator.comparison {
            return None;
        }
        let Some(found) = found else { return Some(self.is_met_without_the_key()) };
        let mut verdicts = Vec::with_capacity(found.len());
        for value in found {
            verdicts.push(self.matches_any(value, version, context).ok()? != self.operator.negated);
        }
        Some(match (self.operator.set, self.operator.negated) {
            (Some(SetOperator::ForAllValues), _) | (None, true) => verdicts.iter().all(|met| *met),
            (Some(SetOperator::ForAnyValue), _) | (None, false) => verdicts.iter().any(|met| *met),
        })
    }

    /// A negated operator holds of a key that is not there, as does `IfExists`.
    fn is_met_without_the_key(&self) -> bool {
        match self.operator.set {
            Some(SetOperator::ForAllValues) => true,
            Some(SetOperator::ForAnyValue) => self.operator.if_exists,
            None => self.operator.negated || self.operator.if_exists,
        }
    }

    /// Whether one of the policy's values matches. All are compared, so that an unreadable one shows
    /// wherever it stands.
    fn matches_any(&self, found: &str, version: Version, context: &Context) -> Result<bool, CannotCompare> {
        let mut any = false;
        for value in &self.values {
            any |= self.matches(found, value, version, context)?;
        }
        Ok(any)
    }

    fn matches(
        &self,
        found: &str,
        value: &str,
        version: Version,
        context: &Context,
    ) -> Result<bool, CannotCompare> {
        let literal = || Pattern::literal_with_variables(value, version, context);
        let wild = || Pattern::with_variables(value, version, context);
        match &self.operator.comparison {
            Comparison::StringEquals => Ok(literal().is_some_and(|pattern| pattern.matches(found))),
            Comparison::StringEqualsIgnoreCase => {
                Ok(literal()
                    .is_some_and(|pattern| pattern.to_lowercase().matches(&found.to_ascii_lowercase())))
            }
            Comparison::StringLike => Ok(wild().is_some_and(|pattern| pattern.matches(found))),
            Comparison::ArnLike => Ok(wild().is_some_and(|pattern| pattern.matches_arn(found))),
            Comparison::Numeric(orderings) => {
                let (found, value) = both(found, value, number)?;
                found.partial_cmp(&value).map(|order| orderings.admit(order)).ok_or(CannotCompare)
            }
            Comparison::Date(orderings) => {
                let (found, value) = both(found, value, date::parse)?;
                Ok(orderings.admit(found.cmp(&value)))
            }
            Comparison::Bool => both(found, value, boolean).map(|(found, value)| found == value),
            Comparison::IpAddress => {
                let address = found.parse().map_err(|_| CannotCompare)?;
                let (network, length) = cidr(value).ok_or(CannotCompare)?;
                Ok(is_within(address, network, length))
            }
            Comparison::Null | Comparison::Unknown(_) => Err(CannotCompare),
        }
    }
}

fn both<T>(found: &str, value: &str, read: impl Fn(&str) -> Option<T>) -> Result<(T, T), CannotCompare> {
    read(found).zip(read(value)).ok_or(CannotCompare)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// A network and the length of its prefix; a bare address is a network of one.
fn cidr(text: &str) -> Option<(IpAddr, u32)> {
    let (network, length) = match text.split_once('/') {
        Some((network, length)) => (network, Some(length.parse().ok()?)),
        None => (text, None),
    };
    let network: IpAddr = network.parse().ok()?;
    let bits = if network.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(bits);
    if length <= bits { Some((network, length)) } else { None }
}

fn is_within(address: IpAddr, network: IpAddr, length: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            (address.to_bits() ^ network.to_bits()).checked_shr(32 - length).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            (address.to_bits() ^ network.to_bits()).checked_shr(128 - length).unwrap_or(0) == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `operator` over the key `k` with those policy values is met by a request with these values
    /// of it.
    fn met(operator: &str, values: &[&str], found: &[&str]) -> Option<bool> {
        let condition = Condition {
            operator: Operator::from_name(operator),
            key: "K".to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let context = Context::new().with("me", "alice");
        let context = if found.is_empty() { context } else { context.with_all("k", found.iter().copied()) };
        condition.is_met(Version::V2012, &context)
    }

    #[test]
    fn operators_compare_as_documented() {
        for (operator, value, found, expected) in [
            ("StringEquals", "a*", "a*", true),
            ("StringEquals", "a*", "ab", false),
            ("StringEquals", "${me}", "alice", true),
            ("StringEquals", "${nobody}", "alice", false),
            ("StringNotEquals", "a", "A", true),
            ("StringEqualsIgnoreCase", "Ab", "aB", true),
            ("StringNotEqualsIgnoreCase", "Ab", "aB", false),
            ("StringLike", "a?c*", "abcd", true),
            ("StringLike", "a?c*", "ABCD", false),
            ("StringNotLike", "a*", "abcd", false),
            ("BinaryEquals", "QUJD", "QUJD", true),
            ("ArnEquals", "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:role/x", true),
            ("ArnLike", "arn:aws:iam::*", "arn:aws:iam::111122223333:role/x", true),
            ("ArnNotLike", "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:user/x", true),
            ("NumericEquals", "10", "10.0", true),
            ("NumericNotEquals", "10", "10.0", false),
            ("NumericLessThan", "10", "9", true),
            ("NumericLessThanEquals", "10", "10", true),
            ("NumericGreaterThan", "10", "10", false),
            ("NumericGreaterThanEquals", "9", "10", true),
            ("DateLessThan", "2026-11-23T00:00:00Z", "2026-11-22T23:59:59Z", true),
            ("DateGreaterThan", "2026-11-23", "2026-11-23T00:00:00Z", false),
            ("DateGreaterThanEquals", "2026-11-23", "2026-11-23T00:00:00Z", true),
            ("DateNotEquals", "1795392000", "2026-11-23T00:00:00Z", false),
            ("Bool", "true", "True", true),
            ("Bool", "false", "true", false),
            ("IpAddress", "203.0.113.0/24", "203.0.113.77", true),
            ("IpAddress", "203.0.113.0/24", "203.0.114.77", false),
            ("IpAddress", "0.0.0.0/0", "8.8.8.8", true),
            ("IpAddress", "203.0.113.7", "203.0.113.7", true),
            ("IpAddress", "2001:db8::/32", "2001:db8:1::1", true),
            ("IpAddress", "::/0", "203.0.113.7", false),
            ("NotIpAddress", "203.0.113.0/24", "203.0.113.77", false),
        ] {
            assert_eq!(met(operator, &[value], &[found]), Some(expected), "{operator} {value} {found}");
        }
    }

    #[test]
    fn an_absent_key_meets_negated_and_if_exists_operators_alone() {
        for (operator, value, expected) in [
            ("StringEquals", "a", false),
            ("StringNotEquals", "a", true),
            ("StringEqualsIfExists", "a", true),
            ("NumericLessThan", "1", false),
            ("Bool", "false", false),
            ("BoolIfExists", "true", true),
            ("Null", "true", true),
            ("Null", "false", false),
            ("ForAllValues:StringEquals", "a", true),
            ("ForAnyValue:StringEquals", "a", false),
            ("ForAnyValue:StringNotEquals", "a", false),
        ] {
            assert_eq!(met(operator, &[value], &[]), Some(expected), "{operator} {value}");
        }
        assert_eq!(met("Null", &["false"], &["x"]), Some(true));
        assert_eq!(met("Null", &["true"], &["x"]), Some(false));
    }

    #[test]
    fn keys_with_several_values() {
        for (operator, found, expected) in [
            ("ForAnyValue:StringEquals", ["a", "x"], true),
            ("ForAnyValue:StringEquals", ["x", "y"], false),
            ("ForAllValues:StringEquals", ["a", "b"], true),
            ("ForAllValues:StringEquals", ["a", "x"], false),
            ("ForAnyValue:StringNotEquals", ["a", "x"], true),
            ("ForAllValues:StringNotEquals", ["a", "x"], false),
            ("StringNotEquals", ["a", "x"], false),
        ] {
            assert_eq!(met(operator, &["a", "b"], &found), Some(expected), "{operator} {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_neither_met_nor_unmet() {
        for (operator, value, found) in [
            ("StringResembles", "a", "a"),
            ("ForSomeValues:StringEquals", "a", "a"),
            ("NullIfExists", "true", "a"),
            ("NumericEquals", "ten", "10"),
            ("NumericEquals", "10", "ten"),
            ("NumericEquals", "NaN", "10"),
            ("DateLessThan", "soon", "2026-11-23"),
            ("Bool", "yes", "true"),
            ("Null", "perhaps", "x"),
            ("IpAddress", "203.0.113.0/33", "203.0.113.7"),
            ("IpAddress", "203.0.113.0/24", "here"),
        ] {
            assert_eq!(met(operator, &[value], &[found]), None, "{operator} {value} {found}");
        }
    }
}
