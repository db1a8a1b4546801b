//! Whole histories, of one repository or of many.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rotakey_engine::port::Clock as _;
use rotakey_scan::cache::{MemoryCache, RulesVersion, Run, ScanCache, session};
use rotakey_scan::coverage::{Reason, Unread};
use rotakey_scan::git::history::{locate, scan_blobs};
use rotakey_scan::git::repository::Repository;
use rotakey_scan::scan::{Options, Report, Scan};
use rotakey_store::scan_cache::{self, CacheLocation};

use super::super::run::{HowArgs, WhatArgs};
use super::repository::Opened;
use super::watch::Watch;
use super::{Scanned, absolute, workers};
use crate::assembly;
use crate::cli::GlobalArgs;
use crate::clock::SystemClock;
use crate::error::CommandError;
use crate::printer::Printer;

/// Scans every blob of the repositories.
pub(super) async fn scan(
    what: &WhatArgs,
    how: &HowArgs,
    options: &Options,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Scanned, CommandError> {
    let mut report = Report::default();
    let watch = Watch::new(printer, "scanning blobs");
    if what.org_dir.is_empty() && what.repositories.is_none() && what.paths.len() <= 1 {
        let folder = what.paths.first().map_or(Path::new("."), PathBuf::as_path);
        let opened = Opened::find(folder)?;
        let cache = match &what.cache {
            Some(_) => Some(Cache::open(what, how, globals, printer).await?),
            None => None,
        };
        let asked = cache.as_ref().map(|cache| (cache, printer));
        one(&opened, None, how, options, asked, &watch, &mut report).await;
        if let Some(cache) = cache {
            cache.close(printer).await;
        }
        return Ok(Scanned::of(report, opened.root()));
    }
    let repositories = repositories(what)?;
    let cache = Cache::open(what, how, globals, printer).await?;
    for (number, folder) in repositories.iter().enumerate() {
        printer.detail(&format!("{} of {}: {}", number + 1, repositories.len(), folder.display()));
        let name = folder.display().to_string();
        match Repository::open(folder).map_err(|error| error.to_string()) {
            Ok(Some(repository)) => match Opened::of(repository) {
                Ok(opened) => {
                    one(&opened, Some(&name), how, options, Some((&cache, printer)), &watch, &mut report)
                        .await;
                }
                Err(error) => unread(&mut report, &name, error.to_string()),
            },
            Ok(None) => unread(&mut report, &name, "it is no repository".to_owned()),
            Err(error) => unread(&mut report, &name, error),
        }
    }
    cache.close(printer).await;
    report.findings.sort_by(|a, b| {
        (&a.repository, &a.path, a.position, a.kind).cmp(&(&b.repository, &b.path, b.position, b.kind))
    });
    Ok(Scanned::of(report, absolute(Path::new("."))))
}

fn unread(report: &mut Report, place: &str, detail: String) {
    let place = place.to_owned();
    report.coverage.unread.push(Unread { place, reason: Reason::Io, detail });
}

/// Scans one repository, and adds what comes of it.
async fn one(
    opened: &Opened,
    name: Option<&str>,
    how: &HowArgs,
    options: &Options,
    cache: Option<(&Cache, &Printer)>,
    watch: &Watch,
    report: &mut Report,
) {
    let Opened { repository, store, .. } = opened;
    let root = opened.root().display().to_string();
    let shown = name.unwrap_or(&root);
    let workers = workers(how);
    let scan = Scan::new(options.clone());
    let packs: Vec<&dyn session::Pack> =
        store.packs().iter().map(|pack| pack as &dyn session::Pack).collect();
    let session = match cache {
        None => None,
        Some((cache, printer)) => {
            let loose = store.loose().0;
            let begun =
                session::Session::begin(&*cache.cache, cache.run, &packs, &loose, options.keep_values).await;
            match begun {
                Ok(session) => Some(session),
                Err(error) => {
                    printer.warning(&format!("{error}. All of {shown} is scanned."));
                    None
                }
            }
        }
    };
    scan_blobs(shown, repository, store, &scan, session.as_ref(), workers, watch);
    let Report { mut findings, mut coverage } = scan.finish();
    if let (Some(session), Some((cache, printer))) = (session, cache) {
        match session.known().findings() {
            Ok(known) => {
                let scanned = std::mem::take(&mut findings);
                findings.extend(known);
                if let Err(error) = session.finish(&*cache.cache, &scanned, &coverage.unread).await {
                    printer.warning(&format!("{error}. What was scanned is scanned again the next time."));
                }
                findings.extend(scanned);
            }
            Err(error) => {
                // What it says of known blobs cannot be used, and they were not scanned: so they are, now.
                printer.warning(&format!("{error}. All of {shown} is scanned."));
                let scan = Scan::new(options.clone());
                scan_blobs(shown, repository, store, &scan, None, workers, watch);
                let again = scan.finish();
                (findings, coverage) = (again.findings, again.coverage);
            }
        }
    }
    let mut own = Report { findings, coverage };
    if let Err(error) = locate(&mut own, repository, store, workers) {
        unread(&mut own, shown, error.to_string());
    }
    if let Some(name) = name {
        own.findings.iter_mut().for_each(|finding| finding.repository = Some(name.to_owned()));
        own.coverage.unread.iter_mut().filter(|unread| unread.place != name).for_each(|unread| {
            unread.place = format!("{name}: {}", unread.place);
        });
    }
    report.findings.extend(own.findings);
    report.coverage.add(own.coverage);
}

/// The repositories that are named, each once.
fn repositories(what: &WhatArgs) -> Result<Vec<PathBuf>, CommandError> {
    let mut found: BTreeSet<PathBuf> = what.paths.iter().cloned().collect();
    if let Some(list) = &what.repositories {
        let text = fs::read_to_string(list).map_err(|error| {
            CommandError::usage(format!("cannot read {}: {error}", list.display()))
                .hint("--repositories wants a file with the path of a repository in each line.")
        })?;
        found.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(PathBuf::from));
    }
    for folder in &what.org_dir {
        below(folder, &mut found)?;
    }
    if found.is_empty() {
        return Err(
            CommandError::usage("there is no repository").hint("--org-dir wants a folder with repositories.")
        );
    }
    Ok(found.into_iter().collect())
}

