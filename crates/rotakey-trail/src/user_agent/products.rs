//! A user agent in pieces: `name/version`, and comments in parentheses.

/// The most pieces that are looked at.
const MOST: usize = 256;

/// One piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Product<'a> {
    /// What stands before the first slash; of a comment all that stands in the parentheses.
    pub(super) name: &'a str,
    /// What stands behind the first slash.
    pub(super) version: Option<&'a str>,
    /// Whether it stood in parentheses.
    pub(super) is_comment: bool,
}

/// Takes a user agent apart. Commas end a word, as in `S3Console/0.4, aws-internal/3`, but not within one, as in
/// `m/a,b`. A parenthesis that is never closed is a comment up to the end.
pub(super) fn products(text: &str) -> Vec<Product<'_>> {
    let mut products = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && products.len() < MOST {
        if let Some(comment) = rest.strip_prefix('(') {
            let end = end_of_comment(comment);
            products.push(Product { name: &comment[..end], version: None, is_comment: true });
            rest = comment[end..].strip_prefix(')').unwrap_or_default();
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let word = rest[..end].trim_end_matches([',', ';']);
            let (name, version) =
                word.split_once('/').map_or((word, None), |(name, version)| (name, Some(version)));
            let version = version.filter(|version| !version.is_empty());
            products.push(Product { name, version, is_comment: false });
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    products
}

/// Where the comment ends that has just begun; comments may hold comments.
fn end_of_comment(text: &str) -> usize {
    let mut depth = 1;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_comments_and_what_is_never_closed() {
        let shown = |text| {
            let products = products(text);
            let words = products.iter().map(|product| match (product.is_comment, product.version) {
                (true, _) => format!("({})", product.name),
                (false, Some(version)) => format!("{}={version}", product.name),
                (false, None) => product.name.to_owned(),
            });
            words.collect::<Vec<_>>().join(" | ")
        };
        assert_eq!(shown("a/1 (b; (c) d) e"), "a=1 | (b; (c) d) | e");
        assert_eq!(shown("a/, m/x,y lang/go#1/2"), "a | m=x,y | lang=go#1/2");
        assert_eq!(shown("a (b"), "a | (b)");
        assert_eq!(shown(" ) / "), ") | ");
    }
}
