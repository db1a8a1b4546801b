//! Policy documents from what is to be granted: grouped, minified, and split where they grow too long.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// The most characters of a managed policy, white space not counted ("IAM and AWS STS quotas", IAM user guide).
pub const MOST_CHARACTERS: usize = 6_144;

/// A policy document. Its fields are in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    /// `2012-10-17`.
    pub version: &'static str,
    /// The statements.
    pub statement: Vec<Statement>,
}

/// A statement that allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Its name.
    pub sid: String,
    /// `Allow`.
    pub effect: &'static str,
    /// The actions, sorted.
    pub action: Vec<String>,
    /// The resources, sorted; `*` stands alone.
    pub resource: Vec<String>,
}

impl Document {
    /// The document as it is given to IAM, without white space.
    pub fn minified(&self) -> String {
        serde_json::to_string(self).expect("strings and lists can be written")
    }
}

/// The documents that grant each action on its resources; of an action without resources, on all.
pub(super) fn documents(grants: &BTreeMap<String, BTreeSet<String>>) -> Vec<Document> {
    let mut groups: BTreeMap<(&str, Vec<String>), Vec<String>> = BTreeMap::new();
    for (action, resources) in grants {
        let prefix = action.split(':').next().unwrap_or_default();
        let resources = match resources.is_empty() {
            true => vec!["*".to_owned()],
            false => resources.iter().cloned().collect(),
        };
        groups.entry((prefix, resources)).or_default().push(action.clone());
    }
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut documents: Vec<Document> = Vec::new();
    for ((prefix, resources), actions) in groups {
        let mut pieces = vec![(actions, resources)];
        while let Some((actions, resources)) = pieces.pop() {
            let number = numbers.entry(prefix).or_default();
            let statement = Statement {
                sid: format!("{}{}", sid(prefix), *number + 1),
                effect: "Allow",
                action: actions,
                resource: resources,
            };
            let alone = Document { version: "2012-10-17", statement: vec![statement] };
            if alone.minified().chars().count() > MOST_CHARACTERS
                && let Some((first, second)) = halves(&alone.statement[0])
            {
                pieces.extend([second, first]);
                continue;
            }
            *number += 1;
            append(&mut documents, alone);
        }
    }
    documents
}

/// Adds the statement to the last document if there is room, else as one of its own.
fn append(documents: &mut Vec<Document>, alone: Document) {
    if let Some(last) = documents.last_mut() {
        let mut both = last.clone();
        both.statement.extend(alone.statement.iter().cloned());
        if both.minified().chars().count() <= MOST_CHARACTERS {
            *last = both;
            return;
        }
    }
    documents.push(alone);
}

type Piece = (Vec<String>, Vec<String>);

/// The statement in two, by its resources if it has several, else by its actions.
fn halves(statement: &Statement) -> Option<(Piece, Piece)> {
    let split = |list: &[String]| {
        let (first, second) = list.split_at(list.len() / 2);
        (first.to_vec(), second.to_vec())
    };
    let (actions, resources) = (&statement.action, &statement.resource);
    if resources.len() > 1 {
        let (first, second) = split(resources);
        Some(((actions.clone(), first), (actions.clone(), second)))
    } else if actions.len() > 1 {
        let (first, second) = split(actions);
        Some(((first, resources.clone()), (second, resources.clone())))
    } else {
        None
    }
}

/// The beginning of the names of a service's statements: letters and digits only.
fn sid(prefix: &str) -> String {
    let mut sid = String::new();
    for word in prefix.split(|character: char| !character.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        sid.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        sid.push_str(letters.as_str());
    }
    sid.push_str("Calls");
    sid
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(list: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        list.iter()
            .map(|(action, arns)| ((*action).to_owned(), arns.iter().map(|arn| (*arn).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn actions_on_the_same_resources_share_a_statement() {
        let documents = documents(&grants(&[
            ("s3:PutObject", &["arn:aws:s3:::b/*"]),
            ("s3:GetObject", &["arn:aws:s3:::b/*"]),
            ("s3:ListAllMyBuckets", &[]),
            ("application-autoscaling:RegisterScalableTarget", &[]),
        ]));
        assert_eq!(documents.len(), 1);
        assert_eq!(
            documents[0].minified(),
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"ApplicationAutoscalingCalls1","Effect":"Allow","Action":["application-autoscaling:RegisterScalableTarget"],"Resource":["*"]},{"Sid":"S3Calls1","Effect":"Allow","Action":["s3:ListAllMyBuckets"],"Resource":["*"]},{"Sid":"S3Calls2","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::b/*"]}]}"#
        );
    }

    #[test]
    fn what_is_too_long_is_split_and_nothing_is_lost() {
        let arns: Vec<String> = (0..400).map(|number| format!("arn:aws:s3:::bucket-{number:03}/*")).collect();
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        let actions: Vec<String> = (0..900).map(|number| format!("ec2:Describe{number}")).collect();
        let mut list: Vec<(&str, &[&str])> = vec![("s3:GetObject", &arns), ("s3:PutObject", &arns)];
        list.extend(actions.iter().map(|action| (action.as_str(), &[][..])));
        let wanted = grants(&list);
        let documents = documents(&wanted);
        assert!(documents.len() > 3);
        let mut granted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut sids = BTreeSet::new();
        for document in &documents {
            assert!(document.minified().len() <= MOST_CHARACTERS);
            for statement in &document.statement {
                assert!(sids.insert(&statement.sid), "names are unique");
                for action in &statement.action {
                    let resources = granted.entry(action.clone()).or_default();
                    resources.extend(statement.resource.iter().filter(|arn| *arn != "*").cloned());
                }
            }
        }
        assert_eq!(granted, wanted);
    }
}
