//! The encodings in which keys really occur, for parts of a text.

use std::fmt::Write as _;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};

/// The text in an encoding; `None` if there is none of that name.
pub(super) fn encode(encoding: &str, text: &str) -> Option<String> {
    Some(match encoding {
        "base64" => BASE64.encode(text.as_bytes()),
        "base64-wrapped" => wrapped(text.as_bytes()),
        "base64-unpadded" => BASE64_NOPAD.encode(text.as_bytes()),
        "base64url" => BASE64URL_NOPAD.encode(text.as_bytes()),
        // What stands in a string of JSON.
        "json" => text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"),
        // PHP does so by default.
        "slash" => text.replace('/', r"\/"),
        "unicode" => each(text, |code, to| write!(to, r"\u{code:04x}")),
        "UNICODE" => each(text, |code, to| write!(to, r"\u{code:04X}")),
        "url" => percent(text, |byte, to| write!(to, "%{byte:02X}")),
        "url-lower" => percent(text, |byte, to| write!(to, "%{byte:02x}")),
        "html" => {
            let text = text.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;");
            text.replace('<', "&lt;").replace('>', "&gt;")
        }
        "html-decimal" => each(text, |code, to| write!(to, "&#{code};")),
        "html-hex" => each(text, |code, to| write!(to, "&#x{code:X};")),
        _ => return None,
    })
}

/// Base64 in lines of 76 characters.
pub(super) fn wrapped(bytes: &[u8]) -> String {
    let encoded = BASE64.encode(bytes);
    let lines: Vec<&str> =
        (0..encoded.len()).step_by(76).map(|at| &encoded[at..encoded.len().min(at + 76)]).collect();
    lines.join("\n")
}

/// Writes each of the characters `+`, `/` and `=` in another way, as careful encoders do.
fn each(text: &str, write: fn(u32, &mut String) -> std::fmt::Result) -> String {
    let mut encoded = String::new();
    for character in text.chars() {
        if matches!(character, '+' | '/' | '=') {
            write(u32::from(character), &mut encoded).expect("a string takes everything");
        } else {
            encoded.push(character);
        }
    }
    encoded
}

fn percent(text: &str, write: fn(u8, &mut String) -> std::fmt::Result) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write(byte, &mut encoded).expect("a string takes everything");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_encoded_as_its_readers_expect() {
        let check = |encoding, text, expected| assert_eq!(encode(encoding, text).as_deref(), Some(expected));
        check("base64", "a/b", "YS9i");
        check("base64-unpadded", "ab", "YWI");
        check("json", "\"a\"\n", r#"\"a\"\n"#);
        check("slash", "a/b", r"a\/b");
        check("unicode", "a/+", r"a\u002f\u002b");
        check("UNICODE", "=", r"\u003D");
        check("url", "a/+=", "a%2F%2B%3D");
        check("url-lower", "/", "%2f");
        check("html", "\"&", "&quot;&amp;");
        check("html-decimal", "a+", "a&#43;");
        check("html-hex", "/", "&#x2F;");
        assert_eq!(encode("rot13", "a"), None);
        assert_eq!(encode("base64-wrapped", &"a".repeat(60)).unwrap().find('\n'), Some(76));
    }
}
