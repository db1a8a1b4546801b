use object_store::PutPayload;
use object_store::memory::InMemory;

use super::*;
use crate::pieces::PIECE;
use crate::scan::{Options, Report};
use crate::specimen::Specimen;

fn scanned(objects: &[(&str, Vec<u8>)], key: &str, readers: usize) -> (Report, Result<(), ObjectsError>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let store = InMemory::new();
    for (key, content) in objects {
        let payload = PutPayload::from(content.clone());
        runtime.block_on(store.put(&Path::from(*key), payload)).unwrap();
    }
    let scan = Scan::new(Options::default());
    let prefix = Prefix { store: &store, name: "s3://bucket/", key: &Path::from(key) };
    let readers = NonZeroUsize::new(readers).unwrap();
    let outcome = super::scan(prefix, &scan, runtime.handle(), readers, &());
    (scan.finish(), outcome)
}

#[test]
fn all_objects_below_a_prefix_are_read() {
    let id = Specimen::from_seed(1).access_key_id;
    let text = format!("one\n{id}\n").into_bytes();
    let mut large = vec![b'\n'; 3 * PIECE];
    large.extend(id.as_bytes());
    let packed = zstd::encode_all(&large[..], 1).unwrap();
    let mut objects = vec![
        ("a/b.txt", text.clone()),
        ("a/c/large", large),
        ("a/c/packed.zst", packed),
        ("a/folder/", Vec::new()),
        ("ab", text.clone()),
    ];
    let names: Vec<String> = (0..100).map(|number| format!("a/many/{number}")).collect();
    objects.extend(names.iter().map(|name| (&**name, b"nothing".to_vec())));
    for readers in [1, 8] {
        let (report, outcome) = scanned(&objects, "a", readers);
        outcome.unwrap();
        let found: Vec<_> =
            report.findings.iter().map(|finding| (&*finding.path, finding.position.line)).collect();
        let line = u32::try_from(3 * PIECE + 1).unwrap();
        assert_eq!(
            found,
            [
                ("s3://bucket/a/b.txt", 2),
                ("s3://bucket/a/c/large", line),
                ("s3://bucket/a/c/packed.zst", line)
            ]
        );
        assert_eq!((report.coverage.contents, report.coverage.unread), (103, vec![]));
    }
    assert_eq!(scanned(&objects, "", 4).0.findings.len(), 4);
    // An object may be named itself.
    assert_eq!(scanned(&objects, "ab", 4).0.findings[0].path, "s3://bucket/ab");
}

#[test]
fn a_prefix_with_nothing_below_is_an_error() {
    let (_, outcome) = scanned(&[("a/b", b"x".to_vec())], "c", 2);
    assert_eq!(outcome.unwrap_err().to_string(), "there is nothing at s3://bucket/c");
}
