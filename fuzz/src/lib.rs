//! What the targets share: how they read their input, and the ways in which a key is put into a text.

use std::path::{Path, PathBuf};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use rotakey_scan::detect::Detector;
use rotakey_scan::specimen::Specimen;

/// The input, taken from its front. Behind its end there are zeros.
#[derive(Debug, Clone)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below a limit that is not zero.
    pub fn below(&mut self, limit: usize) -> usize {
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) % limit
    }

    /// The next bytes, fewer than so many.
    pub fn bytes(&mut self, limit: usize) -> &'a [u8] {
        let length = self.below(limit).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }
}

/// Templates of texts that hold an id.
pub const TEMPLATES: [&str; 5] = [
    "{access_key_id}",
    "id: {temporary_access_key_id}\n",
    "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n",
    "new Credentials(\"{access_key_id}\",\"{secret_access_key}\")",
    "Key id,Secret\n{access_key_id},{secret_access_key}\n",
];

/// The ways to write a text within another one.
pub const ENCODINGS: [fn(&str) -> Vec<u8>; 9] = [
    |text| text.as_bytes().to_vec(),
    |text| escaped(text).replace('/', "\\/").into_bytes(),
    |text| escaped(text).replace('/', "\\u002F").replace('+', "\\u002b").into_bytes(),
    |text| text.replace('"', "&quot;").replace('/', "&#x2F;").replace('+', "&#43;").into_bytes(),
    |text| percent(text).into_bytes(),
    |text| BASE64.encode(text.as_bytes()).into_bytes(),
    |text| BASE64URL_NOPAD.encode(text.as_bytes()).into_bytes(),
    |text| text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    |text| text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
];

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// A key that was planted: its parts, and how it is written.
#[derive(Debug)]
pub struct Planted {
    pub id: String,
    pub secret: Option<String>,
    pub token: String,
    pub encoded: Vec<u8>,
}

impl Planted {
    /// One as the input has it.
    pub fn of(input: &mut Input<'_>) -> Self {
        // One id of a hundred thousand is so regular that it counts as a placeholder.
        let is_id = |specimen: &Specimen| {
            let ids = [&specimen.access_key_id, &specimen.temporary_access_key_id];
            ids.iter().all(|id| Detector::default().screen(id.as_bytes()))
        };
        let seed = input.below(1 << 16) as u64;
        let specimen = (seed..).map(Specimen::from_seed).find(is_id).unwrap();
        let template = TEMPLATES[input.below(TEMPLATES.len())];
        let encoded = ENCODINGS[input.below(ENCODINGS.len())](&specimen.fill(template));
        let id = if template.contains("temporary") {
            &specimen.temporary_access_key_id
        } else {
            &specimen.access_key_id
        };
        let secret = template.contains("secret").then(|| specimen.secret_access_key.clone());
        Self { id: id.clone(), secret, token: specimen.session_token.clone(), encoded }
    }
}

/// An empty folder in memory, if there is such a file system, for one process.
pub fn folder() -> PathBuf {
    let parent = Path::new("/dev/shm");
    let made = if parent.is_dir() { tempfile::tempdir_in(parent) } else { tempfile::tempdir() };
    made.unwrap().keep()
}
