//! Reads the CloudFormation templates: the part of YAML that they are written in, and what their functions come to.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

/// A template of this repository, whose parameters have these values or else their defaults.
pub(crate) struct Template {
    document: Value,
    parameters: BTreeMap<String, String>,
}

impl Template {
    /// Reads it. `account` is the account that it is deployed in.
    pub(crate) fn read(name: &str, account: &str, given: &[(&str, &str)]) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../integrations/cloudformation");
        let text = std::fs::read_to_string(Path::new(folder).join(name)).expect("the template is there");
        let document = parse(&text);
        let mut parameters: BTreeMap<String, String> =
            [("AWS::Partition", "aws"), ("AWS::AccountId", account)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        for (name, parameter) in document["Parameters"].as_object().expect("there are parameters") {
            let given = given.iter().find(|(given, _)| given == name).map(|(_, value)| *value);
            let value = given.or(parameter["Default"].as_str());
            let value = value.unwrap_or_else(|| panic!("{name} has no value"));
            parameters.insert(name.clone(), value.to_owned());
        }
        for (name, _) in given {
            assert!(parameters.contains_key(*name), "the template has no parameter {name}");
        }
        Self { document, parameters }
    }

    /// The properties of its one role, with all functions resolved.
    fn role(&self) -> Value {
        self.resolve(&self.document["Resources"]["Role"]["Properties"])
    }

    pub(crate) fn role_name(&self) -> String {
        self.role()["RoleName"].as_str().expect("the role has a name").to_owned()
    }

    pub(crate) fn trust(&self) -> Value {
        self.role()["AssumeRolePolicyDocument"].clone()
    }

    /// The policies of the role, with their names: its own, and those that are let be by their conditions.
    pub(crate) fn policies(&self) -> Vec<(String, Value)> {
        let resources = self.document["Resources"].as_object().expect("there are resources").values();
        let apart = resources.filter(|resource| resource["Type"] == "AWS::IAM::RolePolicy");
        let apart = apart.filter(|policy| policy["Condition"].as_str().is_none_or(|name| self.holds(name)));
        let own = self.document["Resources"]["Role"]["Properties"]["Policies"].as_array();
        let all = own.into_iter().flatten().chain(apart.map(|policy| &policy["Properties"]));
        let read = |policy: &Value| {
            let name = policy["PolicyName"].as_str().expect("a policy has a name").to_owned();
            (name, self.resolve(&policy["PolicyDocument"]))
        };
        all.map(read).collect()
    }

    fn holds(&self, name: &str) -> bool {
        let condition = &self.document["Conditions"][name];
        assert!(!condition.is_null(), "the template has no condition {name}");
        self.is_true(condition)
    }

    fn is_true(&self, condition: &Value) -> bool {
        if let Some([condition]) = condition["Fn::Not"].as_array().map(Vec::as_slice) {
            return !self.is_true(condition);
        }
        match condition["Fn::Equals"].as_array().map(Vec::as_slice) {
            Some([one, other]) => self.resolve(one) == self.resolve(other),
            _ => panic!("not understood: {condition}"),
        }
    }

    fn resolve(&self, value: &Value) -> Value {
        match value {
            Value::Array(values) => values.iter().map(|value| self.resolve(value)).collect(),
            Value::Object(members) => {
                if let Some(name) = members.get("Ref").and_then(Value::as_str) {
                    return self.parameter(name).into();
                }
                if let Some(text) = members.get("Fn::Sub").and_then(Value::as_str) {
                    return self.substitute(text).into();
                }
                let resolve = |(key, value): (&String, &Value)| (key.clone(), self.resolve(value));
                Value::Object(members.iter().map(resolve).collect())
            }
            other => other.clone(),
        }
    }

    fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).unwrap_or_else(|| panic!("there is no parameter {name}"))
    }

    fn substitute(&self, text: &str) -> String {
        let mut pieces = text.split("${");
        let mut resolved = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').expect("a name ends with a brace");
            resolved.push_str(self.parameter(name));
            resolved.push_str(rest);
        }
        resolved
    }
}

/// One action in one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) sid: String,
    pub(crate) action: String,
}

/// All that a policy grants, in its order.
pub(crate) fn grants(policy: &Value) -> Vec<Grant> {
    let statements = policy["Statement"].as_array().expect("a list of statements").iter();
    let grants = statements.flat_map(|statement| {
        let sid = statement["Sid"].as_str().expect("a statement has a Sid");
        let actions = match &statement["Action"] {
            Value::Array(actions) => actions.as_slice(),
            action => std::slice::from_ref(action),
        };
        actions.iter().map(move |action| {
            let action = action.as_str().expect("an action is a text").to_owned();
            Grant { sid: sid.to_owned(), action }
        })
    });
    grants.collect()
}

