//! The labelled set: what the detector finds of it, and that it finds nothing where there is nothing.

use std::collections::BTreeSet;

use rotakey_corpus::leaks::{self, Case, Label};
use rotakey_scan::detect::{Detector, Found};

/// Each makes other values for all cases.
const SEEDS: std::ops::Range<u64> = 1..9;

/// How many of so many are found, and which are not.
#[derive(Debug, Default)]
struct Recall {
    all: usize,
    missed: Vec<String>,
}

impl Recall {
    fn of(kind: leaks::Kind) -> Self {
        let mut recall = Self::default();
        each(|seed, case, found| {
            for label in case.labels.iter().filter(|label| label.kind == kind && !case.is_disputed) {
                recall.all += 1;
                let name = format!("{}-{seed}", case.name);
                if !found.iter().any(|found| is_same(found, label)) {
                    recall.missed.push(name);
                }
            }
        });
        recall
    }

    fn found_per_cent(&self) -> f64 {
        100.0 * (self.all - self.missed.len()) as f64 / self.all as f64
    }
}

fn each(mut look: impl FnMut(u64, &Case, &[Found])) {
    let detector = Detector::default();
    for seed in SEEDS {
        for case in leaks::cases(seed) {
            look(seed, &case, &detector.detect(&case.content));
        }
    }
}

fn is_same(found: &Found, label: &Label) -> bool {
    found.kind.name() == label.kind.name() && found.value.expose() == label.value
}

#[test]
fn every_id_is_found() {
    let recall = Recall::of(leaks::Kind::AccessKeyId);
    assert!(recall.missed.is_empty(), "{recall:?}");
}

#[test]
fn nearly_every_secret_is_found() {
    let recall = Recall::of(leaks::Kind::SecretAccessKey);
    assert!(recall.found_per_cent() >= 95.0, "{} %: {recall:?}", recall.found_per_cent());
}

#[test]
fn nearly_every_session_token_is_found() {
    let recall = Recall::of(leaks::Kind::SessionToken);
    assert!(recall.found_per_cent() >= 95.0, "{} %: {recall:?}", recall.found_per_cent());
}

#[test]
fn there_are_no_false_alarms() {
    let mut alarms = BTreeSet::new();
    each(|seed, case, found| {
        let is_label = |found: &Found| case.labels.iter().any(|label| is_same(found, label));
        for found in found.iter().filter(|found| !case.is_disputed && !is_label(found)) {
            alarms.insert(format!("{}-{seed}: {} {:?}", case.name, found.rule, found.span));
        }
    });
    assert!(alarms.is_empty(), "{alarms:#?}");
}
