//! What a roll-up comes to: tables of numbers that point into tables of names.

use crate::cadence::DayUse;
use crate::minted::Minted;

/// A set of rows, in one canonical form: two batches of the same records are equal. Every `u32` that is no day is
/// the place of a value in the list that is named for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Access key ids, sorted.
    pub keys: Vec<String>,
    /// All other texts, sorted. The first is the empty one, which stands for what is absent.
    pub names: Vec<String>,
    /// Who called.
    pub principals: Vec<Principal>,
    /// What called, and from where.
    pub clients: Vec<Client>,
    /// What was called, and how it ended.
    pub operations: Vec<Operation>,
    /// The rows: sorted, and distinct but for their counts.
    pub uses: Vec<Use>,
    /// Distinct source addresses.
    pub addresses: Vec<Sighting>,
    /// Distinct user agents as they are written.
    pub user_agents: Vec<Sighting>,
    /// Calls that gave out a session key, sorted and distinct.
    pub minted: Vec<Minted>,
}

/// `userIdentity`, as far as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Principal {
    pub arn: u32,
    pub kind: u32,
    pub account_id: u32,
    /// The user name, or for a role session the role name.
    pub user_name: u32,
}

/// Where calls come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client {
    /// The fingerprint of the consumer.
    pub consumer: u32,
    /// What that consumer is, in words.
    pub description: u32,
    /// The source network.
    pub network: u32,
    /// The user agent as it is understood, an [`Agent`](crate::user_agent::Agent) in JSON; empty if there was none.
    pub agent: u32,
    #[expect(missing_docs, reason = "the name says it")]
    pub vpc_endpoint: u32,
    /// The AWS service that called in somebody's name.
    pub invoked_by: u32,
}

/// What was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Operation {
    pub region: u32,
    pub service: u32,
    pub action: u32,
    /// The error code; empty for a success.
    pub error: u32,
}

/// One row: a key on a day, with everything else that tells calls apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Place {
    pub key: u32,
    pub day: u32,
    pub operation: u32,
    pub client: u32,
    pub principal: u32,
}

/// A row and its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Which row.
    pub place: Place,
    /// The counts, of the same day.
    pub day_use: DayUse,
}

/// Something of which only the number of distinct ones is kept, and when each was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    #[expect(missing_docs, reason = "the name says it")]
    pub key: u32,
    /// What it was summed up to, by name: the network of an address, the agent of a user agent.
    pub of: u32,
    /// Its fingerprint, see [`fingerprint`](crate::fingerprint::fingerprint()).
    pub fingerprint: u64,
    /// When it was seen first and last.
    pub days: Days,
}

/// From one day to another, both of them counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Days {
    pub first: u32,
    pub last: u32,
}

impl Days {
    /// Both together, and what is between them.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// A value that is made of names alone.
pub trait Names: Copy {
    /// The names, in the order of the fields.
    type Array: AsRef<[u32]> + for<'a> TryFrom<&'a [u32]>;

    /// The value with other numbers for its names.
    #[must_use]
    fn map(self, number: impl FnMut(u32) -> u32) -> Self;

    /// The numbers, in the order of the fields.
    fn to_array(self) -> Self::Array;
}

impl Names for Principal {
    type Array = [u32; 4];

    fn map(self, mut number: impl FnMut(u32) -> u32) -> Self {
        Self {
            arn: number(self.arn),
            kind: number(self.kind),
            account_id: number(self.account_id),
            user_name: number(self.user_name),
        }
    }

    fn to_array(self) -> Self::Array {
        [self.arn, self.kind, self.account_id, self.user_name]
    }
}

impl Names for Client {
    type Array = [u32; 6];

    fn map(self, mut number: impl FnMut(u32) -> u32) -> Self {
        Self {
            consumer: number(self.consumer),
            description: number(self.description),
            network: number(self.network),
            agent: number(self.agent),
            vpc_endpoint: number(self.vpc_endpoint),
            invoked_by: number(self.invoked_by),
        }
    }

    fn to_array(self) -> Self::Array {
        [self.consumer, self.description, self.network, self.agent, self.vpc_endpoint, self.invoked_by]
    }
}

impl Names for Operation {
    type Array = [u32; 4];

    fn map(self, mut number: impl FnMut(u32) -> u32) -> Self {
        Self {
            region: number(self.region),
            service: number(self.service),
            action: number(self.action),
            error: number(self.error),
        }
    }

    fn to_array(self) -> Self::Array {
        [self.region, self.service, self.action, self.error]
    }
}
