//! Any tree, commit or tag is read or refused, and what was read is what stands there.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_scan::git::commit::{Commit, author, tagged};
use rotakey_scan::git::tree::entries;

fuzz_target!(|content: &[u8]| {
    for length in [20, 32] {
        let mut at = 0;
        for entry in entries(content, length) {
            let Ok(entry) = entry else { break };
            let space = content[at..].iter().position(|byte| *byte == b' ').unwrap();
            let digits = str::from_utf8(&content[at..at + space]).unwrap();
            assert_eq!(u32::from_str_radix(digits, 8), Ok(entry.mode.0));
            let rest = [entry.name, b"\0", entry.id.as_bytes()].concat();
            at += space + 1;
            assert!(content[at..].starts_with(&rest));
            at += rest.len();
        }
    }
    // Most of what begins so is a commit.
    let id = "0123456789abcdef0123456789abcdef01234567";
    let started = [format!("tree {id}\nparent {id}\n").as_bytes(), content].concat();
    for content in [content, &started] {
        if let Ok(commit) = Commit::parse(content) {
            let content = content.to_ascii_lowercase();
            assert!(content.starts_with(format!("tree {}", commit.tree).as_bytes()));
            for parent in &commit.parents {
                let line = format!("parent {parent}");
                assert!(content.windows(line.len()).any(|part| part == line.as_bytes()));
            }
        }
        let author = author(content);
        assert!(author.name.len() + author.email.len() <= 3 * content.len());
    }
    if let Ok((id, kind)) = tagged(content) {
        let start = format!("object {id}\ntype {}", kind.name());
        assert!(content.to_ascii_lowercase().starts_with(start.as_bytes()));
    }
});