/// The repositories in and below a folder. What is inside of one is not looked for: it is its work tree or its submodules,
/// which are repositories of their own elsewhere.
fn below(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), CommandError> {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if matches!(Repository::open(&folder), Ok(Some(_)) | Err(_)) {
            found.insert(folder);
            continue;
        }
        let cannot_list = |error: std::io::Error| {
            CommandError::incomplete(format!("cannot list {}: {error}", folder.display()))
        };
        for entry in fs::read_dir(&folder).map_err(cannot_list)? {
            let entry = entry.map_err(cannot_list)?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            }
        }
    }
    Ok(())
}

/// What was scanned before. Without a place for it, it is for this run only: each blob is still scanned once.
struct Cache {
    cache: Box<dyn ScanCache>,
    run: Run,
}

impl Cache {
    async fn open(
        what: &WhatArgs,
        how: &HowArgs,
        globals: &GlobalArgs,
        printer: &Printer,
    ) -> Result<Self, CommandError> {
        let settings = [("depth", how.max_depth.to_string()), ("unpacked", how.max_unpacked.to_string())];
        let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
        let day = SystemClock.now().as_second() / 86_400;
        let run = Run { rules: RulesVersion::of(&settings), day };
        let memory = || -> Box<dyn ScanCache> { Box::new(MemoryCache::default()) };
        let Some(location) = &what.cache else { return Ok(Self { cache: memory(), run }) };
        let location: CacheLocation = location.parse().map_err(|error| {
            CommandError::usage(error)
                .hint("--cache wants sqlite:FILE, postgres://USER@HOST/DATABASE, s3://BUCKET/PREFIX or file:///FOLDER.")
        })?;
        let stores = match &location {
            CacheLocation::Objects(_) => Some(std::sync::Arc::new(assembly::object_stores(globals).await?)),
            _ => None,
        };
        let cache = match scan_cache::open(&location, stores).await {
            Ok(cache) => cache,
            Err(error) => {
                printer.warning(&format!("{error}. Everything is scanned, and nothing remembered."));
                memory()
            }
        };
        Ok(Self { cache, run })
    }

    async fn close(self, printer: &Printer) {
        if let Err(error) = self.cache.close().await {
            printer.warning(&format!("{error}. Some of what was scanned is scanned again the next time."));
        }
    }
}
