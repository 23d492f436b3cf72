//! Selections whose seconds are kept apart, because a threshold asks for them.

use reports::metric;
use scenarios::model::{DeviceGroup, Metric, Selector, Series};

use super::{Group, Groups, METRICS, StageSpan};
use crate::ledger::RowKey;

/// One selection.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Its key in the windows.
    pub key: String,
    what: What,
    devices: Vec<bool>,
    qos: Option<u8>,
    stage: Option<usize>,
    reader: Option<usize>,
    /// Whether devices, or else subscribers, are meant; `None` for both.
    of_devices: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// An index of [`METRICS`].
    Samples(usize),
    Connects,
    Connections,
    Messages,
}

impl Watch {
    /// What `series` selects among the groups of a scenario and the spans of a run.
    pub fn new(key: String, series: &Series, devices: &[DeviceGroup], groups: &Groups, spans: &[StageSpan]) -> Self {
        let name = series.metric.name();
        let what = match METRICS.iter().position(|metric| *metric == name) {
            Some(metric) => What::Samples(metric),
            None if name == metric::CONNECT => What::Connects,
            None if series.metric == Metric::Connections => What::Connections,
            None => What::Messages,
        };
        let mut watch = Self {
            key,
            what,
            devices: vec![true; groups.devices.len()],
            qos: None,
            stage: None,
            reader: None,
            of_devices: None,
        };
        for selector in &series.selectors {
            match selector {
                Selector::Qos(qos) => watch.qos = Some(qos.level()),
                Selector::Stage(name) => watch.stage = spans.iter().position(|span| span.name == name.as_str()),
                Selector::Subscriber(name) => {
                    watch.reader = groups.subscribers.iter().position(|known| known == name.as_str());
                    watch.of_devices = Some(false);
                }
                Selector::Group(name) => watch.narrow(groups.devices.iter().map(|known| known == name.as_str())),
                Selector::Model(model) => watch.narrow(devices.iter().map(|group| group.model == *model)),
            }
        }
        watch
    }

    fn narrow(&mut self, wanted: impl Iterator<Item = bool>) {
        self.of_devices = Some(true);
        // Clients that ask have no model.
        for (mine, wanted) in self.devices.iter_mut().zip(wanted.chain(std::iter::repeat(false))) {
            *mine &= wanted;
        }
    }

    /// Whether it wants these samples of messages.
    pub(super) fn wants_samples(&self, metric: usize, row: RowKey, reader: Option<usize>) -> bool {
        self.what == What::Samples(metric)
            && self.wants_messages(row)
            && self.stage.is_none_or(|stage| stage == usize::from(row.stage))
            && self.reader.is_none_or(|wanted| reader == Some(wanted))
    }

    /// Whether it wants to count these messages.
    pub(super) fn wants_messages(&self, row: RowKey) -> bool {
        self.devices[usize::from(row.group)] && self.qos.is_none_or(|qos| qos == row.qos as u8)
    }

    /// Whether it wants how long these clients took to connect.
    pub(super) fn wants_connects(&self, group: Group, stage: Option<usize>) -> bool {
        let here = self.stage.is_none_or(|wanted| stage == Some(wanted));
        self.what == What::Connects && self.wants_clients(group) && here
    }

    /// Whether it wants how many connections are open.
    pub fn wants_connections(&self) -> bool {
        self.what == What::Connections
    }

    /// Whether clients of this group are selected.
    pub fn wants_clients(&self, group: Group) -> bool {
        match group {
            Group::Devices(group) => self.of_devices != Some(false) && self.devices[usize::from(group)],
            Group::Subscribers(group) => {
                self.of_devices != Some(true) && self.reader.is_none_or(|reader| reader == usize::from(group))
            }
        }
    }

    /// Whether it has samples.
    pub(super) fn has_samples(&self) -> bool {
        matches!(self.what, What::Samples(_) | What::Connects)
    }
}
