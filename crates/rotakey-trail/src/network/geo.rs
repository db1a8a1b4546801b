//! Which country an address is in, as a file of the user's tells it.

use std::fmt;
use std::net::IpAddr;

use maxminddb::{MaxMindDbError, PathElement, Reader, WithinOptions};

use super::prefix::{Prefix, number};
use super::ranges::Ranges;

/// The most records of a database that are looked at for one network.
const MOST_RECORDS: usize = 4_096;

/// Where databases of various makers have the two letters.
const PATHS: [&[PathElement<'static>]; 4] = [
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
    &[PathElement::Key("registered_country"), PathElement::Key("iso_code")],
    &[PathElement::Key("country_code")],
    &[PathElement::Key("country")],
];

/// Countries by address.
pub(super) enum Countries {
    /// A file of lines.
    Ranges(Ranges<String>),
    /// A MaxMind DB.
    Database(Reader<Vec<u8>>),
}

impl Countries {
    /// Reads a MaxMind DB, which stays as it is in memory.
    pub(super) fn of_database(bytes: Vec<u8>) -> Result<Self, MaxMindDbError> {
        Reader::from_source(bytes).map(Self::Database)
    }

    /// The country of an address.
    pub(super) fn of(&self, address: IpAddr) -> Option<String> {
        match self {
            Self::Ranges(ranges) => ranges.get(number(address)).cloned(),
            Self::Database(reader) => {
                let found = reader.lookup(address.to_canonical()).ok()?;
                PATHS.iter().find_map(|path| found.decode_path::<String>(path).ok().flatten())
            }
        }
    }

    /// The country of all addresses of a network, as far as they are known; `None` also if there are several.
    pub(super) fn of_all(&self, prefix: Prefix, text: &str) -> Option<String> {
        match self {
            Self::Ranges(ranges) => only(ranges.within(prefix).cloned()),
            Self::Database(reader) => {
                let records = reader.within(text.parse().ok()?, WithinOptions::default()).ok()?;
                let mut records = records.map_while(Result::ok);
                let country = only(records.by_ref().take(MOST_RECORDS).filter_map(|record| {
                    PATHS.iter().find_map(|path| record.decode_path::<String>(path).ok().flatten())
                }));
                country.filter(|_| records.next().is_none())
            }
        }
    }
}

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Countries(..)")
    }
}

fn only(mut countries: impl Iterator<Item = String>) -> Option<String> {
    let first = countries.next()?;
    countries.all(|country| country == first).then_some(first)
}
