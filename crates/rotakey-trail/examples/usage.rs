//! Reads a folder and says how many keys there are: for profiling.
#![expect(clippy::print_stdout, reason = "it is an example")]

use std::time::Instant;

use rotakey_trail::read::{ReadOptions, read};
use rotakey_trail::selection::Selection;
use rotakey_trail::source::{Find, Input, Trail};
use rotakey_trail::usage::{GroupBy, Usage};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder")?;
    let begin = Instant::now();
    let find = Find { selection: &Selection::default(), again: false, objects: None };
    let trail = Trail::find(&[Input::Path(folder.into())], &find)?;
    println!("{} files found after {:?}", trail.files.len(), begin.elapsed());
    let usage = Usage::new(GroupBy::Key);
    let (answer, summary) = read(&trail, &ReadOptions::default(), || usage.answer(), &());
    drop(answer);
    println!("{} records read after {:?}", summary.records, begin.elapsed());
    let table = usage.finish();
    println!("{} keys told after {:?}; {} problems", table.len(), begin.elapsed(), summary.problem_count);
    Ok(())
}
