//! Trails in S3: moto's server, and a server that refuses before it gives.
//!
//! moto's server is found in the environment variable `ROTAKEY_TEST_MOTO_URL`; `cargo xtask test` starts one.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt};
use rotakey_core::secret::Secret;
use rotakey_trail::event_time::EventTime;
use rotakey_trail::selection::Selection;
use rotakey_trail::source::fetch::{Body, Fetch, FetchOptions};
use rotakey_trail::source::objects::{
    ObjectStores, ProvideS3Credential, S3Credential, S3Credentials, S3Options,
};
use rotakey_trail::source::{Find, Input, Trail};
use tokio::runtime::Runtime;

#[test]
fn a_trail_in_s3_is_found_and_read() {
    let moto = Moto::new("trail");
    let region = "prefix/AWSLogs/o-exampleorgid/123456789012/CloudTrail/eu-central-1";
    // More than one list tells.
    let mut objects: BTreeMap<String, Vec<u8>> = (0..1_050)
        .map(|number| {
            let name = format!("123456789012_CloudTrail_eu-central-1_20261101T0000Z_{number:016}.json.gz");
            (format!("{region}/2026/11/01/{name}"), format!("{number}").into_bytes())
        })
        .collect();
    // Larger than one request asks for; and a name that has to be escaped in a URL.
    objects.insert(
        format!("{region}/2026/11/01/large.json"),
        (0..9_000_000).map(|byte| (byte / 3) as u8).collect(),
    );
    objects.insert(format!("{region}/2026/11/02/a b+c%20é.json"), b"[]".to_vec());
    moto.put(&objects);
    moto.put(&BTreeMap::from([
        ("prefix/AWSLogs/o-exampleorgid/123456789012/CloudTrail-Digest/x.json.gz".to_owned(), vec![1]),
        (
            "prefix/AWSLogs/o-exampleorgid/123456789012/CloudTrail/us-east-1/2026/11/01/x.json".to_owned(),
            vec![1],
        ),
        ("elsewhere.json".to_owned(), vec![1]),
        ("prefix/empty/".to_owned(), Vec::new()),
    ]));
    let selection = |from: Option<&str>| Selection {
        from: from.and_then(EventTime::parse),
        regions: ["eu-central-1".to_owned()].into(),
        ..Selection::default()
    };

    let trail = moto.find("/prefix", &selection(None));
    assert_eq!(trail.problems, []);
    assert_eq!((trail.skipped.digests, trail.skipped.outside), (1, 1));
    let expected: BTreeMap<_, _> =
        objects.iter().map(|(key, content)| (moto.url(&format!("/{key}")), content.clone())).collect();
    let found: BTreeMap<_, _> =
        read(&trail).into_iter().map(|(name, content)| (name, content.unwrap())).collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert!(found == expected, "all that was put was read");
    assert!(trail.files[0].name.ends_with("/large.json"), "the largest of a day comes first");
    assert!(trail.files.iter().all(|file| file.etag.as_deref().is_some_and(|etag| !etag.contains('"'))));

    let trail = moto.find("/prefix", &selection(Some("2026-11-03T00:00:00Z")));
    assert_eq!(trail.files.len(), 1, "the day before, because CloudTrail delivers late");

    let named = format!("/{region}/2026/11/01/large.json");
    assert_eq!(moto.find(&named, &selection(None)).files.len(), 1);
    assert_eq!(moto.find("/nothing", &selection(None)).problems.len(), 1);
}

#[test]
fn a_bucket_that_is_not_there_is_a_problem() {
    let moto = Moto::new("there");
    let mut trail = moto.find_at("s3://rotakey-not-there/prefix", &Selection::default());
    let problem = trail.problems.remove(0);
    assert_eq!(problem.file, "s3://rotakey-not-there/prefix");
    assert!(trail.problems.is_empty() && trail.files.is_empty());
}

#[test]
fn throttling_is_waited_out_and_requests_are_signed_by_whom_the_caller_says() {
    let key = "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/11/01/a.json";
    let list = format!(
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>{key}</Key>\
         <LastModified>2026-11-01T00:00:00.000Z</LastModified><ETag>\"x\"</ETag><Size>2</Size></Contents></ListBucketResult>"
    );
    let server = Reluctant::new(vec![list, "{}".to_owned()]);
    let runtime = runtime();
    let s3 = S3Options {
        region: Some("eu-central-1".to_owned()),
        endpoint: Some(server.url.clone()),
        credentials: S3Credentials::Provided(Arc::new(Somebody)),
    };
    let stores = ObjectStores::new(runtime.handle().clone(), s3);
    let find = Find { selection: &Selection::default(), again: false, objects: Some(&stores) };
    let input = Input::Url(format!("s3://bucket/{}", key.rsplit_once('/').unwrap().0));
    let trail = Trail::find(&[input], &find).unwrap();
    assert_eq!(trail.problems, []);
    let content = read(&trail).remove(&format!("s3://bucket/{key}")).unwrap();
    assert_eq!(content, Ok(b"{}".to_vec()));
    let asked = server.asked.lock().unwrap();
    assert_eq!(asked.len(), 4, "each request was refused once: {asked:?}");
    for signature in asked.iter() {
        assert!(signature.contains("Credential=AKIAIOSFODNN7EXAMPLE/"), "{signature}");
        assert!(signature.contains("/eu-central-1/s3/"), "{signature}");
    }
}

