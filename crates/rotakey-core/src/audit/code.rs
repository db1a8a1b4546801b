//! The codes of findings.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares the codes, so that the list of all cannot miss one.
macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $text:literal, $severity:ident;)*) => {
        /// What a finding is about. The kebab-case texts are stable: scripts and exemptions name them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All codes, in the order in which the checks are made.
            pub const ALL: [Self; [$(Self::$code),*].len()] = [$(Self::$code),*];

            /// The stable text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $text,)*
                }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$code => Severity::$severity,)*
                }
            }
        }
    };
}

codes! {
    /// The root user has an access key, active or not.
    RootAccessKey = "root-access-key", Critical;
    /// An active key is older than its limit.
    KeyTooOld = "key-too-old", High;
    /// An active key gets older than its limit within the warning period.
    KeyDueSoon = "key-due-soon", Low;
    /// An active key was never used, and was created longer ago than a key may be without use.
    KeyNeverUsed = "key-never-used", Medium;
    /// An active key was used, but not for longer than a key may be without use.
    KeyUnused = "key-unused", Medium;
    /// An active key is one of two of its user.
    TwoActiveKeys = "two-active-keys", Medium;
    /// An inactive key was left behind.
    InactiveKeyLeft = "inactive-key-left", Low;
    /// The user of a key lacks a tag that says whose it is or what for.
    MissingTag = "missing-tag", Low;
    /// The user of an active key can also sign in to the console with a password.
    ConsoleUserWithKeys = "console-user-with-keys", Medium;
    /// A key was created after the instant at which it is judged: a clock is wrong.
    ClockBeforeCreation = "clock-before-creation", High;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How bad a finding is. Ordered: the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// To be tidied up.
    Low,
    /// More open than it need be.
    Medium,
    /// Against the policy.
    High,
    /// To be ended now.
    Critical,
}

impl Severity {
    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_stable() {
        let list: Vec<_> = Code::ALL.iter().map(|code| format!("{code} ({})", code.severity())).collect();
        insta::assert_snapshot!(list.join("\n"), @r"
        root-access-key (critical)
        key-too-old (high)
        key-due-soon (low)
        key-never-used (medium)
        key-unused (medium)
        two-active-keys (medium)
        inactive-key-left (low)
        missing-tag (low)
        console-user-with-keys (medium)
        clock-before-creation (high)
        ");
    }

    #[test]
    fn a_code_is_written_in_json_as_it_is_shown() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert_eq!(serde_json::to_value(code.severity()).unwrap(), code.severity().as_str());
        }
    }
}
