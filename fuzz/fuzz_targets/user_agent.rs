//! Any user agent is read, into bounded parts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotakey_trail::user_agent::Agent;

fuzz_target!(|text: &str| {
    let agent = Agent::parse(text);
    assert!(!agent.family.is_empty() && agent.family.len() <= 128);
    assert!(agent.text.as_ref().is_none_or(|text| text.len() <= 512));
    let bare = agent.without_versions();
    assert_eq!(bare.without_versions(), bare, "without versions there is none to take away");
    let json = serde_json::to_string(&agent).unwrap();
    assert_eq!(serde_json::from_str::<Agent>(&json).unwrap(), agent);
});