/// The policy without that action in that statement, and without the statement if it was its last; `None` if nothing is
/// left.
pub(crate) fn without(policy: &Value, grant: &Grant) -> Option<Value> {
    let statements = policy["Statement"].as_array().expect("a list of statements").iter();
    let kept = statements.filter_map(|statement| {
        if statement["Sid"] != grant.sid.as_str() {
            return Some(statement.clone());
        }
        let mut statement = statement.clone();
        let grants = grants(&json!({ "Statement": [statement] })).into_iter();
        let kept: Vec<String> = grants.map(|it| it.action).filter(|action| *action != grant.action).collect();
        statement["Action"] = json!(kept);
        (!kept.is_empty()).then_some(statement)
    });
    let kept: Vec<Value> = kept.collect();
    (!kept.is_empty()).then(|| json!({ "Version": "2012-10-17", "Statement": kept }))
}

/// A line without its comment: how far it is indented, and its content.
type Line<'t> = (usize, &'t str);

/// Reads maps, lists, texts, texts over several lines (`>-`), lists in brackets, and the short forms of functions.
fn parse(text: &str) -> Value {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let mut lines: Vec<Line<'_>> =
        lines.map(|line| (line.len() - line.trim_start().len(), line.trim())).collect();
    let mut at = 0;
    let value = block(&mut lines, &mut at);
    assert_eq!(at, lines.len(), "not read: {:?}", lines.get(at));
    value
}

fn block<'t>(lines: &mut Vec<Line<'t>>, at: &mut usize) -> Value {
    let indent = lines[*at].0;
    let is_list = lines[*at].1.starts_with("- ");
    let (mut list, mut map) = (Vec::new(), Map::new());
    while let Some(&(depth, content)) = lines.get(*at) {
        if depth != indent {
            assert!(depth < indent, "indented too far: {content}");
            break;
        }
        if is_list {
            let item = content.strip_prefix("- ").unwrap_or_else(|| panic!("no item of a list: {content}"));
            if key_of(item).is_some() {
                // The first line of a map: the others are as far in as its key.
                lines[*at] = (indent + 2, item);
                list.push(block(lines, at));
            } else {
                list.push(scalar(item));
                *at += 1;
            }
            continue;
        }
        let (key, rest) = key_of(content).unwrap_or_else(|| panic!("no key: {content}"));
        *at += 1;
        let value = match rest {
            "" => block(lines, at),
            ">-" => {
                let mut words = Vec::new();
                while let Some((_, content)) = lines.get(*at).filter(|(depth, _)| *depth > indent) {
                    words.push(*content);
                    *at += 1;
                }
                words.join(" ").into()
            }
            rest => scalar(rest),
        };
        assert!(map.insert(key.to_owned(), value).is_none(), "twice: {key}");
    }
    if is_list { list.into() } else { map.into() }
}

/// The key before a colon that ends a line or has a space behind it, and what follows.
fn key_of(content: &str) -> Option<(&str, &str)> {
    if content.starts_with(['"', '!']) {
        return None;
    }
    match content.split_once(": ") {
        Some((key, rest)) => Some((key, rest.trim())),
        None => content.strip_suffix(':').map(|key| (key, "")),
    }
}

fn scalar(text: &str) -> Value {
    if let Some((function, argument)) = text.strip_prefix('!').and_then(|rest| rest.split_once(' ')) {
        let name = if function == "Ref" { function.to_owned() } else { format!("Fn::{function}") };
        return json!({ name: scalar(argument.trim()) });
    }
    if let Some(list) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return items(list).into_iter().map(|item| scalar(item.trim())).collect();
    }
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => quoted.into(),
        None => text.into(),
    }
}

/// The items of a list in brackets, of which some may be lists.
fn items(list: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&list[start..]);
    items
}

#[test]
fn a_template_is_read_as_yaml_means_it() {
    let text = "A: 1\n# a comment\nB:\n  - x: !Ref P\n    y: \"a: b\"\n  - plain\nC: >-\n  two\n  lines\nD: [a, b]\nE:\n  F: !Sub \"arn:${P}\"\nG: !Not [!Equals [!Ref P, \"\"]]\n";
    let expected = json!({
        "A": "1", "B": [{"x": {"Ref": "P"}, "y": "a: b"}, "plain"], "C": "two lines", "D": ["a", "b"],
        "E": {"F": {"Fn::Sub": "arn:${P}"}}, "G": {"Fn::Not": [{"Fn::Equals": [{"Ref": "P"}, ""]}]},
    });
    assert_eq!(parse(text), expected);
}
