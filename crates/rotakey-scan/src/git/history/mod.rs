//! Every blob that a repository has, reachable or not, and where those come from in which something was found.

mod missing;

use std::collections::HashMap;
use std::num::NonZeroUsize;

use super::attribute::{Located, Tips, attribute};
use super::gaps::Gaps;
use super::objects::{Known, NothingKnown, ObjectStore, Search, Walked, walk};
use super::refs::{self, References, ReferencesError};
use super::repository::Repository;
use crate::cache::session::Session;
use crate::coverage::Unread;
use crate::detect::Detector;
use crate::finding::Introduction;
use crate::object_id::ObjectId;
use crate::place::{Place, text_of};
use crate::progress::Progress;
use crate::scan::{Report, Scan};

/// Scans every blob of a repository that the session's cache does not know, and tells the session. What a shallow or partial
/// clone lacks is told, as is what cannot be read. `name` is what the repository is called.
pub fn scan_blobs(
    name: &str,
    repository: &Repository,
    store: &ObjectStore,
    scan: &Scan,
    session: Option<&Session<'_>>,
    workers: NonZeroUsize,
    progress: &dyn Progress,
) -> Walked {
    let known: &dyn Known = session.map_or(&NothingKnown, |session| session.known());
    let walked =
        walk(store, workers, known, &Blobs { scan, detector: Detector::default(), session, progress });
    // Blobs of packs that are known whole are not counted by the walk.
    let cached = session.map_or(0, |session| session.known().count());
    scan.left_out(|left_out| left_out.cached += cached);
    store.problems().iter().for_each(|problem| scan.unread(problem.clone()));
    let mut gaps = Gaps::default();
    if !repository.shallow.is_empty() {
        gaps.shallow();
    }
    if repository.partial {
        missing::find(store, workers, &mut gaps);
    }
    gaps.unread(name, repository.partial).into_iter().for_each(|unread| scan.unread(unread));
    walked
}

/// Says of findings in blobs which commit brought them in and at which path, and of blobs that could not be read where they are.
/// Those that are in no commit stay as they are, named by their blob. What could not be read on the way is added. It costs a
/// pass over all commits and trees, unless there is nothing to ask for. The order of findings is that of their paths then.
pub fn locate(
    report: &mut Report,
    repository: &Repository,
    store: &ObjectStore,
    workers: NonZeroUsize,
) -> Result<(), ReferencesError> {
    let unread = &mut report.coverage.unread;
    let found = report.findings.iter().filter_map(|finding| finding.blob);
    let mut blobs: Vec<ObjectId> =
        found.chain(unread.iter().filter_map(|unread| Some(blob_in(&unread.place)?.0))).collect();
    blobs.sort();
    blobs.dedup();
    if blobs.is_empty() {
        return Ok(());
    }
    let tips = Tips::read(&References::read(repository)?, refs::logged(repository)?);
    let attribution = attribute(&blobs, &tips, store, &mut store.reader(), workers);
    let located: HashMap<ObjectId, Vec<Located>> = blobs.into_iter().zip(attribution.located).collect();
    let origin = |blob: &ObjectId| located.get(blob).and_then(|all| Some((all.first()?, all)));
    for finding in &mut report.findings {
        let Some((first, all)) = finding.blob.and_then(|blob| origin(&blob)) else { continue };
        // What is in a container keeps the way within it.
        if let Some((_, within)) = blob_in(&finding.path) {
            finding.path = format!("{}{within}", text_of(&first.path));
        }
        finding.introduced = Some(Introduction {
            commit: first.commit,
            author: first.author.name.clone(),
            email: first.author.email.clone(),
            seconds: first.author.seconds,
            in_head: all.iter().any(|place| place.in_head),
            reach: first.reach,
        });
    }
    for unread in unread.iter_mut() {
        let Some((blob, within)) = blob_in(&unread.place) else { continue };
        if let Some((first, _)) = origin(&blob) {
            unread.place = format!("{}{within}", text_of(&first.path));
        }
    }
    unread.extend(attribution.unread);
    report.findings.sort_by(|a, b| (&a.path, a.position, a.kind).cmp(&(&b.path, b.position, b.kind)));
    Ok(())
}

/// The blob that a place of an unknown path names, and the way within it: `blob ID` or `blob ID!member`.
fn blob_in(place: &str) -> Option<(ObjectId, &str)> {
    let rest = place.strip_prefix("blob ")?;
    let (id, within) = rest.split_at(rest.find('!').unwrap_or(rest.len()));
    Some((id.parse().ok()?, within))
}

struct Blobs<'a> {
    scan: &'a Scan,
    detector: Detector,
    session: Option<&'a Session<'a>>,
    progress: &'a dyn Progress,
}

impl Blobs<'_> {
    fn scanned(&self, id: &ObjectId, size: u64) {
        if let Some(session) = self.session {
            session.scanned([*id]);
        }
        self.progress.advanced(1, size);
    }
}

impl Search for Blobs<'_> {
    fn window(&self) -> usize {
        Detector::WINDOW
    }

    fn screen(&self, content: &[u8]) -> bool {
        self.detector.screen(content)
    }

    /// UTF-16 is searched for where there are NULs, and there the place of a byte counts.
    fn is_local(&self, content: &[u8]) -> bool {
        memchr::memchr(0, content).is_none()
    }

    fn opens(&self, head: &[u8]) -> bool {
        self.scan.opens(head)
    }

    fn blob(&self, id: &ObjectId, content: &[u8]) {
        self.scan.content(&Place::blob(*id), content);
        self.scanned(id, content.len() as u64);
    }

    fn clean(&self, id: &ObjectId, size: u64) {
        self.scan.add_content();
        self.scan.add_bytes(size);
        self.scanned(id, size);
    }

    fn pack(&self, checksum: &ObjectId, blobs: u64) {
        if let Some(session) = self.session {
            session.pack_was_read(*checksum, blobs);
        }
    }

    fn unread(&self, unread: Unread) {
        self.scan.unread(unread);
    }
}

#[cfg(test)]
mod tests;
