use proptest::prelude::*;

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn listed_addresses_and_networks_are_found() {
    let mut lists = Lists::default();
    assert!(lists.is_empty() && !lists.has_addresses());
    lists.add_addresses("tor.txt", "# exits\n\n198.51.100.7 # of somebody\r\n2001:db8:bad::/48\n").unwrap();
    lists.add_addresses("bad.txt", "\u{feff}198.51.100.0/28").unwrap();
    let found = |text| lists.listed(address(text)).collect::<Vec<_>>().join(" ");
    assert_eq!(found("198.51.100.7"), "tor.txt bad.txt");
    assert_eq!(found("::ffff:198.51.100.7"), "tor.txt bad.txt");
    assert_eq!(found("198.51.100.8"), "bad.txt");
    assert_eq!(found("198.51.100.16"), "");
    assert_eq!(found("2001:db8:bad::1"), "tor.txt");
}

#[test]
fn an_error_names_the_file_and_the_line() {
    let mut lists = Lists::default();
    let message =
        lists.add_addresses("tor.txt", "# exits\n192.0.2.1\nexit.example.org\u{1b}[2J\n").unwrap_err();
    insta::assert_snapshot!(message, @r#"tor.txt, line 3: "exit.example.org\u{1b}[2J" is neither an address nor a network such as 192.0.2.0/24"#);
    let message =
        lists.add_countries("geo.csv", "network,country\n192.0.2.0/24,CH\n192.0.3.0/24\n").unwrap_err();
    insta::assert_snapshot!(message, @r#"geo.csv, line 3: "192.0.3.0/24" is not a network, a comma and a country, such as 192.0.2.0/24,CH"#);
    let message = lists.add_countries("geo.csv", "192.0.2.0/99,CH\n").unwrap_err();
    insta::assert_snapshot!(message, @r#"geo.csv, line 1: "192.0.2.0/99,CH" is not a network, a comma and a country, such as 192.0.2.0/24,CH"#);
    let message = lists.set_aws_ranges("ip-ranges.json", r#"{"prefixes": 1}"#).unwrap_err();
    insta::assert_snapshot!(message, @"ip-ranges.json is not AWS's ip-ranges.json: invalid type: integer `1`, expected a sequence at line 1 column 14");
    let message = lists.set_aws_ranges(
        "ip-ranges.json",
        r#"{"prefixes": [{"ip_prefix": "x", "region": "GLOBAL", "service": "AMAZON"}]}"#,
    );
    insta::assert_snapshot!(message.unwrap_err(), @r#"ip-ranges.json is not AWS's ip-ranges.json: "x" is no network"#);
    let message = lists.add_country_database("geo.mmdb", b"PK".to_vec()).unwrap_err();
    assert!(message.to_string().starts_with("geo.mmdb is not a MaxMind database: "), "{message}");
    assert!(lists.is_empty());
}

#[test]
fn a_network_has_a_country_if_all_of_it_agrees() {
    let mut lists = Lists::default();
    let csv = "network,country_code,city\n\"192.0.2.0/25\",\"CH\",Bern\n192.0.2.128/25,CH,Chur\n\
               203.0.113.0/24,DE\n203.0.113.8/30,FR\n2001:db8::/32,JP\n";
    lists.add_countries("geo.csv", csv).unwrap();
    let of = |text| lists.country(address(text));
    assert_eq!(of("192.0.2.200").as_deref(), Some("CH"));
    assert_eq!(of("203.0.113.9").as_deref(), Some("FR"));
    assert_eq!(of("2001:db8:ffff::1").as_deref(), Some("JP"));
    assert_eq!(of("8.8.8.8"), None);
    let of = |text| lists.country_of_network(&Network::of(text));
    assert_eq!(of("192.0.2.200").as_deref(), Some("CH"));
    assert_eq!(of("203.0.113.9"), None);
    assert_eq!(of("2001:db8:ffff::1").as_deref(), Some("JP"));
    assert_eq!(of("s3.amazonaws.com"), None);
}

#[test]
fn aws_ranges_tell_region_and_the_most_telling_service() {
    let mut lists = Lists::default();
    assert_eq!(lists.aws_coverage(&Network::of("3.5.140.1")), None);
    let json = r#"{"syncToken": "1", "createDate": "2026-11-01-00-00-00", "prefixes": [
        {"ip_prefix": "52.94.0.0/16", "region": "us-east-1", "service": "DYNAMODB", "network_border_group": "us-east-1"},
        {"ip_prefix": "52.94.0.0/16", "region": "us-east-1", "service": "AMAZON", "network_border_group": "us-east-1"},
        {"ip_prefix": "3.5.140.0/25", "region": "ap-northeast-2", "service": "AMAZON"}],
        "ipv6_prefixes": [{"ipv6_prefix": "2600:1f00::/24", "region": "GLOBAL", "service": "EC2"}]}"#;
    lists.set_aws_ranges("ip-ranges.json", json).unwrap();
    let of = |text| lists.aws(address(text)).map(|range| format!("{} {}", range.region, range.service));
    assert_eq!(of("52.94.3.3").as_deref(), Some("us-east-1 DYNAMODB"));
    assert_eq!(of("2600:1f00::1").as_deref(), Some("GLOBAL EC2"));
    assert_eq!(of("52.95.0.1"), None);
    let of = |text| lists.aws_coverage(&Network::of(text));
    assert_eq!(of("52.94.3.3"), Some(Coverage::All));
    assert_eq!(of("3.5.140.1"), Some(Coverage::Part));
    assert_eq!(of("3.5.141.1"), Some(Coverage::None));
    assert_eq!(of("AWS Internal"), None);
}

/// A MaxMind DB of IPv4, made after its specification: <https://maxmind.github.io/MaxMind-DB/>.
fn database(countries: &[(&str, &str)]) -> Vec<u8> {
    const EMPTY: usize = usize::MAX;
    let text = |text: &str| [vec![0b010_00000 | text.len() as u8], text.as_bytes().to_vec()].concat();
    let map = |entries: &[(&str, Vec<u8>)]| {
        let content = entries.iter().flat_map(|(key, value)| [text(key), value.clone()].concat());
        [vec![0b111_00000 | entries.len() as u8], content.collect()].concat()
    };
    let small = |number: u8| vec![0b101_00001, number];
    let (mut nodes, mut data) = (vec![[EMPTY; 2]], Vec::new());
    let mut leaves = Vec::new();
    for (network, country) in countries {
        let (address, bits) = network.split_once('/').unwrap();
        let address = address.parse::<std::net::Ipv4Addr>().unwrap().to_bits();
        let (mut node, bits) = (0, bits.parse::<usize>().unwrap());
        let side = |bit: usize| (address >> (31 - bit) & 1) as usize;
        for bit in 0..bits - 1 {
            if nodes[node][side(bit)] == EMPTY {
                nodes.push([EMPTY; 2]);
                nodes[node][side(bit)] = nodes.len() - 1;
            }
            node = nodes[node][side(bit)];
        }
        leaves.push((node, side(bits - 1), data.len()));
        data.extend(map(&[("country", map(&[("iso_code", text(country))]))]));
    }
    let count = nodes.len();
    let mut records: Vec<[usize; 2]> =
        nodes.iter().map(|node| node.map(|record| if record == EMPTY { count } else { record })).collect();
    for (node, side, offset) in leaves {
        records[node][side] = count + 16 + offset;
    }
    let tree = records.concat().into_iter().flat_map(|record| record.to_be_bytes()[5..].to_vec());
    let metadata = map(&[
        ("binary_format_major_version", small(2)),
        ("binary_format_minor_version", small(0)),
        ("build_epoch", vec![0b000_00001, 2, 1]),
        ("database_type", text("Test-Country")),
        ("description", vec![0b111_00000]),
        ("ip_version", small(4)),
        ("languages", vec![0b000_00000, 4]),
        ("node_count", vec![0b110_00010, (count >> 8) as u8, count as u8]),
        ("record_size", small(24)),
    ]);
    let marker = b"\xab\xcd\xefMaxMind.com".to_vec();
    [tree.collect(), vec![0; 16], data, marker, metadata].concat()
}

#[test]
fn a_maxmind_database_says_the_same_as_lines_do() {
    let countries =
        [("192.0.2.0/25", "CH"), ("192.0.2.128/25", "CH"), ("203.0.113.0/25", "DE"), ("10.0.0.0/8", "FR")];
    let (mut by_database, mut by_lines) = (Lists::default(), Lists::default());
    by_database.add_country_database("geo.mmdb", database(&countries)).unwrap();
    let lines: String = countries.iter().map(|(network, country)| format!("{network},{country}\n")).collect();
    by_lines.add_countries("geo.csv", &lines).unwrap();
    for source in
        ["192.0.2.7", "192.0.2.200", "203.0.113.9", "203.0.113.200", "10.9.9.9", "8.8.8.8", "2001:db8::1"]
    {
        assert_eq!(by_database.country(address(source)), by_lines.country(address(source)), "{source}");
        let network = Network::of(source);
        assert_eq!(
            by_database.country_of_network(&network),
            by_lines.country_of_network(&network),
            "{source}"
        );
    }
    assert_eq!(by_database.country(address("192.0.2.7")).as_deref(), Some("CH"));
    assert_eq!(by_database.country(address("::ffff:10.9.9.9")).as_deref(), Some("FR"));
}

proptest! {
    #[test]
    fn a_broken_database_never_breaks_us(position: prop::sample::Index, byte: u8, cut: prop::sample::Index, source: u32) {
        let mut bytes = database(&[("192.0.2.0/25", "CH"), ("10.0.0.0/8", "FR")]);
        let at = position.index(bytes.len());
        bytes[at] = byte;
        bytes.drain(..cut.index(bytes.len()) / 8);
        let mut lists = Lists::default();
        if lists.add_country_database("geo.mmdb", bytes).is_ok() {
            let address = IpAddr::from(std::net::Ipv4Addr::from_bits(source));
            lists.country(address);
            lists.country(IpAddr::from([10, 1, 2, 3]));
            lists.country_of_network(&Network::of_address(address));
            lists.country_of_network(&Network::of("10.1.2.3"));
        }
    }
}
