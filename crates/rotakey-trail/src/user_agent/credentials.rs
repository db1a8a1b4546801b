//! How a client got its credentials, as the newer SDKs tell it.
//!
//! The SDKs write letters for features that they use into `m/`, and among them how the credentials were supplied.
//! The letters are the same in all SDKs; here they are as in botocore 1.44 (`useragent.py`) and, for what Python
//! lacks, as in aws-runtime 1.10 for Rust. The SDK for Java 2 has a word of its own, `cfg/auth-source#`.

/// Letters and what they mean, in order of the word.
const CODES: &[(&str, &str)] = &[
    ("i", "assume-role"),
    ("j", "assume-role-saml"),
    ("k", "assume-role-web-identity"),
    ("x", "boto2-config"),
    ("e", "code"),
    ("8", "cognito"),
    ("z", "container-http"),
    ("g", "environment"),
    ("h", "environment-web-identity"),
    ("l", "federation-token"),
    ("0", "imds"),
    ("f", "jvm-properties"),
    ("AD", "login"),
    ("w", "process"),
    ("n", "profile"),
    ("AC", "profile-login"),
    ("p", "profile-named-provider"),
    ("v", "profile-process"),
    ("o", "profile-source-profile"),
    ("r", "profile-sso"),
    ("t", "profile-sso-legacy"),
    ("q", "profile-web-identity"),
    ("y", "sdk-store"),
    ("m", "session-token"),
    ("s", "sso"),
    ("u", "sso-legacy"),
];

/// Adds the words for the letters in a list such as `D,e,b`. Letters for other things, and unknown ones, are
/// passed over.
pub(super) fn add(letters: &str, words: &mut Vec<String>) {
    for letter in letters.split(',') {
        if let Some((_, word)) = CODES.iter().find(|(code, _)| *code == letter)
            && !words.iter().any(|known| known == word)
        {
            words.push((*word).to_owned());
        }
    }
}

/// The word for an `auth-source` of Java.
pub(super) fn of_java(source: &str) -> Option<&'static str> {
    Some(match source {
        "stat" => "code",
        "env" => "environment",
        "sys" => "jvm-properties",
        "prof" => "profile",
        "sso" => "sso",
        "stsrole" => "assume-role",
        "imds" => "imds",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_letter_and_each_word_is_there_once_and_sorted() {
        assert!(CODES.is_sorted_by(|a, b| a.1 < b.1));
        let mut letters: Vec<_> = CODES.iter().map(|(letter, _)| letter).collect();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), CODES.len());
    }
}
