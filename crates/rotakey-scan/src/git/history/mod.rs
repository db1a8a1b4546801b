//! Every blob that a repository has, reachable or not, and where those come from in which something was found.

mod missing;

use std::collections::HashMap;
use std::num::NonZeroUsize;

use super::attribute::{Located, Tips, attribute};
use super::gaps::Gaps;
use super::objects::{Known, ObjectStore, Search, Walked, walk};
use super::refs::{self, References, ReferencesError};
use super::repository::Repository;
use crate::coverage::Unread;
use crate::detect::Detector;
use crate::finding::{Finding, Introduction};
use crate::object_id::ObjectId;
use crate::place::{Place, text_of};
use crate::scan::Scan;

/// Scans every blob of a repository that is not known. What a shallow or partial clone lacks is told, as is what cannot be
/// read. `name` is what the repository is called.
pub fn scan_blobs(
    name: &str,
    repository: &Repository,
    store: &ObjectStore,
    scan: &Scan,
    known: &dyn Known,
    workers: NonZeroUsize,
) -> Walked {
    let walked = walk(store, workers, known, &Blobs { scan, detector: Detector::default() });
    scan.left_out(|left_out| left_out.cached += walked.cached);
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

/// Where blobs are and were: for each, all paths at which a commit has it, the earliest first.
#[derive(Debug, Default)]
pub struct Origins {
    /// By blob. None where no commit has it.
    pub located: HashMap<ObjectId, Vec<Located>>,
    /// What could not be read on the way.
    pub unread: Vec<Unread>,
}

/// Says of findings in blobs which commit brought them in and at which path. Those that are in no commit stay as they are,
/// named by their blob. It costs a pass over all commits and trees, unless there is nothing to ask for.
pub fn locate(
    findings: &mut [Finding],
    repository: &Repository,
    store: &ObjectStore,
    workers: NonZeroUsize,
) -> Result<Origins, ReferencesError> {
    let mut blobs: Vec<ObjectId> = findings.iter().filter_map(|finding| finding.blob).collect();
    blobs.sort();
    blobs.dedup();
    if blobs.is_empty() {
        return Ok(Origins::default());
    }
    let tips = Tips::read(&References::read(repository)?, refs::logged(repository)?);
    let attribution = attribute(&blobs, &tips, store, &mut store.reader(), workers);
    let located: HashMap<ObjectId, Vec<Located>> = blobs.into_iter().zip(attribution.located).collect();
    for finding in findings {
        let Some(blob) = finding.blob else { continue };
        let Some((first, all)) = located.get(&blob).and_then(|all| Some((all.first()?, all))) else {
            continue;
        };
        // What is in a container keeps the way within it.
        if let Some(within) = finding.path.strip_prefix(&format!("blob {blob}")) {
            finding.path = format!("{}{within}", text_of(&first.path));
        }
        finding.introduced = Some(Introduction {
            commit: first.commit,
            author: first.author.name.clone(),
            email: first.author.email.clone(),
            seconds: first.author.seconds,
            in_head: all.iter().any(|place| place.in_head),
        });
    }
    Ok(Origins { located, unread: attribution.unread })
}

struct Blobs<'a> {
    scan: &'a Scan,
    detector: Detector,
}

impl Search for Blobs<'_> {
    fn window(&self) -> usize {
        Detector::WINDOW
    }

    fn screen(&self, content: &[u8]) -> bool {
        self.detector.screen(content)
    }

    fn opens(&self, head: &[u8]) -> bool {
        self.scan.opens(head)
    }

    fn blob(&self, id: &ObjectId, content: &[u8]) {
        self.scan.content(&Place::blob(*id), content);
    }

    fn clean(&self, _id: &ObjectId, size: u64) {
        self.scan.add_content();
        self.scan.add_bytes(size);
    }

    fn unread(&self, unread: Unread) {
        self.scan.unread(unread);
    }
}

#[cfg(test)]
mod tests;
