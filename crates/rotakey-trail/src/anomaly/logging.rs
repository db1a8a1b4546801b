//! Logging switched off, or changed, or the attempt.

use rotakey_core::audit::Severity;

use super::{Code, Evidence, Names, Subject};
use crate::event_time::EventTime;
use crate::outcome::Outcome;
use crate::usage::schema::{ActionUse, KeyUsage};

/// What ends logging, or deletes what was logged: service and action.
pub(super) const OFF: &[(&str, &str)] = &[
    ("cloudtrail", "StopLogging"),
    ("cloudtrail", "DeleteTrail"),
    ("cloudtrail", "DeleteEventDataStore"),
    ("cloudtrail", "StopEventDataStoreIngestion"),
    ("config", "StopConfigurationRecorder"),
    ("config", "DeleteConfigurationRecorder"),
    ("config", "DeleteDeliveryChannel"),
    ("ec2", "DeleteFlowLogs"),
    ("guardduty", "DeleteDetector"),
    ("securityhub", "DisableSecurityHub"),
];

/// What changes what is logged, and may end it.
pub(super) const CHANGE: &[(&str, &str)] = &[
    ("cloudtrail", "UpdateTrail"),
    ("cloudtrail", "PutEventSelectors"),
    ("cloudtrail", "PutInsightSelectors"),
    ("cloudtrail", "UpdateEventDataStore"),
    ("cloudtrail", "DeregisterOrganizationDelegatedAdmin"),
    ("config", "PutConfigurationRecorder"),
    ("guardduty", "UpdateDetector"),
    ("guardduty", "DeletePublishingDestination"),
];

/// How one action went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Success {
    Some,
    None,
}

/// One anomaly for each kind.
pub(super) fn find(subject: &mut Subject<'_>) {
    let row = subject.row;
    let of = |actions: &[(&str, &str)], success: Success| {
        let is_one = |use_of: &&ActionUse| {
            actions.contains(&(use_of.service.as_str(), use_of.action.as_str()))
                && outcome(row, use_of) == success
        };
        let name =
            |use_of: &ActionUse| (format!("{}:{}", use_of.service, use_of.action), use_of.tally.first_at);
        row.actions.iter().filter(is_one).map(name).collect::<Vec<(String, EventTime)>>()
    };
    let mut attempts = of(OFF, Success::None);
    attempts.extend(of(CHANGE, Success::None));
    for (code, severity, actions, word) in [
        (Code::LoggingSwitchedOff, Severity::Critical, of(OFF, Success::Some), "called"),
        (Code::LoggingChanged, Severity::High, of(CHANGE, Success::Some), "called"),
        (Code::LoggingChangeAttempted, Severity::Medium, attempts, "tried, and failed, to call"),
    ] {
        let Some(names) = Names::of(actions) else { continue };
        let evidence = Evidence::new(format!("{word} {}", names.told())).with_names("actions", &names);
        subject.report(code, severity, names.first_at, evidence, None);
    }
}

/// Whether any call of the action went through. If errors were cut from their list, an attempt counts as done.
fn outcome(row: &KeyUsage, use_of: &ActionUse) -> Success {
    let of_it =
        row.errors.iter().filter(|error| error.service == use_of.service && error.action == use_of.action);
    // A throttled call did nothing either.
    let failed: u64 =
        of_it.filter(|error| Outcome::of(Some(&error.code)) != Outcome::Done).map(|e| e.tally.calls).sum();
    if failed >= use_of.tally.calls { Success::None } else { Success::Some }
}
