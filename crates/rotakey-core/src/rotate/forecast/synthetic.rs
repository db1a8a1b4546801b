//! Made-up users, for a forecast of an organization of any size.

use jiff::{SignedDuration, Timestamp};

use crate::fact::{KeyStatus, LastUsed, Seen, Tags};
use crate::id::AccountId;
use crate::policy::{KeySubject, Principal, Privilege, UserSubject};

/// How many users share an account.
const USERS_OF_AN_ACCOUNT: u64 = 2000;

/// The first account.
const FIRST_ACCOUNT: u64 = 100_000_000_001;

/// So many users, each with one key. The keys are from no age at all to two hundred days old, evenly; most are used
/// every hour or so, some daily or weekly, a few once a month or never. The same number always gives the same users.
pub fn users(count: u32, now: Timestamp) -> impl Iterator<Item = UserSubject> {
    (0..count).map(move |number| user(u64::from(number), now))
}

fn user(number: u64, now: Timestamp) -> UserSubject {
    let account =
        AccountId::new(FIRST_ACCOUNT + number / USERS_OF_AN_ACCOUNT).expect("a number of twelve digits");
    let name = format!("synthetic-{number:06}");
    let production = spread(number, 3) < 0.4;
    let environment = if production { "production" } else { "development" };
    let created_at = now - seconds(200.0 * 86_400.0 * spread(number, 1));
    let idle = match spread(number, 2) {
        part if part < 0.70 => Some(3_600.0 * spread(number, 4)),
        part if part < 0.85 => Some(86_400.0 * spread(number, 4)),
        part if part < 0.94 => Some(7.0 * 86_400.0 * spread(number, 4)),
        part if part < 0.97 => Some(31.0 * 86_400.0 * spread(number, 4)),
        _ => None,
    };
    let last_used = idle.map(|idle| now - seconds(idle)).filter(|at| *at > created_at);
    UserSubject {
        account_id: account,
        arn: format!("arn:aws:iam::{account}:user/{name}").as_str().into(),
        principal: Principal::User(name.parse().expect("letters and digits are a user name")),
        user_id: None,
        path: "/".to_owned(),
        tags: Seen::Known(Tags::from([("Environment".to_owned(), environment.to_owned())])),
        privilege: Seen::Known(Privilege::Other),
        console_password: Seen::Known(false),
        keys: vec![KeySubject {
            id: None,
            slot: None,
            status: KeyStatus::Active,
            created_at: Seen::Known(created_at),
            last_used: Seen::Known(last_used.map_or(LastUsed::Never, |at| LastUsed::At {
                at,
                region: Some("eu-central-1".to_owned()),
                service: Some("s3".to_owned()),
            })),
            last_used_as_of: Some(now),
        }],
    }
}

/// A number from 0 to 1 that is spread evenly over any run of users (a Weyl sequence: the fractions of multiples of
/// square roots).
fn spread(number: u64, stream: u32) -> f64 {
    let step = [2.0_f64, 3.0, 5.0, 7.0, 11.0][stream as usize].sqrt();
    (number as f64 * step).fract()
}

fn seconds(number: f64) -> SignedDuration {
    SignedDuration::from_secs(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ages_are_spread_evenly_and_always_the_same() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let all: Vec<_> = users(1000, now).collect();
        assert_eq!(all, users(1000, now).collect::<Vec<_>>());
        let young = all.iter().filter(|user| {
            let created_at = *user.keys[0].created_at.known().unwrap();
            now.duration_since(created_at) < SignedDuration::from_hours(100 * 24)
        });
        assert!((480..520).contains(&young.count()));
    }
}
