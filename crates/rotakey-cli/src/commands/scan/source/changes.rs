//! What changes: what is staged, what a branch has, what a push brings.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _};
use std::path::Path;

use rotakey_scan::coverage::{Reason, Unread};
use rotakey_scan::finding::{Digests, Introduction};
use rotakey_scan::git::attribute::Reach;
use rotakey_scan::git::change::Change;
use rotakey_scan::git::commit;
use rotakey_scan::git::gaps::Gaps;
use rotakey_scan::git::index::Index;
use rotakey_scan::git::objects::{ObjectKind, Reader};
use rotakey_scan::git::revision::{Peeled, peel, resolve};
use rotakey_scan::git::since::{NewBlob, received as received_blobs, since as blobs_since, updates};
use rotakey_scan::git::staged::staged as staged_blobs;
use rotakey_scan::object_id::ObjectId;
use rotakey_scan::place::Place;
use rotakey_scan::scan::Scan;

use super::Scanned;
use super::repository::Opened;
use crate::error::CommandError;

/// Scans what is staged.
pub(super) fn staged(folder: &Path, scan: Scan) -> Result<Scanned, CommandError> {
    let opened = Opened::find(folder)?;
    let repository = &opened.repository;
    if repository.work_tree.is_none() {
        return Err(CommandError::usage(format!(
            "{} is bare: nothing can be staged there",
            folder.display()
        ))
        .hint("`rotakey scan --history` scans all that it has."));
    }
    let index = Index::read(&repository.index_file, &repository.git_dir, repository.format)
        .map_err(CommandError::incomplete)?;
    let mut reader = opened.store.reader();
    let head = match opened.references.head() {
        Some(head) => Some(tree_of(&head, &mut reader)?),
        None => None,
    };
    let staged = staged_blobs(&index, head, &mut reader);
    let blobs = staged.blobs.into_iter().map(|change| NewBlob { change, commit: None }).collect();
    Ok(blobs_of(&opened, blobs, staged.gaps, scan))
}

/// Scans what HEAD has and another commit has not.
pub(super) fn since(folder: &Path, revision: &str, scan: Scan) -> Result<Scanned, CommandError> {
    let opened = Opened::find(folder)?;
    let mut reader = opened.store.reader();
    let known = resolve(revision, &opened.references, &mut reader).map_err(|error| {
        CommandError::usage(error)
            .hint("A shallow clone may not have it: fetch it, or clone with more depth.")
    })?;
    let Some(head) = opened.references.head() else {
        return Err(CommandError::usage("HEAD has no commit yet"));
    };
    let new = blobs_since(&mut reader, &[head], &[known], &opened.repository.shallow);
    Ok(blobs_of(&opened, new.blobs, new.gaps, scan))
}

/// Scans what a push brings, as git tells its `pre-receive` hook.
pub(super) fn received(folder: &Path, scan: Scan) -> Result<Scanned, CommandError> {
    let mut text = Vec::new();
    io::stdin()
        .read_to_end(&mut text)
        .map_err(|error| CommandError::failure(format!("cannot read standard input: {error}")))?;
    let updates = updates(&text).map_err(|error| {
        CommandError::usage(error).hint("git runs `rotakey scan --pre-receive` from hooks/pre-receive.")
    })?;
    let opened = Opened::find(folder)?;
    let mut reader = opened.store.reader();
    let references: Vec<ObjectId> = opened.references.all().map(|(_, id)| id).collect();
    let new = received_blobs(&mut reader, &updates, references.into_iter(), &opened.repository.shallow);
    Ok(blobs_of(&opened, new.blobs, new.gaps, scan))
}

/// The tree of a commit.
fn tree_of(commit: &ObjectId, reader: &mut Reader<'_>) -> Result<ObjectId, CommandError> {
    let peeled = peel(reader, *commit).map_err(CommandError::incomplete)?;
    let Peeled::Object(id, ObjectKind::Commit) = peeled else {
        return Err(CommandError::incomplete(format!("HEAD is {commit}, which is not here")));
    };
    let object = reader.read(&id).map_err(CommandError::incomplete)?;
    let content = object.ok_or_else(|| CommandError::incomplete(format!("commit {id} is not here")))?;
    let commit = commit::Commit::parse(content.content)
        .map_err(|_| CommandError::incomplete(format!("commit {id} is damaged")))?;
    Ok(commit.tree)
}

/// Scans blobs, and leaves out what was at the same path before.
fn blobs_of(opened: &Opened, blobs: Vec<NewBlob>, gaps: Gaps, scan: Scan) -> Scanned {
    let mut reader = opened.store.reader();
    for blob in &blobs {
        content(&blob.change.id, &blob.change.path, &mut reader, &scan);
    }
    let name = opened.root().display().to_string();
    for unread in gaps.unread(&name, opened.store.is_partial()) {
        scan.unread(unread);
    }
    for problem in opened.store.problems() {
        scan.unread(problem.clone());
    }
    let mut scanned = Scanned::of(scan.finish(), opened.root());
    let by_place: HashMap<(ObjectId, String), &NewBlob> =
        blobs.iter().map(|blob| ((blob.change.id, path_of(&blob.change)), blob)).collect();
    let mut before = Before { reader, digests: HashMap::new() };
    let count = scanned.report.findings.len();
    scanned.report.findings.retain_mut(|finding| {
        let outermost = finding.path.split('!').next().unwrap_or_default();
        let blob = finding.blob.and_then(|id| {
            by_place.get(&(id, finding.path.clone())).or_else(|| by_place.get(&(id, outermost.to_owned())))
        });
        let Some(blob) = blob else { return true };
        if blob.change.before.iter().any(|id| before.has(id, &finding.digests)) {
            return false;
        }
        finding.introduced = blob.commit.and_then(|id| introduction(&id, &mut before.reader));
        true
    });
    scanned.before = count - scanned.report.findings.len();
    scanned
}

fn path_of(change: &Change) -> String {
    rotakey_scan::place::text_of(&change.path).into_owned()
}

/// Scans one blob; what cannot be read is told.
fn content(id: &ObjectId, path: &[u8], reader: &mut Reader<'_>, scan: &Scan) {
    match reader.read(id) {
        Ok(Some(object)) => {
            scan.content(&Place { name: path, within: None, blob: Some(*id) }, object.content);
        }
        Ok(None) => scan.unread(Unread {
            place: format!("blob {id}"),
            reason: Reason::Missing,
            detail: String::new(),
        }),
        Err(error) => scan.unread(error.unread()),
    }
}

/// What stood in blobs before. What of them cannot be read is as if nothing had stood there.
struct Before<'a> {
    reader: Reader<'a>,
    digests: HashMap<ObjectId, HashSet<Digests>>,
}

impl Before<'_> {
    fn has(&mut self, blob: &ObjectId, digests: &Digests) -> bool {
        let reader = &mut self.reader;
        let found = self.digests.entry(*blob).or_insert_with(|| {
            let scan = Scan::default();
            content(blob, b"", reader, &scan);
            scan.finish().findings.iter().map(|finding| finding.digests).collect()
        });
        found.contains(digests)
    }
}

/// Who brought it in. What HEAD has now is not asked: it is what is asked about.
fn introduction(id: &ObjectId, reader: &mut Reader<'_>) -> Option<Introduction> {
    let object = reader.read(id).ok().flatten()?;
    let author = commit::author(object.content);
    Some(Introduction {
        commit: *id,
        author: author.name,
        email: author.email,
        seconds: author.seconds,
        in_head: true,
        reach: Reach::Reference,
    })
}
