//! Measures how long it takes to find the commits that brought blobs in: `attribute GIT_DIR WORKERS BLOB...`.

use std::error::Error;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use rotakey_scan::git::attribute::{Located, Tips, attribute};
use rotakey_scan::git::objects::ObjectStore;
use rotakey_scan::git::refs::{self, References};
use rotakey_scan::git::repository::Repository;
use rotakey_scan::object_id::ObjectId;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [git_dir, workers, blobs @ ..] = arguments.as_slice() else {
        return Err("usage: attribute GIT_DIR WORKERS BLOB...".into());
    };
    let workers: NonZeroUsize = workers.parse()?;
    let blobs = blobs.iter().map(|id| id.parse()).collect::<Result<Vec<ObjectId>, _>>()?;
    let begin = Instant::now();
    let repository = Repository::open(Path::new(git_dir))?.ok_or("it is no repository")?;
    let store = ObjectStore::open(&repository.git_dir)?;
    let tips = Tips::read(&References::read(&repository)?, refs::logged(&repository)?);
    let opened = begin.elapsed();
    let attribution = attribute(&blobs, &tips, &store, &mut store.reader(), workers);
    let mut output = std::io::stdout().lock();
    for (blob, located) in blobs.iter().zip(&attribution.located) {
        for Located { path, commit, reach, again, in_head, author } in located.iter().take(5) {
            let (path, name) = (String::from_utf8_lossy(path), &author.name);
            writeln!(output, "{blob} {path} {commit} {name} {reach:?}, again {again}, in HEAD {in_head}")?;
        }
    }
    let (took, unread) = (begin.elapsed(), attribution.unread.len());
    writeln!(output, "opened in {opened:?}, all in {took:?}; {unread} unread")?;
    Ok(())
}
