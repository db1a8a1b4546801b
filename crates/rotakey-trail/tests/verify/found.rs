//! Each kind of damage is found and named exactly.

use rotakey_trail::verify::{Code, Problem, PublicKey, Verification, VerifyOptions, verify};

use crate::damage::{self, Damage};
use crate::tree::{Signer, Tree};

pub(crate) fn keys() -> Vec<PublicKey> {
    PublicKey::list(Signer::trail().list().to_string().as_bytes()).unwrap()
}

pub(crate) fn verified(tree: &Tree, options: &VerifyOptions) -> Verification {
    let verification = verify(&[tree.root().to_owned()], &keys(), options, &|_| {}).unwrap();
    let counts = verification.digests;
    assert_eq!(counts.total, counts.valid + counts.invalid + counts.unsigned + counts.unverified);
    verification
}

/// The problems in short, with the names that [`Damage`] uses for objects.
pub(crate) fn problems(tree: &Tree, verification: &Verification) -> Vec<String> {
    let short = |Problem { code, object, .. }: &Problem| {
        let known = tree.digests.iter().enumerate().find_map(|(index, digest)| {
            let log = digest.logs.iter().position(|log| log == object);
            log.map(|log| format!("L{index}.{log}"))
                .or_else(|| (digest.key == *object).then(|| format!("D{index}")))
        });
        let name = known.unwrap_or_else(|| match object.as_str() {
            object if object.contains("Planted") => "planted".to_owned(),
            object if object.contains("/2026/03/02/") => "2026/03/02".to_owned(),
            object => object.to_owned(),
        });
        format!("{code} {name}")
    };
    let mut problems: Vec<String> = verification.problems.iter().map(short).collect();
    problems.sort();
    problems
}

fn damaged(damage: &Damage) -> Tree {
    let mut tree = Tree::usual();
    (damage.apply)(&mut tree);
    tree
}

#[test]
fn each_damage_is_found_and_nothing_else() {
    for damage in damage::ALL {
        let tree = damaged(damage);
        let verification = verified(&tree, &VerifyOptions::default());
        assert_eq!(problems(&tree, &verification), damage.found, "{}", damage.name);
        let is_incomplete =
            verification.problems.iter().any(|problem| problem.code == Code::UnknownPublicKey);
        assert_eq!(verification.complete, !is_incomplete, "{}", damage.name);
        assert_eq!(
            verification.has_findings(),
            !damage.found.is_empty() && !is_incomplete,
            "{}",
            damage.name
        );
    }
}

#[test]
fn without_saved_signatures_each_digest_is_proven_by_the_next() {
    let tree = Tree::usual();
    tree.forget_signatures();
    let verification = verified(&tree, &VerifyOptions::default());
    assert_eq!(problems(&tree, &verification), ["digest-signature-unknown D5"]);
    assert_eq!((verification.digests.valid, verification.digests.unsigned), (5, 1));
    assert_eq!((verification.log_files.valid, verification.log_files.unproven), (8, 2));
    assert!(verification.complete && !verification.has_findings());
}

#[test]
fn without_saved_signatures_damage_is_found_all_the_same() {
    // What is about the signatures themselves, or about the newest digest, cannot be told without.
    let is_told = |damage: &&Damage| {
        let is_newest = |found: &&str| found.ends_with("D5") || found.ends_with("D6");
        !damage.name.contains("signature")
            && (damage.name.contains("off") || !damage.found.iter().any(is_newest))
    };
    for damage in damage::ALL.iter().filter(is_told) {
        let tree = damaged(damage);
        tree.forget_signatures();
        let verification = verified(&tree, &VerifyOptions::default());
        let mut found = problems(&tree, &verification);
        assert!(found.iter().any(|found| found.starts_with("digest-signature-unknown ")), "{}", damage.name);
        found.retain(|found| !found.starts_with("digest-signature-unknown "));
        assert_eq!(found, damage.found, "{}", damage.name);
    }
}
