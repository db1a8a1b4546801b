//! Who the users of a fleet are.

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::Tags;
use rotakey_core::id::AccountId;

use crate::api::Service;
use crate::random::Random;
use crate::world::plant::{Console, NewUser};

/// A customer managed policy that makes administrators without saying so.
pub(super) const OPERATIONS_POLICY: &str = "operations";

const APPLICATIONS: [&str; 12] = [
    "billing", "catalog", "checkout", "etl", "exports", "ingest", "invoices", "mailer", "media", "reports",
    "search", "sync",
];
const FIRST_NAMES: [&str; 12] =
    ["alice", "bob", "carla", "dmitri", "elif", "farid", "grace", "hana", "ivan", "joana", "kofi", "lena"];
const LAST_NAMES: [&str; 10] =
    ["adeyemi", "berger", "costa", "dubois", "eriksen", "fischer", "garcia", "haddad", "ito", "jansen"];
const REGIONS: [&str; 4] = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"];

/// A user to plant, and what it is for.
pub(super) struct Person {
    pub(super) new: NewUser,
    pub(super) kind: Kind,
}

/// What a user is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Production,
    Staging,
    Human,
    Administrator,
    Legacy,
}

impl Kind {
    /// The service that its keys were last used for.
    pub(super) fn service(self, random: &mut Random) -> Service {
        match self {
            Self::Production | Self::Staging => *random.pick(&[Service::S3, Service::DynamoDb, Service::Sqs]),
            Self::Human => *random.pick(&[Service::Sts, Service::S3, Service::Ec2]),
            Self::Administrator => *random.pick(&[Service::Iam, Service::Sts]),
            Self::Legacy => Service::S3,
        }
    }

    /// The region that its keys were last used in.
    pub(super) fn region(self, random: &mut Random) -> &'static str {
        match self {
            Self::Administrator => "us-east-1",
            _ => random.pick::<&str>(&REGIONS),
        }
    }
}

/// The user of that number. Its name is unique for the number is in it.
pub(super) fn user(number: usize, account: AccountId, now: Timestamp, random: &mut Random) -> Person {
    let kind = match random.below(100) {
        0..30 => Kind::Production,
        30..50 => Kind::Staging,
        50..85 => Kind::Human,
        85..90 => Kind::Administrator,
        _ => Kind::Legacy,
    };
    let application = *random.pick(&APPLICATIONS);
    let name = match kind {
        Kind::Production => format!("{application}-prod-{number:04}"),
        Kind::Staging => format!("{application}-staging-{number:04}"),
        Kind::Human | Kind::Administrator => human_name(number, random),
        Kind::Legacy => format!("legacy_{application}@{number:04}"),
    };
    let name = name.parse().expect("the parts of the name are legal in a user's name");
    // Older than any key can be.
    let created_at = now - SignedDuration::from_hours(24 * (4 * 365 + 1 + below(random, 300)));
    let mut new = NewUser::new(name, created_at);
    new.path = match kind {
        Kind::Production | Kind::Staging => "/service/",
        Kind::Human | Kind::Administrator => "/people/",
        Kind::Legacy => "/",
    }
    .to_owned();
    new.tags = tags(kind, application, random);
    grant(&mut new, kind, account, random);
    new.console = console(kind, created_at, now, random);
    Person { new, kind }
}

/// A few names have the special characters that are legal, commas among them.
fn human_name(number: usize, random: &mut Random) -> String {
    let (first, last) = (random.pick(&FIRST_NAMES), random.pick(&LAST_NAMES));
    match random.below(20) {
        0 => format!("{last},{first}+{number:04}"),
        1 => format!("{first}.{last}=ext_{number:04}"),
        2 => format!("{first}.{last}.{number:04}@example.com"),
        _ => format!("{first}.{last}.{number:04}"),
    }
}

/// Most have the three tags that say who answers for them; some lack one, legacy users lack all.
fn tags(kind: Kind, application: &str, random: &mut Random) -> Tags {
    let environment = match kind {
        Kind::Production | Kind::Administrator => "production",
        Kind::Staging => "staging",
        Kind::Human => "corporate",
        Kind::Legacy => return Tags::new(),
    };
    let all = [
        ("Owner", format!("team-{application}@example.com")),
        ("Application", application.to_owned()),
        ("Environment", environment.to_owned()),
    ];
    let kept = all.into_iter().filter(|_| !random.chance(0.07));
    kept.map(|(key, value)| (key.to_owned(), value)).collect()
}

fn grant(new: &mut NewUser, kind: Kind, account: AccountId, random: &mut Random) {
    let aws = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    match kind {
        Kind::Production | Kind::Staging => {
            let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","dynamodb:GetItem","dynamodb:PutItem","sqs:ReceiveMessage","sqs:SendMessage"],"Resource":"*"}]}"#;
            new.inline.push(("workload".to_owned(), document.to_owned()));
        }
        Kind::Human => {
            let group = if random.chance(0.8) { "developers" } else { "auditors" };
            new.groups.push(group.to_owned());
        }
        Kind::Administrator => match random.below(3) {
            0 => new.groups.push("administrators".to_owned()),
            1 => new.attached.push(aws("AdministratorAccess")),
            _ => new.attached.push(format!("arn:aws:iam::{account}:policy/{OPERATIONS_POLICY}")),
        },
        Kind::Legacy => new.attached.push(aws("AmazonS3FullAccess")),
    }
}

fn console(kind: Kind, created_at: Timestamp, now: Timestamp, random: &mut Random) -> Option<Console> {
    let has_one = matches!(kind, Kind::Human | Kind::Administrator) && random.chance(0.8);
    has_one.then(|| Console {
        since: created_at,
        last_used: random.chance(0.85).then(|| now - SignedDuration::from_hours(1 + below(random, 24 * 200))),
        mfa: random.chance(0.75),
    })
}

fn below(random: &mut Random, limit: u64) -> i64 {
    i64::try_from(random.below(limit)).unwrap_or(0)
}