/// All that the trail holds.
fn read(trail: &Trail) -> BTreeMap<String, Result<Vec<u8>, String>> {
    let options = FetchOptions { whole: 20 << 20, most_objects: 8, most_bytes: 10 << 20 };
    let fetch = Fetch::new(trail, options);
    let found = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut buffer = Vec::new();
                while let Some(fetched) = fetch.next(&mut buffer) {
                    let content = match fetched.body {
                        Ok(Body::Whole(content)) => Ok(content),
                        Ok(other) => panic!("{other:?} is not how a small object comes"),
                        Err(error) => Err(error.to_string()),
                    };
                    found.lock().unwrap().insert(fetched.file.name.clone(), content);
                }
            });
        }
    });
    found.into_inner().unwrap()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A bucket of its own in moto's server.
struct Moto {
    runtime: Runtime,
    store: AmazonS3,
    stores: ObjectStores,
    bucket: String,
}

impl Moto {
    fn new(name: &str) -> Self {
        let url = std::env::var("ROTAKEY_TEST_MOTO_URL").unwrap_or_else(|_| {
            panic!(
                "ROTAKEY_TEST_MOTO_URL is not set: this test needs moto's server. \
                 Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
            )
        });
        let runtime = runtime();
        let bucket = format!("rotakey-{name}-{}", std::process::id());
        let s3 = S3Options {
            endpoint: Some(url.clone()),
            credentials: S3Credentials::Provided(Arc::new(Somebody)),
            region: None,
        };
        let stores = ObjectStores::new(runtime.handle().clone(), s3);
        // Opening it once makes the client of the requests below usable, too.
        let find = Find { selection: &Selection::default(), again: false, objects: Some(&stores) };
        Trail::find(&[Input::Url(format!("s3://{bucket}/"))], &find).unwrap();
        runtime.block_on(async {
            let response = reqwest::Client::new().put(format!("{url}/{bucket}")).send().await.unwrap();
            assert!(response.status().is_success(), "{response:?}");
        });
        let store = AmazonS3Builder::new()
            .with_endpoint(&url)
            .with_bucket_name(&bucket)
            .with_access_key_id("AKIAIOSFODNN7EXAMPLE")
            .with_secret_access_key("moto")
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .build()
            .unwrap();
        Self { runtime, store, stores, bucket }
    }

    fn url(&self, path: &str) -> String {
        format!("s3://{}{path}", self.bucket)
    }

    fn put(&self, objects: &BTreeMap<String, Vec<u8>>) {
        self.runtime.block_on(stream::iter(objects).for_each_concurrent(16, async |(key, content)| {
            self.store.put(&Path::parse(key).unwrap(), content.clone().into()).await.unwrap();
        }));
    }

    fn find(&self, path: &str, selection: &Selection) -> Trail {
        self.find_at(&self.url(path), selection)
    }

    fn find_at(&self, url: &str, selection: &Selection) -> Trail {
        let find = Find { selection, again: false, objects: Some(&self.stores) };
        Trail::find(&[Input::Url(url.to_owned())], &find).unwrap()
    }
}

#[derive(Debug)]
struct Somebody;

#[async_trait]
impl ProvideS3Credential for Somebody {
    async fn credential(&self) -> Result<S3Credential, Box<dyn Error + Send + Sync>> {
        Ok(S3Credential {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("moto".to_owned()),
            session_token: None,
        })
    }
}

/// A server that answers each request only when it is asked a second time.
struct Reluctant {
    url: String,
    /// The signatures of the requests.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Reluctant {
    fn new(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            let refusal = "<Error><Code>SlowDown</Code></Error>".to_owned();
            for (status, body) in answers
                .into_iter()
                .flat_map(|answer| [("503 Slow Down", refusal.clone()), ("200 OK", answer)])
            {
                let (mut connection, _) = listener.accept().unwrap();
                let request = BufReader::new(connection.try_clone().unwrap()).lines();
                let head: Vec<_> = request.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
                let signature =
                    head.into_iter().find(|line| line.to_ascii_lowercase().starts_with("authorization:"));
                noted.lock().unwrap().push(signature.unwrap_or_default());
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"x\"\r\nLast-Modified: Sun, 01 Nov 2026 00:00:00 GMT\r\n\
                     Connection: close\r\n\r\n",
                    body.len()
                );
                connection.write_all(format!("{head}{body}").as_bytes()).unwrap();
                // Until the client has closed it, too.
                let _ = connection.shutdown(std::net::Shutdown::Write);
                let _ = connection.read(&mut [0]);
            }
        });
        Self { url, asked }
    }
}
