//! Amazon CloudWatch: the states of metric alarms.

use jiff::Timestamp;

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::paging::page;

/// The most names that one call asks for.
const MOST_NAMES: usize = 100;

/// A metric alarm.
#[derive(Debug)]
pub(crate) struct Alarm {
    pub(crate) state: AlarmState,
    /// Since when.
    pub(crate) since: Timestamp,
}

/// The state of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmState {
    /// All is well.
    Ok,
    /// It is not.
    Alarm,
    /// It cannot be told.
    InsufficientData,
}

impl AlarmState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// Does one call of CloudWatch.
pub(crate) fn handle(world: &World, call: &Call<'_>) -> Result<Tree, Fault> {
    match call.action() {
        "DescribeAlarms" => describe(world, call),
        action => Err(Fault::unknown_operation(call.service(), action)),
    }
}

/// `DescribeAlarms`: those of these names, or all, and metric alarms unless other types are named. Composite alarms are
/// not simulated, so that there are none.
fn describe(world: &World, call: &Call<'_>) -> Result<Tree, Fault> {
    let names = call.parameters.texts("AlarmNames");
    if names.len() > MOST_NAMES {
        return Err(call.parameters.constraint(
            format!("{names:?}"),
            "alarmNames",
            "Member must have length less than or equal to 100",
        ));
    }
    let types = call.parameters.texts("AlarmTypes");
    for kind in &types {
        call.parameters.one_of("AlarmTypes", kind, &["CompositeAlarm", "MetricAlarm"])?;
    }
    let metric = types.is_empty() || types.contains(&"MetricAlarm");
    let region = &call.request.region;
    let found = world.account(call).alarms.iter().filter(|((place, name), _)| {
        metric && place == region && (names.is_empty() || names.contains(&name.as_str()))
    });
    let shown = found.map(|((_, name), alarm)| (name.clone(), show(call, name, alarm)));
    let size = call.parameters.page_size("MaxRecords", 50, 100)?;
    let page = page("DescribeAlarms", shown, call.parameters.text("NextToken"), size)
        .map_err(|_| Fault::refused("InvalidNextToken", 400, "The next token specified is invalid."))?;
    let answer = [("CompositeAlarms", Tree::List(Vec::new())), ("MetricAlarms", Tree::List(page.items))];
    Ok(Tree::map(answer).with("NextToken", page.next))
}

fn show(call: &Call<'_>, name: &str, alarm: &Alarm) -> Tree {
    let (region, account) = (&call.request.region, call.caller.account_id);
    Tree::map([
        ("AlarmName", name.into()),
        ("AlarmArn", format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}").into()),
        ("StateValue", alarm.state.as_str().into()),
        ("StateUpdatedTimestamp", alarm.since.into()),
    ])
}
