//! What is known already: the file `.secrets.baseline` of detect-secrets 1.5.0.
//!
//! The file is kept so that detect-secrets works with it unchanged. What its own `AWSKeyDetector` finds stands in `results`, as
//! detect-secrets writes it. Its hook drops from there what it does not find again, and it rewrites the file without
//! what it does not know; but it keeps the options of each entry of `filters_used`, known or not. So what only rotakey
//! finds (secrets by position, behind base64, in archives) stands there, as the option `results` of the filter
//! [`OWN_FILTER`], in the form that the other `results` have.
//!
//! An entry is recognised by its file, digest and type, and a finding by its file and digest: lines never matter. So a
//! baseline in which nothing is new stays as it is, to the byte.

use std::collections::HashMap;

use crate::finding::Finding;

mod audit;
mod json;
pub mod path;
mod peer;
mod read;
mod update;

#[cfg(test)]
mod tests;

pub use audit::{Entry, EntryId};
pub use read::BaselineError;
pub use update::{Changes, LineNumbers, Update};

use json::{Json, Layout, Object, member, member_mut};

/// What detect-secrets calls both halves of a key.
pub const AWS_TYPE: &str = "AWS Access Key";

/// The filter that holds what detect-secrets does not find. It passes over what has a scheme that it does not know; a name
/// with a dot it would take for a module of Python, and import.
pub const OWN_FILTER: &str = "rotakey:known";

/// The name that the file usually has.
pub const USUAL_NAME: &str = ".secrets.baseline";

/// A baseline.
#[derive(Debug, Clone)]
pub struct Baseline {
    document: Object,
    layout: Layout,
    /// The file as it was read, for as long as nothing has changed.
    original: Option<Vec<u8>>,
    /// The label of each value that is known in a file, whatever its type.
    known: HashMap<(String, [u8; 20]), Label>,
    /// The folder that the paths in the file are relative to.
    root: Option<String>,
}

/// What a person said of an entry. detect-secrets asks whether the value should be in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Nothing yet.
    Unlabelled,
    /// It may stay: it is no secret. `"is_secret": false`.
    Harmless,
    /// It is a secret and should not be there. `"is_secret": true`. It is known all the same: the hook of detect-secrets
    /// lets it pass too, since the baseline is there to stop what is new. It is counted apart, so that it is not forgotten.
    Real,
}

/// Where entries stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Shelf {
    /// In `results`.
    Results,
    /// In our own filter.
    Own,
}

impl Baseline {
    /// An empty baseline for a file of that name. It has detect-secrets look for AWS keys, call nobody, heed the marks that
    /// allow a line, and pass AWS's documented examples over, as rotakey does.
    pub fn new(name: &str) -> Self {
        let filter = |path: &str, options: Vec<(&str, Json)>| {
            let options = options.into_iter().map(|(key, value)| (key.to_owned(), value));
            let path = ("path".to_owned(), Json::text(format!("detect_secrets.filters.{path}")));
            Json::Object([path].into_iter().chain(options).collect())
        };
        let plugin = vec![("name".to_owned(), Json::text("AWSKeyDetector"))];
        let examples = Json::Array(vec![Json::text("EXAMPLE(KEY)?$")]);
        let filters = vec![
            filter("allowlist.is_line_allowlisted", Vec::new()),
            filter("common.is_baseline_file", vec![("filename", Json::text(name))]),
            filter("regex.should_exclude_secret", vec![("pattern", examples)]),
        ];
        let document = vec![
            ("version".to_owned(), Json::text("1.5.0")),
            ("plugins_used".to_owned(), Json::Array(vec![Json::Object(plugin)])),
            ("filters_used".to_owned(), Json::Array(filters)),
            ("results".to_owned(), Json::Object(Vec::new())),
        ];
        Self { document, layout: Layout::python(), original: None, known: HashMap::new(), root: None }
    }

    /// With the folder that the paths in the file are relative to, for findings whose paths are absolute.
    #[must_use]
    pub fn below(mut self, root: &str) -> Self {
        self.root = Some(root.to_owned());
        self
    }

    /// The file: as it was read, if nothing has changed.
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.original {
            Some(original) => original.clone(),
            None => self.layout.write(&DocumentForm(&self.document)),
        }
    }

    /// Whether it differs from the file that was read.
    pub fn is_changed(&self) -> bool {
        self.original.is_none()
    }

    /// What the baseline says of a finding; `None` if it does not know it. An entry of any type counts: detect-secrets files
    /// one value under several.
    pub fn knows(&self, finding: &Finding) -> Option<Label> {
        self.known.get(&(self.normal(&finding.path), finding.digests.sha1)).copied()
    }

    fn normal(&self, path: &str) -> String {
        path::normal(path, self.root.as_deref()).into_owned()
    }

    /// The files of a shelf.
    fn shelf(&self, shelf: Shelf) -> Option<&Object> {
        let results = match shelf {
            Shelf::Results => member(&self.document, "results"),
            Shelf::Own => {
                let filters = member(&self.document, "filters_used")?.as_array()?;
                filters.iter().find(|filter| is_own(filter))?.get("results")
            }
        };
        results?.as_object()
    }

    fn shelf_mut(&mut self, shelf: Shelf) -> Option<&mut Object> {
        let results = match shelf {
            Shelf::Results => member_mut(&mut self.document, "results"),
            Shelf::Own => {
                let filters = member_mut(&mut self.document, "filters_used")?.as_array_mut()?;
                let own = filters.iter_mut().find(|filter| is_own(filter))?;
                member_mut(own.as_object_mut()?, "results")
            }
        };
        results?.as_object_mut()
    }

    /// All entries, with their shelf and file.
    fn all(&self) -> impl Iterator<Item = (Shelf, &str, &Json)> {
        [Shelf::Results, Shelf::Own].into_iter().flat_map(|shelf| {
            let files = self.shelf(shelf).into_iter().flatten();
            files.flat_map(move |(file, entries)| {
                entries.as_array().into_iter().flatten().map(move |entry| (shelf, file.as_str(), entry))
            })
        })
    }

    /// Notes that the document is no longer what was read.
    fn changed(&mut self) {
        self.original = None;
        self.index();
    }

    fn index(&mut self) {
        let mut known = HashMap::new();
        for (_, file, entry) in self.all() {
            let Some(sha1) = digest_of(entry) else { continue };
            let label = known.entry((self.normal(file), sha1)).or_insert(Label::Unlabelled);
            *label = label_of(entry).max(*label);
        }
        self.known = known;
    }
}

/// The members of the document.
struct DocumentForm<'a>(&'a Object);

impl serde::Serialize for DocumentForm<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

fn is_own(filter: &Json) -> bool {
    filter.get("path").and_then(Json::as_text) == Some(OWN_FILTER)
}

/// The digest of an entry's value, where it is one.
fn digest_of(entry: &Json) -> Option<[u8; 20]> {
    let text = entry.get("hashed_secret")?.as_text()?;
    data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

fn type_of(entry: &Json) -> &str {
    entry.get("type").and_then(Json::as_text).unwrap_or_default()
}

fn line_of(entry: &Json) -> Option<u64> {
    match entry.get("line_number")? {
        Json::Number(number) => number.as_u64().filter(|&line| line > 0),
        _ => None,
    }
}

fn label_of(entry: &Json) -> Label {
    match entry.get("is_secret") {
        Some(Json::Bool(true)) => Label::Real,
        Some(Json::Bool(false)) => Label::Harmless,
        _ => Label::Unlabelled,
    }
}
