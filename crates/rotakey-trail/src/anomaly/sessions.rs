//! Sessions that are used where they should not be.
//!
//! The credentials of an instance are given out by its metadata service. Who can make the instance send a request
//! can read them, and use them elsewhere: then they appear outside of AWS, or in two places at once.

use rotakey_core::audit::Severity;

use super::{Code, Evidence, Names, Subject, is_session_key};
use crate::event_time::EventTime;
use crate::network::lists::Lists;
use crate::network::{Coverage, Network, NetworkKind};
use crate::usage::schema::KeyUsage;

/// Of a session, by key or by principal.
pub(super) fn find(subject: &mut Subject<'_>, lists: &Lists) {
    let row = subject.row;
    let Some(reason) = instance(row) else {
        if is_session_key(row) {
            other_session(subject, lists);
        }
        return;
    };
    let outside: Vec<_> = networks(row, NetworkKind::Public, |network| is_outside(network, lists)).collect();
    if let Some(names) = Names::of(outside) {
        let text = format!("{reason}, used from {}, which is not AWS's", names.told());
        let evidence = Evidence::new(text).with("reason", &reason).with_names("networks", &names);
        subject.report(Code::InstanceSessionOutsideAws, Severity::Critical, names.first_at, evidence, None);
        return;
    }
    // An instance has one way to the internet and one network of its own, each in both families of addresses. The
    // role of many instances has as many, so only the key of one session tells something.
    if !is_session_key(row) {
        return;
    }
    for kind in [NetworkKind::Public, NetworkKind::Private] {
        if let Some((names, at)) = several(row, kind) {
            let text = format!("{reason}, used from several networks: {}", names.told());
            let evidence = Evidence::new(text).with("reason", &reason).with_names("networks", &names);
            subject.report(Code::InstanceSessionInSeveralNetworks, Severity::Medium, at, evidence, None);
            return;
        }
    }
}

/// The key of a session of something else. A person's machine may change its network, and AWS's own services call
/// from many: so it tells something only if it was used outside of AWS as well.
fn other_session(subject: &mut Subject<'_>, lists: &Lists) {
    let row = subject.row;
    let Some((names, at)) = several(row, NetworkKind::Public) else { return };
    let evidence =
        Evidence::new(format!("the key of one session, used from several networks: {}", names.told()));
    let evidence = evidence.with_names("networks", &names);
    let (severity, evidence) = if !lists.has_aws_ranges() {
        (Severity::Low, evidence.with("aws_ranges", "not given"))
    } else if networks(row, NetworkKind::Public, |network| is_outside(network, lists)).next().is_some() {
        (Severity::Medium, evidence)
    } else {
        return;
    };
    subject.report(Code::SessionKeyInSeveralNetworks, severity, at, evidence, None);
}

/// Why the session is taken for that of an instance.
fn instance(row: &KeyUsage) -> Option<String> {
    let session = row
        .principal_arn
        .as_deref()
        .filter(|arn| arn.contains(":assumed-role/"))
        .and_then(|arn| arn.rsplit('/').next())
        .filter(|session| is_instance_id(session));
    if let Some(session) = session {
        return Some(format!("the session of instance {session}"));
    }
    // What the client says of itself counts only for what is a session at all.
    let says_so = |source: &String| source == "imds";
    let says_so = row.user_agents.iter().any(|of| of.agent.credential_sources.iter().any(says_so));
    (says_so && is_session_key(row))
        .then(|| "a session whose client got it from an instance's metadata".to_owned())
}

/// `i-` and 8 or 17 hexadecimal digits.
fn is_instance_id(text: &str) -> bool {
    text.strip_prefix("i-").is_some_and(|digits| {
        matches!(digits.len(), 8 | 17)
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Whether no address of it is AWS's. Not, if that is not known.
fn is_outside(network: &Network, lists: &Lists) -> bool {
    lists.aws_coverage(network) == Some(Coverage::None)
}

fn networks(
    row: &KeyUsage,
    kind: NetworkKind,
    which: impl Fn(&Network) -> bool,
) -> impl Iterator<Item = (String, EventTime)> {
    row.networks
        .iter()
        .filter(move |of| of.network.kind() == kind && which(&of.network))
        .map(|of| (of.network.to_string(), of.tally.first_at))
}

/// The networks of that kind, if there are several of one family of addresses, and when the second one was seen.
fn several(row: &KeyUsage, kind: NetworkKind) -> Option<(Names, EventTime)> {
    [false, true].into_iter().find_map(|is_ipv6| {
        let mut seen: Vec<_> = networks(row, kind, |network| network.is_ipv6() == is_ipv6).collect();
        seen.sort_by_key(|(_, at)| *at);
        let second = seen.get(1)?.1;
        Some((Names::of(seen)?, second))
    })
}
