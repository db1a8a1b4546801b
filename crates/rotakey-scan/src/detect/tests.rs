use super::*;
use crate::specimen::Specimen;

fn detect(text: &str) -> Vec<Found> {
    Detector::default().detect(text.as_bytes())
}

/// What is found: `kind severity with PAIR encodings`.
fn told(template: &str) -> Vec<String> {
    let text = Specimen::from_seed(7).fill(template);
    detect(&text)
        .iter()
        .map(|found| {
            let pair = found.pair.map_or(String::new(), |pair| format!(" with {pair}"));
            format!("{} {}{pair} {}", found.kind, found.severity, found.encodings.join("+")).trim().to_owned()
        })
        .collect()
}

#[test]
fn a_pair_is_high_and_each_half_alone_is_less() {
    assert_eq!(told("{access_key_id}"), ["access_key_id low"]);
    assert_eq!(told("aws_secret_access_key={secret_access_key}"), ["secret_access_key medium"]);
    assert_eq!(
        told("{access_key_id},{secret_access_key}"),
        ["access_key_id high with 1", "secret_access_key high with 0"]
    );
    assert_eq!(told("{secret_access_key}"), [""; 0]);
}

#[test]
fn a_token_is_high_with_the_whole_key_and_medium_without() {
    assert_eq!(told("{session_token}"), ["session_token medium"]);
    assert_eq!(
        told("{temporary_access_key_id} {session_token}"),
        ["access_key_id low", "session_token medium with 0"]
    );
    assert_eq!(
        told("{temporary_access_key_id} {secret_access_key} {session_token}"),
        ["access_key_id high with 1", "secret_access_key high with 0", "session_token high with 0"]
    );
}

#[test]
fn the_key_of_a_trap_is_told_and_is_low() {
    let secret = Specimen::from_seed(1).secret_access_key;
    let found = detect(&format!("AKIAYVP4CIPPERUVIFXG {secret}"));
    assert_eq!(found.iter().map(|found| found.severity).collect::<Vec<_>>(), [Severity::Low; 2]);
}

/// Which secret each id is paired with: both are numbered in the order of the seeds.
fn pairs(template: &str) -> Vec<(usize, usize)> {
    let specimens: Vec<Specimen> = (0..4).map(Specimen::from_seed).collect();
    let text = specimens.iter().enumerate().fold(template.to_owned(), |text, (number, specimen)| {
        text.replace(&format!("i{number}"), &specimen.access_key_id)
            .replace(&format!("s{number}"), &specimen.secret_access_key)
    });
    let found = detect(&text);
    let number = |found: &Found| {
        let value = found.value.expose();
        specimens.iter().position(|one| one.access_key_id == value || one.secret_access_key == value).unwrap()
    };
    let ids = found.iter().filter(|found| found.kind == Kind::AccessKeyId);
    ids.filter_map(|id| Some((number(id), number(&found[id.pair?])))).collect()
}

#[test]
fn each_id_is_paired_with_its_own_secret() {
    let own = [(0, 0), (1, 1), (2, 2)];
    for template in [
        "i0,s0\ni1,s1\ni2,s2\n",
        "s0,i0\ns1,i1\ns2,i2\n",
        "name,i0,s0,x\nname,i1,s1,x\nname,i2,s2,x\n",
        "[a]\naws_access_key_id=i0\naws_secret_access_key=s0\n[b]\naws_access_key_id=i1\naws_secret_access_key=s1\n[c]\naws_access_key_id=i2\naws_secret_access_key=s2\n",
        "[a]\nsecret_access_key=s0\nid=i0\n[b]\nsecret_access_key=s1\nid=i1\n[c]\nsecret_access_key=s2\nid=i2\n",
        "A=i0\nB=i1\nC=i2\nAWS_SECRET_A=s0\nAWS_SECRET_B=s1\nAWS_SECRET_C=s2\n",
        "new A(\"i0\",\n\"s0\"); new A(\"i1\",\n\"s1\"); new A(\"i2\",\n\"s2\")",
    ] {
        assert_eq!(pairs(template), own, "{template}");
    }
    assert_eq!(pairs("i0 s0 and elsewhere i1"), [(0, 0)]);
    assert_eq!(pairs("i0 and s0\n and i0 again"), [(0, 0), (0, 0)]);
    assert_eq!(pairs(&format!("i0 {} s0", "far ".repeat(300))), [], "too far without a name");
    assert_eq!(pairs(&format!("i0 {} aws_secret_key=s0", "far ".repeat(300))), [(0, 0)]);
}

#[test]
fn a_value_in_base64_alone_is_found_by_its_name_or_its_id() {
    let specimen = Specimen::from_seed(5);
    let encode = |text: &str| data_encoding::BASE64.encode(text.as_bytes());
    let (id, secret) =
        (encode(&specimen.access_key_id), encode(&format!("{}\n", specimen.secret_access_key)));
    for text in [
        format!("data:\n  AWS_ACCESS_KEY_ID: {id}\n  AWS_SECRET_ACCESS_KEY: {secret}\n"),
        format!("data:\n  one: {id}\n  other: {secret}\n"),
    ] {
        let found = detect(&text);
        assert_eq!(found.len(), 2, "{text}");
        assert_eq!(found[0].value.expose(), specimen.access_key_id);
        assert_eq!(found[1].value.expose(), specimen.secret_access_key);
        assert_eq!((found[0].pair, found[1].pair), (Some(1), Some(0)));
        assert_eq!(text[found[0].span.clone()], id);
        assert_eq!(text[found[1].span.clone()], secret);
        assert_eq!(found[1].encodings, ["base64"]);
    }
    assert_eq!(detect(&format!("aws_secret_access_key: {secret}")).len(), 1);
    assert_eq!(detect(&format!("other: {secret}")).len(), 0);
}

#[test]
fn tokens_are_found_with_their_padding_and_through_urls() {
    let specimen = Specimen::from_seed(5);
    let text = format!("X-Amz-Security-Token={}&X-Amz-Date=1", planted::url(&specimen.session_token, "%"));
    let found = detect(&text);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].value.expose(), specimen.session_token);
    assert_eq!(found[0].encodings, ["url"]);
    assert!(text[found[0].span.clone()].ends_with("%3D%3D"));
}

mod hostile;
mod planted;
