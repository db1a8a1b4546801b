//! Finds the objects of a trail, and asks for as few lists as it can.

use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::{Object, Store, wait};
use crate::event_time::EventTime;
use crate::selection::Selection;
use crate::source::layout::{Folder, Kind, Step, day_folder};
use crate::source::{Location, Trail, TrailFile};

/// How many lists are asked for at the same time. S3 gives 5,500 a second for each prefix.
const MOST_LISTS: usize = 32;

/// Up to how many days are each asked for by name, where else the folders of years and months would be listed first.
const MOST_NAMED_DAYS: i64 = 40;

impl Store {
    /// Adds to the trail what is below a key, or at it.
    ///
    /// Down to the months, folders are listed one by one, so that those that nobody asks about are never listed; what
    /// is below a month comes as one list, unless only some of its days are asked about. Lists are asked for side
    /// by side, since each tells only a thousand objects at a time.
    pub(super) fn list(self: &Arc<Self>, key: &Path, selection: &Selection, trail: &mut Trail) {
        let work = search(Arc::clone(self), key.clone(), Arc::new(selection.clone()));
        match wait(&self.runtime, work) {
            Some(found) => trail.add(found),
            None => trail.problem(self.name(key), "its listing was interrupted"),
        }
    }

    /// The name of an object as users know it.
    pub(super) fn name(&self, key: &Path) -> String {
        format!("{}{key}", self.prefix)
    }
}

async fn search(store: Arc<Store>, root: Path, selection: Arc<Selection>) -> Trail {
    let mut trail = Trail::default();
    let mut waiting = Vec::new();
    plan(root.clone(), &selection, &mut trail, &mut waiting);
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < MOST_LISTS
            && let Some(list) = waiting.pop()
        {
            running.push(list.ask(Arc::clone(&store), Arc::clone(&selection)));
        }
        let Some((asked, found)) = running.next().await else { return trail };
        let is_empty = found.folders.is_empty() && !found.any;
        trail.add(found.trail);
        for folder in found.folders {
            plan(folder, &selection, &mut trail, &mut waiting);
        }
        if is_empty && asked == root && trail.problems.is_empty() {
            look_at(&store, &root, &mut trail).await;
        }
    }
}

/// Adds the lists that tell what is asked about in a folder.
fn plan(path: Path, selection: &Selection, trail: &mut Trail, lists: &mut Vec<List>) {
    let folder = Folder::of(path.as_ref());
    if let Step::PassedOver(kind) = folder.step() {
        return trail.skipped.count(kind);
    }
    if !folder.may_be_in(selection) {
        trail.skipped.outside += 1;
        return;
    }
    let wanted = selection.days();
    let (first, last) = match (folder.step(), folder.days()) {
        (Step::Region, _) if wanted.end().saturating_sub(*wanted.start()) < MOST_NAMED_DAYS => {
            wanted.into_inner()
        }
        (Step::Month(..), Some(days)) if !(wanted.contains(days.start()) && wanted.contains(days.end())) => {
            (*days.start().max(wanted.start()), *days.end().min(wanted.end()))
        }
        (Step::Month(..) | Step::Day, _) => return lists.push(List::Tree(path)),
        _ => return lists.push(List::Folder(path)),
    };
    let region = match folder.step() {
        // Without `/YYYY/MM`.
        Step::Month(..) => path.as_ref().rsplitn(3, '/').last().unwrap_or_default(),
        _ => path.as_ref(),
    };
    let days = (first..=last).filter_map(day_folder);
    lists.extend(days.filter_map(|day| Path::parse(format!("{region}/{day}")).ok()).map(List::Tree));
}

/// Takes what the user named as an object, where there is nothing below it.
async fn look_at(store: &Arc<Store>, key: &Path, trail: &mut Trail) {
    let nothing = |trail: &mut Trail| trail.problem(store.name(key), "there is nothing");
    if key.as_ref().is_empty() {
        return nothing(trail);
    }
    match store.store.head(key).await {
        Ok(meta) => {
            let (folder, name) = split(&meta.location);
            let folder = Folder::of(folder);
            let layout = folder.file(name);
            match layout.kind {
                Kind::Digest | Kind::Insight => trail.skipped.count(layout.kind),
                _ => trail.files.push(store.file(meta.clone(), layout.day)),
            }
        }
        Err(object_store::Error::NotFound { .. }) => nothing(trail),
        Err(error) => trail.problem(store.name(key), error),
    }
}

/// A list to ask for.
#[derive(Debug)]
enum List {
    /// What is in a folder.
    Folder(Path),
    /// All that is below a folder.
    Tree(Path),
}

/// What a list tells.
#[derive(Debug, Default)]
struct Found {
    trail: Trail,
    folders: Vec<Path>,
    /// Whether there were objects.
    any: bool,
}

impl List {
    async fn ask(self, store: Arc<Store>, selection: Arc<Selection>) -> (Path, Found) {
        let mut found = Found::default();
        let mut last_folder = (String::new(), Folder::default());
        let path = match self {
            Self::Folder(path) => {
                match store.store.list_with_delimiter(Some(&path)).await {
                    Ok(list) => {
                        found.folders = list.common_prefixes;
                        for meta in list.objects {
                            found.take(&store, meta, &selection, &mut last_folder);
                        }
                    }
                    Err(error) => found.trail.problem(store.name(&path), error),
                }
                path
            }
            Self::Tree(path) => {
                let mut objects = store.store.list(Some(&path));
                while let Some(next) = objects.next().await {
                    match next {
                        Ok(meta) => found.take(&store, meta, &selection, &mut last_folder),
                        Err(error) => {
                            found.trail.problem(store.name(&path), error);
                            break;
                        }
                    }
                }
                path
            }
        };
        (path, found)
    }
}

impl Found {
    fn take(
        &mut self,
        store: &Arc<Store>,
        meta: ObjectMeta,
        selection: &Selection,
        last: &mut (String, Folder),
    ) {
        self.any = true;
        let (folder, name) = split(&meta.location);
        if last.0 != folder {
            *last = (folder.to_owned(), Folder::of(folder));
        }
        let layout = last.1.file(name);
        match layout.kind {
            // What consoles make to show an empty folder.
            Kind::Foreign if meta.size == 0 => {}
            Kind::Log | Kind::Readable if layout.may_be_in(selection) => {
                let day = layout.day;
                self.trail.files.push(store.file(meta, day));
            }
            Kind::Log | Kind::Readable => self.trail.skipped.outside += 1,
            kind => self.trail.skipped.count(kind),
        }
    }
}

impl Store {
    pub(super) fn file(self: &Arc<Self>, meta: ObjectMeta, day: Option<i64>) -> TrailFile {
        TrailFile {
            name: self.name(&meta.location),
            bytes: Some(meta.size),
            day,
            modified: EventTime::from_seconds(meta.last_modified.timestamp()),
            etag: meta.e_tag.as_deref().map(|etag| etag.trim_matches('"').to_owned()),
            location: Location::Object(Object {
                store: Arc::clone(self),
                key: meta.location,
                bytes: meta.size,
                etag: meta.e_tag,
            }),
        }
    }
}

impl Trail {
    fn add(&mut self, other: Self) {
        self.files.extend(other.files);
        self.skipped.add(other.skipped);
        self.problems.extend(other.problems);
    }
}

fn split(key: &Path) -> (&str, &str) {
    key.as_ref().rsplit_once('/').unwrap_or(("", key.as_ref()))
}
