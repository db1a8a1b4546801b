//! What files of the user's say of addresses: countries, listed addresses, AWS's own ranges.
//!
//! Nothing is fetched: whoever wants a newer list brings a newer file.

use std::net::IpAddr;

use thiserror::Error;

use super::geo::Countries;
use super::prefix::{Prefix, number};
use super::ranges::{Coverage, Ranges};
use super::{AwsRange, Network, aws};

/// The most characters of a wrong line that are quoted.
const MOST_QUOTED: usize = 60;

/// The lists. Those that are not given know nothing.
#[derive(Debug, Default)]
pub struct Lists {
    countries: Vec<Countries>,
    listed: Vec<(String, Ranges<()>)>,
    aws: Option<Ranges<AwsRange>>,
}

/// Why a list could not be read.
#[derive(Debug, Error)]
pub enum ListError {
    /// A line without an address.
    #[error("{file}, line {line}: {text:?} is neither an address nor a network such as 192.0.2.0/24")]
    Address {
        /// The file, as it was named.
        file: String,
        /// The number of the line, from 1.
        line: usize,
        /// What is there.
        text: String,
    },
    /// A line that is not `network,country`.
    #[error("{file}, line {line}: {text:?} is not a network, a comma and a country, such as 192.0.2.0/24,CH")]
    Country {
        /// The file, as it was named.
        file: String,
        /// The number of the line, from 1.
        line: usize,
        /// What is there.
        text: String,
    },
    /// Not a MaxMind DB.
    #[error("{file} is not a MaxMind database: {source}")]
    Database {
        /// The file, as it was named.
        file: String,
        #[expect(missing_docs, reason = "the name says it")]
        source: maxminddb::MaxMindDbError,
    },
    /// Not AWS's ranges.
    #[error("{file} is not AWS's ip-ranges.json: {source}")]
    AwsJson {
        /// The file, as it was named.
        file: String,
        #[expect(missing_docs, reason = "the name says it")]
        source: serde_json::Error,
    },
    /// AWS's ranges, but with something that is none.
    #[error("{file} is not AWS's ip-ranges.json: {text:?} is no network")]
    AwsPrefix {
        /// The file, as it was named.
        file: String,
        /// What is there.
        text: String,
    },
}

impl Lists {
    /// Adds a list of addresses, such as the exits of Tor: one address or network on each line; `#` begins a comment.
    /// The file's name is that of the list.
    ///
    /// # Errors
    /// If a line has something else.
    pub fn add_addresses(&mut self, file: &str, text: &str) -> Result<(), ListError> {
        let prefixes = lines(text).map(|(line, text)| {
            let wrong = || ListError::Address { file: file.to_owned(), line, text: quoted(text) };
            Prefix::parse(text).map(|prefix| (prefix, ())).ok_or_else(wrong)
        });
        let prefixes: Vec<_> = prefixes.collect::<Result<_, _>>()?;
        self.listed.push((file.to_owned(), Ranges::new(prefixes)));
        Ok(())
    }

    /// Adds countries by lines `network,country`; a first line with names of columns is passed over, and so is what
    /// stands behind a second comma.
    ///
    /// # Errors
    /// If a line has something else.
    pub fn add_countries(&mut self, file: &str, text: &str) -> Result<(), ListError> {
        let mut prefixes = Vec::new();
        for (index, (line, text)) in lines(text).enumerate() {
            let mut cells = text.split(',').map(|cell| cell.trim().trim_matches('"'));
            let (network, country) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            let is_header =
                index == 0 && !network.contains(|sign: char| sign.is_ascii_digit() || sign == ':');
            match Prefix::parse(network) {
                Some(prefix) if !country.is_empty() && country.len() <= 64 => {
                    prefixes.push((prefix, country.to_owned()))
                }
                _ if is_header && !country.is_empty() => {}
                _ => return Err(ListError::Country { file: file.to_owned(), line, text: quoted(text) }),
            }
        }
        self.countries.push(Countries::Ranges(Ranges::new(prefixes)));
        Ok(())
    }

    /// Adds countries by a MaxMind DB (`.mmdb`), given whole.
    ///
    /// # Errors
    /// If it is something else.
    pub fn add_country_database(&mut self, file: &str, bytes: Vec<u8>) -> Result<(), ListError> {
        let countries = Countries::of_database(bytes)
            .map_err(|source| ListError::Database { file: file.to_owned(), source })?;
        self.countries.push(countries);
        Ok(())
    }

    /// Takes AWS's `ip-ranges.json`, in place of one that was given before.
    ///
    /// # Errors
    /// If it is something else.
    pub fn set_aws_ranges(&mut self, file: &str, json: &str) -> Result<(), ListError> {
        let ranges =
            aws::parse(json).map_err(|source| ListError::AwsJson { file: file.to_owned(), source })?;
        let ranges =
            ranges.map_err(|text| ListError::AwsPrefix { file: file.to_owned(), text: quoted(&text) })?;
        self.aws = Some(ranges);
        Ok(())
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.countries.is_empty() && self.listed.is_empty() && self.aws.is_none()
    }

    /// Whether there are lists of addresses: without them nobody need ask for [`listed`](Self::listed).
    pub fn has_addresses(&self) -> bool {
        !self.listed.is_empty()
    }

    /// Whether AWS's ranges are known: without them nothing is outside of AWS.
    pub fn has_aws_ranges(&self) -> bool {
        self.aws.is_some()
    }

    /// The lists that the address is in.
    pub fn listed(&self, address: IpAddr) -> impl Iterator<Item = &str> {
        let number = number(address);
        self.listed
            .iter()
            .filter(move |(_, ranges)| ranges.get(number).is_some())
            .map(|(name, _)| name.as_str())
    }

    /// The country of an address, by the first file that knows it: two letters, as a rule.
    pub fn country(&self, address: IpAddr) -> Option<String> {
        self.countries.iter().find_map(|countries| countries.of(address))
    }

    /// The country of a network; `None` also if its addresses are in several.
    pub fn country_of_network(&self, network: &Network) -> Option<String> {
        let prefix = network.prefix()?;
        self.countries.iter().find_map(|countries| countries.of_all(prefix, network.as_str()))
    }

    /// What AWS says of the address; `None` if it is not one of AWS's, or nobody knows.
    pub fn aws(&self, address: IpAddr) -> Option<&AwsRange> {
        self.aws.as_ref()?.get(number(address))
    }

    /// How much of the network is AWS's; `None` if nobody knows, or it is no network.
    pub fn aws_coverage(&self, network: &Network) -> Option<Coverage> {
        Some(self.aws.as_ref()?.coverage(network.prefix()?))
    }
}

/// The lines with something in them, without comments, and their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    lines.filter_map(|(index, line)| {
        let line = line.split('#').next().unwrap_or_default().trim();
        (!line.is_empty()).then_some((index + 1, line))
    })
}

fn quoted(text: &str) -> String {
    text.chars().take(MOST_QUOTED).collect()
}

#[cfg(test)]
mod tests;
