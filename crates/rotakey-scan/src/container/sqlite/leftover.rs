//! What is in a page beside the rows of tables.

use super::Layout;
use super::cell::{self, Kind};
use super::record::{Encoding, render};

/// Takes pages one by one.
pub(super) struct Leftover {
    layout: Layout,
    rest: Vec<u8>,
}

impl Leftover {
    pub(super) fn new(layout: Layout) -> Self {
        Self { layout, rest: Vec::with_capacity(layout.page) }
    }

    /// Adds what is in a page to a text: its rows, as far as they are in this page, and then what is in no row.
    pub(super) fn add(&mut self, page: &[u8], header: usize, text: &mut Vec<u8>) {
        self.rest.clear();
        self.rest.extend(page);
        let kind = Kind::of(page, header).filter(|_| page.len() == self.layout.page);
        if let Some(kind) = kind {
            for cell in cell::cells(page, header, kind, self.layout.usable).map_while(|cell| cell) {
                if cell.local.is_empty() {
                    continue;
                }
                render(&page[cell.local.clone()], self.layout.encoding, &[], text);
                self.rest[cell.start.min(cell.local.start)..cell.local.end].fill(b'\n');
            }
        }
        if self.layout.encoding == Encoding::Utf8 {
            loosen(&self.rest, text)
        } else {
            text.extend(&self.rest)
        }
        text.push(b'\n');
    }
}

/// Adds what is left of rows. Their values stand one behind the other with nothing between, so what looks like an id is
/// set apart, and so is what may be its secret.
fn loosen(rest: &[u8], text: &mut Vec<u8>) {
    const ID: usize = 20;
    const SECRET: usize = 40;
    let is_secret = |part: &[u8]| {
        part.len() == SECRET
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
    };
    let mut at = 0;
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'A', &rest[from..]) {
        let start = from + found;
        let is_id = rest.get(start..start + ID).is_some_and(|id| {
            matches!(&id[..4], b"AKIA" | b"ASIA" | b"ABIA" | b"ACCA" | [b'A', b'3', b'T', _])
                && id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        });
        if !is_id {
            from = start + 1;
            continue;
        }
        let end = start + ID;
        let ahead = start.checked_sub(SECRET).filter(|ahead| *ahead >= at && is_secret(&rest[*ahead..start]));
        let behind = rest.get(end..end + SECRET).filter(|behind| is_secret(behind)).map(|_| end + SECRET);
        for seam in [ahead, Some(start), Some(end), behind].into_iter().flatten() {
            text.extend(&rest[at..seam]);
            text.push(b'\n');
            at = seam;
        }
        from = at;
    }
    text.extend(&rest[at..]);
}
