//! Units and outcomes as columns. A clean blob, which almost all are, has no more than its id, its rules and a day.

use rotakey_scan::cache::{CacheError, CachedFinding, Entry, Outcome, Unit};

/// The kinds of units, as the column `kind` has them.
pub(super) const KINDS: [i16; 2] = [BLOB, PACK];

const BLOB: i16 = 0;
const PACK: i16 = 1;

/// The kind of a unit.
pub(super) fn kind(unit: &Unit) -> i16 {
    match unit {
        Unit::Blob(_) => BLOB,
        Unit::Pack(_) => PACK,
    }
}

/// A unit to be added.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    pub(super) kind: i16,
    pub(super) id: &'a [u8],
    /// `None` for 1.
    pub(super) blobs: Option<i64>,
    /// As JSON; `None` for none.
    pub(super) findings: Option<String>,
}

/// The rows of entries, sorted and without a second one of a unit: writers that go through a table in one order never
/// wait for each other in a circle, and what is sorted touches each page once.
pub(super) fn rows(entries: &[Entry]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = entries
        .iter()
        .map(|Entry { unit, outcome }| Row {
            kind: kind(unit),
            id: unit.id().as_bytes(),
            blobs: (outcome.blobs != 1).then(|| i64::try_from(outcome.blobs).unwrap_or(i64::MAX)),
            findings: (!outcome.findings.is_empty())
                .then(|| serde_json::to_string(&outcome.findings).expect("findings are JSON")),
        })
        .collect();
    rows.sort_by_key(|row| (row.kind, row.id));
    rows.dedup_by_key(|row| (row.kind, row.id));
    rows
}

/// A unit that was asked for and is there.
#[derive(Debug)]
pub(super) struct Known {
    /// Which of the units that were asked for.
    pub(super) position: usize,
    pub(super) blobs: Option<i64>,
    pub(super) findings: Option<String>,
}

/// The outcomes of the units, in their order.
pub(super) fn outcomes(
    location: &str,
    units: &[Unit],
    known: Vec<Known>,
) -> Result<Vec<Option<Outcome>>, CacheError> {
    let mut outcomes = vec![None; units.len()];
    for Known { position, blobs, findings } in known {
        let (Some(place), Some(unit)) = (outcomes.get_mut(position), units.get(position)) else { continue };
        let damaged =
            |message: String| CacheError::Damaged { location: format!("{location}: {}", unit.id()), message };
        let findings: Vec<CachedFinding> = match &findings {
            None => Vec::new(),
            Some(json) => serde_json::from_str(json).map_err(|error| damaged(error.to_string()))?,
        };
        let blobs = match blobs.map(u64::try_from) {
            None => 1,
            Some(Ok(blobs)) => blobs,
            Some(Err(_)) => return Err(damaged("it has fewer than no blobs".to_owned())),
        };
        *place = Some(Outcome { blobs, findings });
    }
    Ok(outcomes)
}
