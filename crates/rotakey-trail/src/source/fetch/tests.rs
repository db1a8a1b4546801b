use std::collections::BTreeMap;
use std::fs;

use super::*;
use crate::selection::Selection;
use crate::source::{Find, Input};

/// All that is handed out, by name.
fn all(trail: &Trail, options: FetchOptions, threads: usize) -> BTreeMap<String, Result<Vec<u8>, String>> {
    let fetch = Fetch::new(trail, options);
    let found = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut buffer = Vec::new();
                while let Some(Fetched { file, body }) = fetch.next(&mut buffer) {
                    let content = body.and_then(|body| match body {
                        Body::InBuffer => Ok(buffer.clone()),
                        Body::Whole(content) => Ok(content),
                        Body::Stream(mut stream) => {
                            let mut content = Vec::new();
                            stream.read_to_end(&mut content).map(|_| content)
                        }
                    });
                    let content = content.map_err(|error| error.to_string());
                    assert!(found.lock().unwrap().insert(file.name.clone(), content).is_none(), "each once");
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn each_file_is_handed_out_once_and_a_lost_one_stops_nobody() {
    let root = tempfile::tempdir().unwrap();
    let content = |number: usize| vec![b'0' + u8::try_from(number % 10).unwrap(); number * 7];
    for number in 0..100 {
        fs::write(root.path().join(format!("{number:02}.json")), content(number)).unwrap();
    }
    let find = Find { selection: &Selection::default(), again: false, objects: None };
    let trail = Trail::find(&[Input::Path(root.path().to_owned())], &find).unwrap();
    fs::remove_file(root.path().join("50.json")).unwrap();
    // Some are larger than what is handed over whole.
    for whole in [0, 100, u64::MAX] {
        let found = all(&trail, FetchOptions { whole, ..FetchOptions::default() }, 4);
        assert_eq!(found.len(), 100);
        for (number, (name, read)) in found.iter().enumerate() {
            assert_eq!(read.is_err(), number == 50, "{name}");
            assert!(read.is_err() || read == &Ok(content(number)), "{name}");
        }
    }
}
