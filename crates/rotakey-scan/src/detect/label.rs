//! What the words before a value say it is.

use super::steps;
use super::unescape::Escape;

/// What a value is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// A secret access key.
    Secret,
    /// A session token.
    Token,
    /// A digest, a revision or a signature: never a secret, however random.
    Digest,
    /// Nothing that is known here.
    Nothing,
}

/// How many bytes before a value are looked at.
pub(super) const REACH: usize = 96;

/// How many letters and digits may stand between the words and the value: `value`, `default`, `None`, `String`.
const BETWEEN: usize = 24;

/// Words that are met with random values that are no secrets, right before them.
const DIGESTS: [&[u8]; 21] = [
    b"sha",
    b"sha1",
    b"sha256",
    b"sha384",
    b"sha512",
    b"md5",
    b"hash",
    b"digest",
    b"checksum",
    b"integrity",
    b"etag",
    b"resolved",
    b"commit",
    b"revision",
    b"fingerprint",
    b"signature",
    b"requestid",
    b"hostid",
    b"nonce",
    b"thumbprint",
    b"gitrev",
];

/// Words that name a secret access key, without what separates them.
const SECRETS: [&[u8]; 12] = [
    b"secretaccesskey",
    b"secretkey",
    b"secretaccess",
    b"awssecret",
    b"amazonsecret",
    b"amznsecret",
    b"s3secret",
    b"iamsecret",
    b"accesskeysecret",
    b"accesssecret",
    b"secretaws",
    b"accesskey",
];

/// Words that say it is Amazon's, and those that then say it is a secret.
const OWNERS: [&[u8]; 5] = [b"aws", b"amazon", b"amzn", b"s3", b"iam"];
const THINGS: [&[u8]; 8] = [b"token", b"key", b"secret", b"password", b"passwd", b"pwd", b"cred", b"pass"];

const TOKENS: [&[u8]; 2] = [b"sessiontoken", b"securitytoken"];

/// What the text before a value calls it.
pub(super) fn before(content: &[u8], value: usize) -> Label {
    let value = replaced(content, value).unwrap_or(value);
    let text = &content[value.saturating_sub(REACH)..value];
    steps::add(REACH);
    let mut letters = [0; REACH];
    let length = squeeze(text, &mut letters);
    let letters = &letters[..length];
    let tail = &letters[length.saturating_sub(16)..];
    if DIGESTS.iter().any(|word| tail.ends_with(word)) {
        return Label::Digest;
    }
    let near = |word: &[u8]| last(letters, word).filter(|end| length - end <= BETWEEN);
    if TOKENS.iter().any(|word| near(word).is_some()) {
        return Label::Token;
    }
    let owned = || {
        THINGS.iter().filter_map(|thing| near(thing).map(|end| end - thing.len())).any(|start| {
            OWNERS.iter().any(|owner| last(&letters[..start], owner).is_some_and(|end| start - end <= 20))
        })
    };
    if SECRETS.iter().any(|word| near(word).is_some()) || owned() { Label::Secret } else { Label::Nothing }
}

/// Where the value begins that another one replaces, as in the plans of Terraform: `name = "old" -> "new"`. What the one is called, the
/// other one is too.
fn replaced(content: &[u8], value: usize) -> Option<usize> {
    let before = &content[value.saturating_sub(REACH)..value];
    let before = trim_quotes(before);
    let before = ["->", "-\\u003e", "-\\u003E", "-&gt;"]
        .iter()
        .find_map(|arrow| before.strip_suffix(arrow.as_bytes()))?;
    let before = trim_quotes(before);
    let is_of_value = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'\\' | b'%');
    let length = before.iter().rev().take_while(is_of_value).count();
    let behind = REACH.min(value) - before.len();
    (length >= super::secret::LENGTH).then(|| value - behind - length)
}

/// Leaves out quotes, with what escapes them, and white space at the end.
fn trim_quotes(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [rest @ .., b'"' | b'\'' | b'`' | b'\\' | b' ' | b'\t'] => rest,
            _ => match text.strip_suffix(b"&quot;") {
                Some(rest) => rest,
                None => return text,
            },
        };
    }
}

/// The letters and digits of a text, small, without those of escapes. Gives back how many there are.
fn squeeze(text: &[u8], letters: &mut [u8; REACH]) -> usize {
    let (mut length, mut at) = (0, 0);
    while let Some(byte) = text.get(at) {
        if byte.is_ascii_alphanumeric() {
            letters[length] = byte.to_ascii_lowercase();
            length += 1;
        }
        at += Escape::read(&text[at..]).length;
    }
    length
}

/// The end of the last occurrence.
fn last(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).rposition(|window| window == word).map(|start| start + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Label) {
        assert_eq!(before(text.as_bytes(), text.len()), expected, "{text}");
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for text in [
            "aws_secret_access_key = ",
            "AWS_SECRET_ACCESS_KEY=\"",
            "AWS Secret Access Key [None]: ",
            "secretAccessKey: '",
            "Set-AWSCredential -SecretKey ",
            "<name>fs.s3a.secret.key</name>\n  <value>",
            "variable \"secret_key\" {\n  default = \"",
            "{\"name\": \"AWS_SECRET_ACCESS_KEY\", \"value\": \"",
            "aws_key = ",
            "AccessKey: ",
            "aws_token = '",
            "amazon.password=",
            "private static final String SECRET_KEY = \"",
            "secret_key = ",
        ] {
            check(text, Label::Secret);
        }
    }

    #[test]
    fn digests_are_known_by_theirs() {
        for text in ["\"integrity\": \"sha1-", "aws_secret_etag = \"", "x-amz-request-id: "] {
            check(text, Label::Digest);
        }
    }

    #[test]
    fn a_value_that_replaces_another_one_is_called_the_same() {
        let old = "a1B2".repeat(10);
        for (quote, arrow) in
            [("\"", "->"), ("'", "->"), ("", "->"), ("\\\"", "-\\u003e"), ("&quot;", "-&gt;")]
        {
            check(&format!("~ AWS_SECRET = {quote}{old}{quote} {arrow} {quote}"), Label::Secret);
            check(&format!("~ other = {quote}{old}{quote} {arrow} {quote}"), Label::Nothing);
            check(&format!("etag = {quote}{old}{quote} {arrow} {quote}"), Label::Digest);
        }
        check("AWS_SECRET = value -> a name of something else entirely ", Label::Nothing);
        check(" -> ", Label::Nothing);
    }

    #[test]
    fn other_names_say_nothing() {
        for text in ["", "password = ", "aws_region = ", "key: ", "secret"] {
            check(text, Label::Nothing);
        }
        check("aws_session_token = ", Label::Token);
    }
}
