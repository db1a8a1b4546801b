//! Files, folders, standard input and objects.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rotakey_scan::objects::{self, Prefix};
use rotakey_scan::place::Place;
use rotakey_scan::scan::Scan;
use rotakey_scan::tree::{self, TreeOptions};
use rotakey_trail::source::objects::ObjectStores;
use tokio::runtime::Handle;

use super::super::known::exclude;
use super::super::run::{HowArgs, WhatArgs};
use super::watch::Watch;
use super::{Scanned, absolute, workers};
use crate::assembly;
use crate::cli::GlobalArgs;
use crate::error::CommandError;
use crate::printer::Printer;

/// Scans them.
pub(super) async fn scan(
    what: &WhatArgs,
    how: &HowArgs,
    scan: Scan,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Scanned, CommandError> {
    let watch = Watch::new(printer, "scanning");
    let (mut files, mut urls, mut stdin) = (Vec::new(), Vec::new(), false);
    for path in &what.paths {
        match path.to_str() {
            Some("-") => stdin = true,
            Some(url) if url.contains("://") => urls.push(url),
            _ => files.push(path.clone()),
        }
    }
    if what.paths.is_empty() {
        files.push(PathBuf::from("."));
    }
    if stdin {
        scan.stream(&Place::file(b"-"), &mut io::stdin().lock());
    }
    if !files.is_empty() {
        let options = TreeOptions { heed_ignore_files: !how.no_ignore, exclude: exclude(&how.exclude)? };
        tree::scan(&files, options, &scan, workers(how), &watch).map_err(|error| {
            CommandError::usage(error).hint("Name files and folders that are there; a URL begins with s3://.")
        })?;
    }
    let scan = Arc::new(scan);
    if !urls.is_empty() {
        let stores = Arc::new(assembly::object_stores(globals).await?);
        let (readers, watch) = (workers(how).saturating_mul(READERS), Arc::new(watch));
        for url in urls {
            objects(url.to_owned(), &stores, readers, &scan, &watch).await?;
        }
    }
    let scan = Arc::into_inner(scan).expect("whoever read objects is done");
    Ok(Scanned::of(scan.finish(), absolute(Path::new("."))))
}

/// How many objects are read at a time for each thread: most of the time they are waited for.
const READERS: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not zero");

/// Scans what is below a prefix. The reader waits for the runtime, so it has a thread of its own.
async fn objects(
    url: String,
    stores: &Arc<ObjectStores>,
    readers: NonZeroUsize,
    scan: &Arc<Scan>,
    watch: &Arc<Watch>,
) -> Result<(), CommandError> {
    let (stores, scan, watch) = (Arc::clone(stores), Arc::clone(scan), Arc::clone(watch));
    let runtime = Handle::current();
    let read = move || {
        let (store, key) = stores.at(&url).map_err(|error| {
            CommandError::usage(error).hint("An object store is named as s3://BUCKET/PREFIX.")
        })?;
        let name = url.strip_suffix(key.as_ref()).unwrap_or(&url);
        let prefix = Prefix { store: &*store, name, key: &key };
        objects::scan(prefix, &scan, &runtime, readers, &*watch)
            .map_err(|error| CommandError::usage(error).hint("`aws s3 ls` shows what is there."))
    };
    match tokio::task::spawn_blocking(read).await {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
