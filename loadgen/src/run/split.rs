//! What a run that is split over processes can do: everything that all of them together can account for.
//!
//! No segment hears another one while it runs. So nothing may depend, before [`merge`](crate::merge) joins them, on what the others
//! sent or received.

use scenarios::{
    Scenario,
    model::{Action, Load, QoS},
};

use crate::schedule::Segment;

impl Segment {
    /// Whether this share of `scenario` and the others can be joined into one account of every message. A [`run`](crate::run) of what
    /// cannot is refused; whoever wants to say so earlier asks here.
    ///
    /// # Errors
    ///
    /// The first thing that segments cannot account for, why, and what to do: a lowercase fragment.
    pub fn accounts_for(self, scenario: &Scenario) -> Result<(), String> {
        if self.is_whole() {
            return Ok(());
        }
        unaccountable(scenario).map_or(Ok(()), Err)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Three groups, a reader, and what `change` makes of it.
    fn told(change: impl FnOnce(String) -> String) -> Result<(), String> {
        let text = r##"
            [scenario]
            name = "split"
            [devices.meter]
            model = "milk_meter"
            count = 2
            qos = 1
            [devices.collar]
            model = "collar"
            count = 2
            [subscribers.idle]
            count = 1
            [subscribers.archive]
            count = 1
            filters = ["#"]
            [[stages]]
            name = "hold"
            hold = "3s"
            rate = 10
            [thresholds]
            loss = ["count==0"]
        "##;
        let text = change(text.to_owned());
        let scenario = scenarios::parse("split.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(Segment::WHOLE.accounts_for(&scenario), Ok(()));
        Segment::new(1, 2).unwrap().accounts_for(&scenario)
    }

    fn event(what: &str) -> Result<(), String> {
        told(|text| format!("{text}\n[[events]]\nat = \"hold+1s\"\n{what}\n"))
    }

    #[test]
    fn what_all_segments_together_can_account_for_is_allowed() {
        assert_eq!(told(|text| text), Ok(()));
        assert_eq!(event("do = \"disconnect\"\ngroup = \"meter\"\nfor = \"1s\""), Ok(()));
        assert_eq!(event("do = \"disconnect\"\ngroup = \"idle\"\nfor = \"1s\""), Ok(()));
        let acknowledged =
            |text: String| text.replace("rate = 10", "shape = \"flood\"\nin_flight = 5\ngroups = [\"meter\"]");
        assert_eq!(told(acknowledged), Ok(()));
    }

    #[test]
    fn what_no_segment_knows_of_the_others_is_refused() {
        let late = |text: String| text.replace("filters = [\"#\"]", "filters = [\"#\"]\nfrom = \"hold+1s\"");
        let flood = |text: String| text.replace("rate = 10", "shape = \"flood\"\nin_flight = 5");
        let early = |text: String| text.replace("loss = [", "e2e = [\"p(99)<10s abort_on_fail\"]\nloss = [");
        for (told, expected) in [
            (told(late), "subscribers.archive come late (`from`)"),
            (
                event("do = \"disconnect\"\ngroup = \"archive\"\nfor = \"1s\""),
                "events[0] sends subscribers.archive away",
            ),
            (event("do = \"kill_broker\"\nfor = \"1s\""), "events[0] freezes, kills or restarts the broker"),
            (told(flood), "stages.hold: devices.collar send as fast as deliveries come back"),
            (told(early), "the threshold `e2e: p(99)<10s abort_on_fail` is to end the run early"),
        ] {
            let why = told.expect_err(expected);
            assert!(why.starts_with(expected), "{why}");
            assert!(why.contains("run the scenario whole"), "{why} does not say what to do");
        }
    }
}
