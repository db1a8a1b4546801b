//! The one form in which both sides write a request down before they sign it.

/// The parameters of a query string, percent-decoded once (in SigV4 a `+` is a plus, not a space).
pub(super) struct Query(Vec<(Vec<u8>, Vec<u8>)>);

impl Query {
    /// Reads a query string.
    pub(super) fn parse(query: &str) -> Self {
        Self(
            query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    /// The first parameter of that name, if it is text.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name.as_bytes())?;
        std::str::from_utf8(value).ok()
    }

    /// Encoded again, sorted, and without the signature itself.
    pub(super) fn canonical(&self) -> String {
        let mut pairs: Vec<(String, String)> = self
            .0
            .iter()
            .filter(|(name, _)| name != b"X-Amz-Signature")
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        pairs.sort();
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }
}

/// Trims, and makes one space of many.
pub(super) fn collapse(value: &[u8]) -> Vec<u8> {
    value
        .trim_ascii()
        .split(|&byte| byte == b' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(&b' ')
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Percent-decodes; a `%` that starts no escape stays as it is.
pub(in crate::wire) fn decode(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        match (first, tail) {
            (b'%', [high, low, after @ ..])
                if let Ok(byte) = data_encoding::HEXLOWER_PERMISSIVE.decode(&[*high, *low]) =>
            {
                bytes.extend(byte);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_trimmed_and_their_spaces_collapsed() {
        assert_eq!(collapse(b" \ta   b c  "), b"a b c");
    }

    #[test]
    fn escapes_are_decoded_once_and_broken_ones_kept() {
        assert_eq!(decode("a%2Fb%2fc+%zz%2"), b"a/b/c+%zz%2");
        assert_eq!(encode(b"a/b c~\xff"), "a%2Fb%20c~%FF");
    }
}
