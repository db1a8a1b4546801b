use super::*;
use crate::detect::{Detector, Found};
use crate::specimen::Specimen;

fn found(rule: &Rule, template: &str, seed: u64) -> Vec<Found> {
    let text = Specimen::from_seed(seed).fill(template);
    Detector::default().detect(text.as_bytes()).into_iter().filter(|found| found.kind == rule.kind).collect()
}

#[test]
fn the_names_of_the_rules_are_a_contract() {
    let names: Vec<_> = rules().iter().map(|rule| rule.name).collect();
    assert_eq!(
        names,
        ["aws-access-key-id", "aws-secret-access-key", "aws-secret-access-key-pair", "aws-session-token"]
    );
}

#[test]
fn each_rule_finds_its_kind_in_its_positive_examples() {
    for rule in rules() {
        for template in rule.positive {
            for seed in 0..20 {
                let found = found(rule, template, seed);
                let rules: Vec<_> = found.iter().map(|found| found.rule).collect();
                assert_eq!(rules, [rule.name], "{template}");
                let specimen = Specimen::from_seed(seed);
                let value = found[0].value.expose();
                assert!(
                    [
                        &specimen.access_key_id,
                        &specimen.temporary_access_key_id,
                        &specimen.secret_access_key,
                        &specimen.session_token
                    ]
                    .contains(&&value.to_owned()),
                    "{template}"
                );
            }
        }
    }
}

#[test]
fn no_rule_finds_its_kind_in_its_negative_examples() {
    for rule in rules() {
        for template in rule.negative {
            for seed in 0..20 {
                let found = found(rule, template, seed);
                assert!(found.is_empty(), "{}: {template}: {:?}", rule.name, found[0].span);
            }
        }
    }
}
