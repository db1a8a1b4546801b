//! Bringing a baseline up to date with what a scan found.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::json::{Json, Object, member, member_mut};
use super::peer::{self, Finds};
use super::{AWS_TYPE, Baseline, EntryId, OWN_FILTER, Shelf, digest_of, line_of, type_of};
use crate::finding::Finding;

/// What a baseline is brought up to date with.
#[derive(Clone, Copy)]
pub struct Update<'a> {
    /// What was found, but for what is allowed by a mark.
    pub findings: &'a [Finding],
    /// Whether a file was scanned to its end, or no longer exists: only then an entry can be gone. For a member of a container
    /// the container is asked for.
    pub scanned: &'a dyn Fn(&str) -> bool,
    /// The bytes of a file as detect-secrets would read them, from which it is told what that finds; `None` where there is no
    /// such file.
    pub content: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// What is done with line numbers.
    pub lines: LineNumbers,
}

impl std::fmt::Debug for Update<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Update").field("findings", &self.findings.len()).finish_non_exhaustive()
    }
}

/// What is done with line numbers. detect-secrets audits only entries that have one, and rewrites the file when one that is
/// there is out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineNumbers {
    /// New entries have one, as long as others in the file do; those that are there stay as they are.
    #[default]
    Keep,
    /// Those that are there are brought up to date as well.
    Renew,
    /// New entries have none. The file then never churns, but cannot be audited by detect-secrets.
    Omit,
}

/// What an update changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The values that are known now.
    pub added: Vec<EntryId>,
    /// The entries whose values are gone.
    pub removed: Vec<EntryId>,
    /// How many entries have a new line number.
    pub renewed: usize,
}

/// A file's values: the lines that each is found on, and what it is.
type Values<'a> = BTreeMap<[u8; 20], (Vec<u64>, &'a Finding)>;

impl Baseline {
    /// Adds what is new, drops what is gone, and keeps everything else: labels, foreign entries, and the file to the byte if
    /// there is neither.
    pub fn update(&mut self, update: &Update<'_>) -> Changes {
        let found = self.by_file(update.findings);
        let mut peer = Peer { filters: self.peer_filters(), update, files: HashMap::new() };
        let stale = self.gone(&found, &mut peer);
        let mut changes = Changes::default();
        self.remove(&stale, &mut changes);
        if update.lines == LineNumbers::Renew {
            changes.renewed = self.renew(&found);
        }
        let with_lines = update.lines != LineNumbers::Omit && !self.is_slim();
        let mut new: BTreeMap<Shelf, BTreeMap<String, Vec<Json>>> = BTreeMap::new();
        for (path, values) in &found {
            for (sha1, (lines, finding)) in values {
                if self.known.contains_key(&(path.clone(), *sha1)) {
                    continue;
                }
                let line = lines.first().copied().filter(|_| with_lines);
                // What detect-secrets may fail to find may fall out of `results`, so it stands on both shelves.
                let shelves: &[Shelf] = match peer.finds(path, sha1) {
                    Some(Finds::Surely) => &[Shelf::Results],
                    Some(Finds::Perhaps) => &[Shelf::Results, Shelf::Own],
                    None => &[Shelf::Own],
                };
                for &shelf in shelves {
                    let entry = entry(shelf, path, sha1, line, finding);
                    new.entry(shelf).or_default().entry(path.clone()).or_default().push(entry);
                }
                let secret_type = AWS_TYPE.to_owned();
                changes.added.push(EntryId { path: path.clone(), sha1: *sha1, secret_type });
            }
        }
        for (shelf, new) in new {
            self.add(shelf, new);
        }
        if changes != Changes::default() {
            self.changed();
        }
        changes
    }

