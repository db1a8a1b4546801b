//! Measures how long it takes to tell what is staged: `staged FOLDER`.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use rotakey_scan::git::commit::Commit;
use rotakey_scan::git::environment::Environment;
use rotakey_scan::git::index::Index;
use rotakey_scan::git::objects::ObjectStore;
use rotakey_scan::git::refs::References;
use rotakey_scan::git::repository::Repository;
use rotakey_scan::git::staged::staged;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: staged FOLDER")?;
    let begin = Instant::now();
    let repository = Repository::discover(Path::new(&folder), &Environment::default())?;
    let head = References::read(&repository)?.head();
    let references = begin.elapsed();
    let index = Index::read(&repository.index_file, &repository.git_dir, repository.format)?;
    let read = begin.elapsed();
    let store = ObjectStore::open(&repository.git_dir)?;
    let opened = begin.elapsed();
    let mut objects = store.reader();
    let tree = match head {
        Some(head) => objects.read(&head)?.and_then(|object| Commit::parse(object.content).ok()),
        None => None,
    };
    let staged = staged(&index, tree.map(|commit| commit.tree), &mut objects);
    let (blobs, entries, all) = (staged.blobs.len(), index.count(), begin.elapsed());
    let text = format!(
        "{blobs} of {entries}: references {references:?}, index {read:?}, store {opened:?}, {all:?}\n"
    );
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
