//! What a run that is split over processes can do: everything that all of them together can account for.
//!
//! No segment hears another one while it runs. So nothing may depend, before `paddock report merge` joins them, on what the others
//! sent or received.

use jiff::Timestamp;
use scenarios::{
    Scenario,
    model::{Action, Load, QoS},
};

use super::target::Named;
use crate::{cli, exit::Failure};

/// Says at once what several processes cannot do together.
pub(super) fn check(options: &cli::Run, named: &Named, scenario: &Scenario) -> Result<(), Failure> {
    if !options.segment.is_whole() {
        if let Some(why) = unaccountable(scenario) {
            return Err(Failure::usage(format!("--segment {}: {why}", options.segment)));
        }
        if !matches!(named, Named::At(_)) {
            return Err(Failure::usage(format!(
                "--segment {}: segments meet on one broker, and without --target each would start its own: name one",
                options.segment
            )));
        }
    }
    match options.start_at {
        Some(start) if start <= Timestamp::now() => Err(Failure::usage(format!(
            "--start-at {start}: that moment has passed; it is {:.0} now",
            Timestamp::now()
        ))),
        _ => Ok(()),
    }
}

/// The first thing in `scenario` that segments cannot account for, and why.
fn unaccountable(scenario: &Scenario) -> Option<String> {
    let late = scenario.subscribers.iter().find(|group| group.from.is_some()).map(|group| {
        format!(
            "subscribers.{} come late (`from`), and which messages of other segments they are owed is known to no segment: run \
             the scenario whole",
            group.name
        )
    });
    late.or_else(|| events(scenario)).or_else(|| floods(scenario)).or_else(|| early_ends(scenario))
}

fn events(scenario: &Scenario) -> Option<String> {
    scenario.events.iter().zip(0..).find_map(|(event, index)| match &event.action {
        Action::Disconnect { subscribers, .. } => {
            let mut groups = subscribers.iter().map(|group| scenario.subscriber(*group));
            groups.find(|group| !group.subscriptions.is_empty()).map(|group| {
                format!(
                    "events[{index}] sends subscribers.{} away, and what of other segments they may miss meanwhile or find \
                     queued is known to no segment: run the scenario whole",
                    group.name
                )
            })
        }
        action if action.is_about_broker() => Some(format!(
            "events[{index}] freezes, kills or restarts the broker, which is done only to one that Paddock started, and segments \
             meet on one that somebody else runs: run the scenario whole, with --target left out"
        )),
        _ => None,
    })
}

/// At QoS 1 and 2 acknowledgements pace a flood, and each segment has its own; at QoS 0 deliveries do.
fn floods(scenario: &Scenario) -> Option<String> {
    let floods = scenario.stages.iter().filter(|stage| matches!(stage.load, Load::Flood { .. }));
    floods.flat_map(|stage| stage.groups.iter().map(move |group| (stage, scenario.group(*group)))).find_map(
        |(stage, group)| {
            // The models' own QoS differs from topic to topic.
            let is_acknowledged = group.qos.is_some_and(|qos| qos != QoS::AtMostOnce);
            (!is_acknowledged).then(|| {
                format!(
                    "stages.{}: devices.{} send as fast as deliveries come back, and subscribers of other segments do not \
                     tell: give them `qos = 1` or 2, or run the scenario whole",
                    stage.name, group.name
                )
            })
        },
    )
}

fn early_ends(scenario: &Scenario) -> Option<String> {
    scenario.thresholds.iter().find(|threshold| threshold.expression.abort_on_fail).map(|threshold| {
        format!(
            "the threshold `{threshold}` is to end the run early, and no segment knows the figures of all: leave abort_on_fail \
             out, or run the scenario whole"
        )
    })
}
