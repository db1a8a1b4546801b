//! Any source is some network, and any list of addresses is read or refused.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use rotakey_trail::network::lists::Lists;
use rotakey_trail::network::{Network, NetworkKind};

fuzz_target!(|text: &str| {
    let network = Network::of(text);
    assert!(network.as_str().len() <= 256);
    if let Ok(address) = text.parse::<IpAddr>() {
        assert_ne!(network.kind(), NetworkKind::Other);
        let mut lists = Lists::default();
        lists.add_addresses("list", text).unwrap();
        assert_eq!(lists.listed(address).count(), 1);
    }
    let mut lists = Lists::default();
    let _ = lists.add_addresses("list", text);
    let _ = lists.add_countries("list", text);
    let _ = lists.set_aws_ranges("list", text);
    let _ = (lists.country_of_network(&network), lists.aws_coverage(&network));
});