    /// The entries whose values are gone. Those of other plugins of detect-secrets are never among them.
    pub fn stale(&self, update: &Update<'_>) -> Vec<EntryId> {
        let mut peer = Peer { filters: self.peer_filters(), update, files: HashMap::new() };
        let gone = self.gone(&self.by_file(update.findings), &mut peer);
        let mut ids: Vec<EntryId> = gone.into_iter().map(|(_, id)| id).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn peer_filters(&self) -> peer::Filters {
        peer::Filters::of(member(&self.document, "filters_used").and_then(Json::as_array))
    }

    fn by_file<'f>(&self, findings: &'f [Finding]) -> BTreeMap<String, Values<'f>> {
        let mut files: BTreeMap<String, Values<'_>> = BTreeMap::new();
        for finding in findings {
            let values = files.entry(self.normal(&finding.path)).or_default();
            let (lines, _) = values.entry(finding.digests.sha1).or_insert_with(|| (Vec::new(), finding));
            lines.push(u64::from(finding.position.line));
        }
        for (lines, _) in files.values_mut().flat_map(BTreeMap::values_mut) {
            lines.sort_unstable();
        }
        files
    }

    fn gone(&self, found: &BTreeMap<String, Values<'_>>, peer: &mut Peer<'_>) -> HashSet<(Shelf, EntryId)> {
        let mut gone = HashSet::new();
        for (shelf, file, entry) in self.all() {
            let Some(sha1) = digest_of(entry) else { continue };
            let path = self.normal(file);
            let outermost = path.split('!').next().unwrap_or_default();
            if type_of(entry) != AWS_TYPE
                || found.get(&path).is_some_and(|values| values.contains_key(&sha1))
                || !((peer.update.scanned)(&path) || (peer.update.scanned)(outermost))
            {
                continue;
            }
            // It may be something that only detect-secrets takes for a key; it would find it again, as new.
            if shelf == Shelf::Results && peer.finds(&path, &sha1).is_some() {
                continue;
            }
            let id = EntryId { path: file.to_owned(), sha1, secret_type: AWS_TYPE.to_owned() };
            gone.insert((shelf, id));
        }
        gone
    }

    fn remove(&mut self, gone: &HashSet<(Shelf, EntryId)>, changes: &mut Changes) {
        for shelf in [Shelf::Results, Shelf::Own] {
            let Some(files) = self.shelf_mut(shelf) else { continue };
            for (path, entries) in files.iter_mut() {
                let Some(entries) = entries.as_array_mut() else { continue };
                entries.retain(|entry| {
                    let Some(sha1) = digest_of(entry) else { return true };
                    let id = EntryId { path: path.clone(), sha1, secret_type: type_of(entry).to_owned() };
                    !gone.contains(&(shelf, id))
                });
            }
            let emptied: HashSet<&str> = gone.iter().map(|(_, id)| id.path.as_str()).collect();
            files.retain(|(path, entries)| {
                !emptied.contains(path.as_str())
                    || entries.as_array().is_none_or(|entries| !entries.is_empty())
            });
        }
        if self.shelf(Shelf::Own).is_some_and(Vec::is_empty) && !gone.is_empty() {
            let filters = member_mut(&mut self.document, "filters_used").and_then(Json::as_array_mut);
            filters.expect("what is on the shelf was read there").retain(|filter| !super::is_own(filter));
        }
        changes.removed = gone.iter().map(|(_, id)| id.clone()).collect();
        changes.removed.sort();
        changes.removed.dedup();
        if !gone.is_empty() {
            self.index();
        }
    }

    /// Brings the line numbers up to date that are there, and the order that follows from them.
    fn renew(&mut self, found: &BTreeMap<String, Values<'_>>) -> usize {
        let mut renewed = 0;
        let root = self.root.clone();
        for shelf in [Shelf::Results, Shelf::Own] {
            for (file, entries) in self.shelf_mut(shelf).into_iter().flatten() {
                let path = super::path::normal(file, root.as_deref());
                let (Some(values), Some(entries)) = (found.get(path.as_ref()), entries.as_array_mut()) else {
                    continue;
                };
                let before = renewed;
                for entry in entries.iter_mut() {
                    let (Some(sha1), Some(line)) = (digest_of(entry), line_of(entry)) else { continue };
                    let Some((lines, _)) = values.get(&sha1) else { continue };
                    if let Some(&now) = lines.first().filter(|_| !lines.contains(&line)) {
                        let number = entry.as_object_mut().and_then(|entry| member_mut(entry, "line_number"));
                        *number.expect("it has one") = Json::Number(now.into());
                        renewed += 1;
                    }
                }
                if renewed > before {
                    entries.sort_by_cached_key(order);
                }
            }
        }
        renewed
    }

    /// Whether there are entries, and none has a line number.
    fn is_slim(&self) -> bool {
        let mut entries = self.all().peekable();
        entries.peek().is_some() && entries.all(|(_, _, entry)| line_of(entry).is_none())
    }

    /// Puts new entries where detect-secrets would, and leaves the order of those that are there.
    fn add(&mut self, shelf: Shelf, mut new: BTreeMap<String, Vec<Json>>) {
        let root = self.root.clone();
        let files = match shelf {
            Shelf::Results => self.shelf_mut(shelf).expect("a baseline without is not read"),
            Shelf::Own => self.own_shelf(),
        };
        for (file, entries) in files.iter_mut() {
            let Some(new) = new.remove(super::path::normal(file, root.as_deref()).as_ref()) else { continue };
            let entries = entries.as_array_mut().expect("a baseline with something else is not read");
            merge(entries, new, order);
        }
        let new = new.into_iter().map(|(file, mut entries)| {
            entries.sort_by_cached_key(order);
            (file, Json::Array(entries))
        });
        merge(files, new.collect(), |(file, _)| file.clone());
    }

    /// Our shelf, which is put up if there is none.
    fn own_shelf(&mut self) -> &mut Object {
        if self.shelf(Shelf::Own).is_none() {
            if member(&self.document, "filters_used").is_none() {
                let results = self.document.iter().position(|(key, _)| key == "results");
                let place = results.unwrap_or(self.document.len());
                self.document.insert(place, ("filters_used".to_owned(), default_filters()));
            }
            let filters = member_mut(&mut self.document, "filters_used").and_then(Json::as_array_mut);
            let filters = filters.expect("a baseline with something else is not read");
            let lower =
                |filter: &Json| filter.get("path").and_then(Json::as_text).unwrap_or_default().to_lowercase();
            let place = filters.iter().position(|filter| lower(filter).as_str() > OWN_FILTER);
            let own = vec![
                ("path".to_owned(), Json::text(OWN_FILTER)),
                ("results".to_owned(), Json::Object(Vec::new())),
            ];
            filters.insert(place.unwrap_or(filters.len()), Json::Object(own));
        }
        self.shelf_mut(Shelf::Own).expect("it was put up")
    }
}

