//! Bytes to matches.

use std::ops::Range;

use rotakey_core::secret::Secret;

use crate::kind::{Kind, Severity};

/// One match in a content.
#[derive(Debug)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// The rule that found it, by its stable name, such as `aws-secret-access-key`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where in the content, in bytes: all of the encoded form, without quotes.
    pub span: Range<usize>,
    /// The value in clear.
    pub value: Secret,
    /// The encodings that were taken off, outermost first, such as `base64`; empty if there was none.
    pub encodings: Vec<&'static str>,
    /// Which match of the same content is the other half: of a secret or a token its id, of an id its secret.
    pub pair: Option<usize>,
}

/// Finds keys in bytes.
#[derive(Debug, Default)]
pub struct Detector {}

impl Detector {
    /// All matches, ascending by where they begin.
    pub fn detect(&self, _content: &[u8]) -> Vec<Found> {
        Vec::new()
    }

    /// Whether there can be any match. `false` means that [`Detector::detect`] finds nothing here.
    ///
    /// The answer is *local*: it is `true` if and only if it is for some part of at most [`Detector::WINDOW`] bytes. So of a
    /// content that differs from a screened one in some places only these need to be screened, with as much around them.
    pub fn screen(&self, _content: &[u8]) -> bool {
        false
    }

    /// How far the screen looks, in bytes.
    pub const WINDOW: usize = 256;
}
