//! Any configuration is read or refused; one that was written is read, and of two the second counts more.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_fuzz::Input;
use rotakey_scan::git::config::{Config, ConfigError};

fn quoted(value: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| match byte {
        b'"' | b'\\' => vec![b'\\', *byte],
        b'\n' => b"\\n".to_vec(),
        b'\t' => b"\\t".to_vec(),
        8 => b"\\b".to_vec(),
        byte => vec![*byte],
    };
    value.iter().flat_map(escape).collect()
}

fuzz_target!(|input: &[u8]| {
    match Config::parse(input) {
        Ok(read) => {
            let (first, second) = input.split_at(input.len() / 2);
            if let (Ok(mut first), Ok(second), true) =
                (Config::parse(first), Config::parse(second), first.ends_with(b"\n"))
            {
                first.extend(second);
                assert_eq!(first, read);
            }
            let again = [input, b"\n# a comment"].concat();
            assert_eq!(Config::parse(&again).ok(), Some(read));
        }
        Err(ConfigError::Syntax { line }) => {
            assert!((1..=1 + input.iter().filter(|byte| **byte == b'\n').count()).contains(&line));
        }
        Err(ConfigError::Io(error)) => panic!("{error}"),
    }
    let mut input = Input(input);
    // A subsection's name has no lines.
    let name: Vec<u8> = input.bytes(40).iter().copied().filter(|byte| *byte != b'\n').collect();
    let value = input.bytes(100);
    let escaped: Vec<u8> = name
        .iter()
        .flat_map(|byte| if matches!(byte, b'"' | b'\\') { vec![b'\\', *byte] } else { vec![*byte] })
        .collect();
    let text = [
        b"; written\n[remote \"",
        escaped.as_slice(),
        b"\"]\n\tother = x # no\n\tURL = \"",
        &quoted(value),
        b"\" ; yes\n\tlast",
    ]
    .concat();
    let config = Config::parse(&text).unwrap();
    assert_eq!(config.get_of("remote", &name, "url"), Some(value));
    assert_eq!(config.get_of("remote", &name, "other"), Some(&b"x"[..]));
    assert!(config.any_of("remote", "last"));
});
