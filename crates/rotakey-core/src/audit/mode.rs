//! Where exactly the line is between old enough and too old.

use jiff::Timestamp;

use crate::policy::Period;

/// By which rules keys are judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// By the whole policy, to the second.
    #[default]
    Exact,
    /// As the managed rule `ACCESS_KEYS_ROTATED` of AWS Config judges: only the age of active keys of IAM
    /// users, by the one limit of the policy's `max_age`, without rules and exemptions.
    ///
    /// AWS documents that a key must be rotated "within the number of days" of `maxAccessKeyAge`, but not
    /// how a day that has begun counts. Taken here is that the parameter, which is a number of days, is held
    /// against the number of days that have passed in full.
    AwsConfig,
}

impl Mode {
    /// The last second in which a key created at `created_at` is not too old.
    pub fn due_at(self, created_at: Timestamp, limit: Period) -> Timestamp {
        match self {
            Self::Exact => limit.after(created_at),
            Self::AwsConfig => {
                let next_day = Period::days(1).after(days_of(limit).after(created_at));
                Period::seconds(1).before(next_day)
            }
        }
    }

    /// The rule in words, to be printed with what was judged by it.
    pub const fn boundary(self) -> &'static str {
        match self {
            Self::Exact => {
                "A key is too old from the first second behind its limit: at 90 d exactly it is not, 1 s later \
                 it is."
            }
            Self::AwsConfig => {
                "As AWS Config's ACCESS_KEYS_ROTATED: active keys of IAM users only, and only days that have \
                 passed in full count: with 90 days, a key of 90 d 23 h is compliant, one of 91 d is not."
            }
        }
    }
}

/// The limit in whole days. A part of a day cannot be said in `maxAccessKeyAge` and is dropped, which is the
/// stricter way.
pub(super) fn days_of(limit: Period) -> Period {
    Period::days(u32::try_from(limit.whole_days()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn due(mode: Mode) -> String {
        mode.due_at("2026-01-01T00:00:00Z".parse().unwrap(), Period::days(90)).to_string()
    }

    #[test]
    fn the_line_is_drawn_where_the_text_says() {
        assert_eq!(due(Mode::Exact), "2026-04-01T00:00:00Z", "90 days later");
        assert_eq!(due(Mode::AwsConfig), "2026-04-01T23:59:59Z", "the last second of the 90th full day");
    }

    proptest! {
        #[test]
        fn aws_config_counts_full_days(seconds in 0_u32..200 * 86_400) {
            let created: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
            let age = Period::seconds(seconds);
            let too_old = age.after(created) > Mode::AwsConfig.due_at(created, Period::days(90));
            prop_assert_eq!(too_old, age.whole_days() > 90);
        }
    }
}