fn entry(shelf: Shelf, path: &str, sha1: &[u8; 20], line: Option<u64>, finding: &Finding) -> Json {
    let mut entry: Object = vec![
        ("type".to_owned(), Json::text(AWS_TYPE)),
        ("filename".to_owned(), Json::text(path)),
        ("hashed_secret".to_owned(), Json::text(data_encoding::HEXLOWER.encode(sha1))),
        ("is_verified".to_owned(), Json::Bool(false)),
    ];
    if let Some(line) = line {
        entry.push(("line_number".to_owned(), Json::Number(line.into())));
    }
    if shelf == Shelf::Own {
        entry.push(("kind".to_owned(), Json::text(finding.kind.name())));
    }
    Json::Object(entry)
}

/// Puts each new item before the first old one that is greater.
fn merge<T, K: Ord>(old: &mut Vec<T>, mut new: Vec<T>, key: impl Fn(&T) -> K) {
    new.sort_by_cached_key(&key);
    let mut merged = Vec::with_capacity(old.len() + new.len());
    let mut new = new.into_iter().peekable();
    for item in old.drain(..) {
        let bound = key(&item);
        while let Some(before) = new.next_if(|new| key(new) < bound) {
            merged.push(before);
        }
        merged.push(item);
    }
    merged.extend(new);
    *old = merged;
}

/// The order of entries in a file, as detect-secrets has it.
fn order(entry: &Json) -> (u64, String, String) {
    let hash = entry.get("hashed_secret").and_then(Json::as_text).unwrap_or_default();
    (line_of(entry).unwrap_or(0), hash.to_owned(), type_of(entry).to_owned())
}

/// The filters that detect-secrets has on where a baseline names none.
fn default_filters() -> Json {
    let names = [
        "allowlist.is_line_allowlisted",
        "heuristic.is_indirect_reference",
        "heuristic.is_likely_id_string",
        "heuristic.is_lock_file",
        "heuristic.is_not_alphanumeric_string",
        "heuristic.is_potential_uuid",
        "heuristic.is_prefixed_with_dollar_sign",
        "heuristic.is_sequential_string",
        "heuristic.is_swagger_file",
        "heuristic.is_templated_secret",
    ];
    let filter =
        |name| Json::Object(vec![("path".to_owned(), Json::text(format!("detect_secrets.filters.{name}")))]);
    Json::Array(names.into_iter().map(filter).collect())
}

/// What detect-secrets finds in the files of an update, each read once.
struct Peer<'a> {
    filters: peer::Filters,
    update: &'a Update<'a>,
    files: HashMap<String, HashMap<[u8; 20], Finds>>,
}

impl Peer<'_> {
    fn finds(&mut self, path: &str, sha1: &[u8; 20]) -> Option<Finds> {
        if !self.files.contains_key(path) {
            let content = (self.update.content)(path);
            let finds =
                content.map_or_else(HashMap::new, |content| peer::finds(path, &content, self.filters));
            self.files.insert(path.to_owned(), finds);
        }
        self.files[path].get(sha1).copied()
    }
}
