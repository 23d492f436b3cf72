//! What the scenario does to a run from outside, at its time.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use reports::observation::EventKind;
use scenarios::model::{Action, Anchor, Away, GroupId, RuleId, Scenario, SubscriberId, format_duration};
use simulator::farm::DeviceId;

use super::{
    drive::Drive,
    program::{self, Part},
    upheaval::Deed,
};

/// What is still to happen, earliest first.
#[derive(Debug)]
pub(super) struct Happenings(BinaryHeap<Reverse<(Duration, Happening)>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// The devices of these groups lose their connections.
    Storm {
        groups: Vec<GroupId>,
        spread: Duration,
        away: Duration,
    },
    /// One of them does.
    Cut {
        device: u32,
        away: Duration,
    },
    Switch {
        rule: RuleId,
        on: bool,
    },
    /// Something is done to the broker, and undone after so long.
    Upset {
        deed: Deed,
        away: Duration,
    },
    /// The broker is as it was before.
    Recover {
        deed: Deed,
    },
    /// Clients leave and come back at `back`.
    Leave {
        devices: Vec<GroupId>,
        subscribers: Vec<SubscriberId>,
        back: Duration,
    },
    /// Subscribers come that were not there before.
    Join {
        subscribers: SubscriberId,
    },
}

impl Happenings {
    /// The events of `scenario`, whose time goes through `parts`.
    pub(super) fn new(scenario: &Scenario, parts: &[Part]) -> Self {
        let due = |event: &scenarios::model::Event| match event.anchor {
            Anchor::Start => event.offset,
            Anchor::Stage(stage) => {
                let name = scenario.stage(stage).name.as_str();
                let hold = parts.iter().find(|part| part.span.measured && part.span.name == name);
                hold.map_or(Duration::ZERO, |part| part.span.begins) + event.offset
            }
        };
        let happenings = scenario.events.iter().map(|event| {
            let happening = match &event.action {
                Action::ReconnectStorm { groups, spread, away } => {
                    Happening::Storm { groups: groups.clone(), spread: *spread, away: *away }
                }
                Action::Disconnect { devices, subscribers, away } => Happening::Leave {
                    devices: devices.clone(),
                    subscribers: subscribers.clone(),
                    back: match *away {
                        Away::For(length) => due(event) + length,
                        Away::Until(moment) => scenario.offset_of(moment),
                    },
                },
                Action::NetworkOn { rule } => Happening::Switch { rule: *rule, on: true },
                Action::NetworkOff { rule } => Happening::Switch { rule: *rule, on: false },
                Action::FreezeBroker { away, .. } => Happening::Upset { deed: Deed::Freeze, away: *away },
                Action::KillBroker { away, .. } => Happening::Upset { deed: Deed::Kill, away: *away },
                Action::RestartBroker { away, .. } => Happening::Upset { deed: Deed::End, away: *away },
            };
            Reverse((due(event), happening))
        });
        let latecomers = (0..).zip(&scenario.subscribers).filter_map(|(number, group)| {
            let subscribers = SubscriberId(number);
            Some(Reverse((scenario.offset_of(group.from?), Happening::Join { subscribers })))
        });
        Self(happenings.chain(latecomers).collect())
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }
}

