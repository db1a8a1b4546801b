use object_store::memory::InMemory;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, PutMultipartOptions,
    PutOptions, PutPayload, PutResult,
};

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

/// A store whose lists and contents fail for some keys.
#[derive(Debug)]
struct Failing(InMemory);

impl std::fmt::Display for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failing")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Failing {
    async fn put_opts(
        &self,
        key: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.0.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        unreachable!("nothing is written")
    }

    async fn get_opts(&self, key: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        if key.as_ref().contains("cut") {
            let result = self.0.get_opts(key, options).await?;
            let meta = result.meta.clone();
            let (range, attributes, extensions) =
                (result.range.clone(), result.attributes.clone(), result.extensions.clone());
            let error =
                object_store::Error::Generic { store: "failing", source: "the connection was lost".into() };
            let stream = result.into_stream().chain(futures::stream::iter([Err(error)]));
            return Ok(GetResult {
                payload: GetResultPayload::Stream(stream.boxed()),
                meta,
                range,
                attributes,
                extensions,
            });
        }
        if key.as_ref().contains("closed") {
            return Err(object_store::Error::Generic { store: "failing", source: "AccessDenied".into() });
        }
        self.0.get_opts(key, options).await
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        unreachable!("nothing is deleted")
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> object_store::Result<()> {
        unreachable!("nothing is written")
    }
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_read() {
    let id = Specimen::from_seed(1).access_key_id;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let store = Failing(InMemory::new());
    for key in ["a", "closed", "cut", "z"] {
        runtime.block_on(store.put(&Path::from(key), PutPayload::from(id.clone()))).unwrap();
    }
    let scan = Scan::new(Options::default());
    let prefix = Prefix { store: &store, name: "s3://bucket/", key: &Path::default() };
    super::scan(prefix, &scan, runtime.handle(), NonZeroUsize::MIN, &()).unwrap();
    let report = scan.finish();
    let found: Vec<_> = report.findings.iter().map(|finding| &*finding.path).collect();
    // What came before the connection was lost counts.
    assert_eq!(found, ["s3://bucket/a", "s3://bucket/cut", "s3://bucket/z"]);
    let unread: Vec<_> =
        report.coverage.unread.iter().map(|unread| (&*unread.place, unread.reason)).collect();
    assert_eq!(unread, [("s3://bucket/closed", Reason::Io), ("s3://bucket/cut", Reason::Io)]);
}