impl Drive<'_> {
    /// Lets happen what is due at `offset`.
    pub(super) fn let_happen(&mut self, offset: Duration) {
        while self.happenings.next().is_some_and(|at| at <= offset)
            && let Some(Reverse((at, happening))) = self.happenings.0.pop()
        {
            match happening {
                Happening::Storm { groups, spread, away } => self.brew(at, &groups, spread, away),
                Happening::Cut { device, away } => self.fleet.cut(DeviceId(device), away),
                Happening::Switch { rule, on } => self.switch(offset, rule, on),
                Happening::Upset { deed, away } => {
                    self.ask_broker(deed);
                    let deed = if deed == Deed::Freeze { Deed::Thaw } else { Deed::Start };
                    self.happenings.0.push(Reverse((at + away, Happening::Recover { deed })));
                }
                Happening::Recover { deed } => self.ask_broker(deed),
                Happening::Leave { devices, subscribers, back } => self.send_away(at, &devices, &subscribers, back),
                Happening::Join { subscribers } => self.admit(at, subscribers),
            }
        }
    }

    /// Says it when the load was over before the time of an event, as it is with a short `--duration`. A broker that is away
    /// still comes back.
    pub(super) fn tell_missed_events(&mut self) {
        let planned = self.happenings.0.iter().filter(|Reverse((_, one))| !matches!(one, Happening::Recover { .. }));
        let missed = planned.map(|Reverse((at, _))| *at).min();
        self.happenings.0.retain(|Reverse((_, one))| matches!(one, Happening::Recover { .. }));
        if let Some(at) = missed.filter(|_| !self.interrupted && !self.aborted) {
            let text = format!("an event of the scenario was due at {}, after the load", format_duration(at));
            let now = self.offset(self.now());
            self.scribe.event_about(now, EventKind::Warning, "events", None, text);
        }
    }

    fn brew(&mut self, at: Duration, groups: &[GroupId], spread: Duration, away: Duration) {
        // All of the scenario's devices, so that each is cut at its moment whichever process drives it; those of others are
        // unknown to this fleet.
        let farm = self.fleet.farm();
        let mut hit = program::order(farm);
        hit.retain(|device| groups.contains(&GroupId(farm.info(*device).group)));
        let names: Vec<&str> = groups
            .iter()
            .filter_map(|group| self.plan.scenario.devices.get(usize::from(group.0)))
            .map(|group| group.name.as_str())
            .collect();
        let whose = if names.len() == self.plan.scenario.devices.len() {
            String::new()
        } else {
            format!(" of {}", names.join(", "))
        };
        let text = format!(
            "reconnect storm: {} devices{whose} cut within {}, away for {}",
            hit.len(),
            format_duration(spread),
            format_duration(away)
        );
        self.scribe.event_about(at, EventKind::Injected, &text, None, text.clone());
        for (nth, device) in hit.iter().enumerate() {
            let when = at + spread.mul_f64(nth as f64 / hit.len() as f64);
            self.happenings.0.push(Reverse((when, Happening::Cut { device: device.0, away })));
        }
    }

    fn send_away(&mut self, at: Duration, devices: &[GroupId], subscribers: &[SubscriberId], back: Duration) {
        let farm = self.fleet.farm();
        let hit: Vec<DeviceId> =
            self.fleet.devices().filter(|device| devices.contains(&GroupId(farm.info(*device).group))).collect();
        let away = back.saturating_sub(self.offset(self.now()));
        let mut clients = 0;
        for device in hit {
            clients += usize::from(self.fleet.is_online(device));
            self.fleet.leave(device, away);
        }
        let due = self.start.after(back);
        for group in subscribers {
            for (client, keeps_session) in self.readers.leave(self.fleet.engine(), *group, due) {
                self.fleet.stamper().ledger.leave(client, keeps_session);
                clients += 1;
            }
        }
        let away = Duration::from_millis(back.saturating_sub(at).as_millis() as u64);
        let clients = if clients == 1 { "1 client".to_owned() } else { format!("{clients} clients") };
        let text = format!("{clients} disconnected, away for {}", format_duration(away));
        self.scribe.event_about(at, EventKind::Injected, &text, None, text.clone());
    }

    fn admit(&mut self, at: Duration, group: SubscriberId) {
        let count = self.readers.admit(group);
        let name = &self.plan.scenario.subscriber(group).name;
        let text = format!("{count} subscribers of {name} come");
        self.scribe.event_about(at, EventKind::Injected, &text, None, text.clone());
    }

    fn switch(&mut self, offset: Duration, rule: RuleId, on: bool) {
        let Some(network) = &self.network else { return };
        network.switch(rule, on);
        let name = self.plan.scenario.network.get(usize::from(rule.0)).map_or("", |rule| rule.name.as_str());
        let text = format!("network.{name} turned {}", if on { "on" } else { "off" });
        self.scribe.event_about(offset, EventKind::Injected, &text, None, text.clone());
    }
}
