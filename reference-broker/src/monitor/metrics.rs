//! The metrics page.
//!
//! Every counter and gauge is there because the page walks their lists; its name follows from theirs: bytes are a unit
//! and come last, counters end in `_total`, and what was dropped is one metric with its cause as a label.

use std::{collections::BTreeMap, fmt};

use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeMetric, NoLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use super::process;
use crate::{
    Counters, Handle,
    status::{GAUGES, plain},
};

/// What the page is.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the names of the broker's metrics begin with.
const PREFIX: &str = "paddock_broker";

/// The page.
pub(super) fn render(broker: &Handle) -> Result<String, fmt::Error> {
    let mut own = Registry::with_prefix(PREFIX);
    own.register_collector(Box::new(Own(broker.clone())));
    let mut process = Registry::default();
    process.register_collector(Box::new(process::Process));
    let mut page = String::with_capacity(32 * 1024);
    encode_registry(&mut page, &own)?;
    encode_registry(&mut page, &process)?;
    encode_eof(&mut page)?;
    Ok(page)
}

/// Every metric of the broker, with its labels, and what it is: what the README's table is made from.
pub fn described() -> impl Iterator<Item = (String, String)> {
    let counters = families().into_iter().flat_map(|family| {
        let name = format!("{PREFIX}_{}_total", full(&family.name, family.unit));
        family.members.into_iter().map(move |(cause, index)| {
            let labels = cause.map_or_else(|| "{worker}".to_owned(), |cause| format!("{{cause=\"{cause}\", worker}}"));
            (format!("{name}{labels}"), plain(Counters::ALL[index].1))
        })
    });
    let gauges = GAUGES.iter().map(|gauge| (format!("{PREFIX}_{}", gauge.name), gauge.help.to_owned()));
    let others = OTHERS.iter().map(|(name, labels, help)| (format!("{PREFIX}_{name}{labels}"), (*help).to_owned()));
    let process = process::DESCRIBED.iter().map(|(name, help)| ((*name).to_owned(), (*help).to_owned()));
    counters.chain(gauges).chain(others).chain(process)
}

/// What is neither a counter nor a gauge of the lists: name, labels, help.
const OTHERS: [(&str, &str, &str); 4] = [
    ("listener_connections", "{listener}", "Connections open now, by the listener that accepted them"),
    ("ready", "", "1 while the broker accepts clients"),
    ("start_time_seconds", "", "When the broker was started, in seconds since 1970"),
    ("build_info", "{version}", "The version of the broker"),
];

fn full(name: &str, unit: Option<&str>) -> String {
    unit.map_or_else(|| name.to_owned(), |unit| format!("{name}_{unit}"))
}

/// Counters that share a name.
#[derive(Debug)]
struct Family {
    name: String,
    unit: Option<&'static str>,
    help: String,
    /// The label that tells them apart, and the place in [`Counters::ALL`].
    members: Vec<(Option<&'static str>, usize)>,
}

fn families() -> Vec<Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for (index, (counter, help)) in Counters::ALL.iter().enumerate() {
        let cause = counter.strip_prefix("dropped_");
        let words: Vec<_> = counter.split('_').filter(|word| *word != "bytes").collect();
        let unit = counter.split('_').any(|word| word == "bytes").then_some("bytes");
        let (name, help) = match cause {
            Some(_) => ("messages_dropped".to_owned(), "Messages dropped, by cause".to_owned()),
            None => (words.join("_"), plain(help).trim_end_matches('.').to_owned()),
        };
        let unit = unit.filter(|_| cause.is_none());
        let family = families.entry(full(&name, unit)).or_insert(Family { name, unit, help, members: Vec::new() });
        family.members.push((cause, index));
    }
    families.into_values().collect()
}

/// The broker's own metrics.
#[derive(Debug)]
struct Own(Handle);

impl Collector for Own {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let workers: Vec<Vec<u64>> = self.0.worker_counters().map(|counters| counters.values().collect()).collect();
        for family in families() {
            let unit = family.unit.map(|unit| Unit::Other(unit.to_owned()));
            let name = family.name.as_str();
            let mut metric = encoder.encode_descriptor(name, &family.help, unit.as_ref(), MetricType::Counter)?;
            for (cause, index) in &family.members {
                for (worker, values) in workers.iter().enumerate() {
                    let value = ConstCounter::new(values[*index]);
                    let worker = ("worker", worker.to_string());
                    match cause {
                        Some(cause) => {
                            let labels = [("cause", (*cause).to_owned()), worker];
                            value.encode(metric.encode_family(&labels)?)?;
                        }
                        None => value.encode(metric.encode_family(&[worker])?)?,
                    }
                }
            }
        }
        for (name, help, value) in self.0.gauges() {
            let bytes = name.strip_suffix("_bytes");
            let unit = bytes.map(|_| Unit::Bytes);
            gauge(&mut encoder, bytes.unwrap_or(name), help, unit.as_ref(), value)?;
        }
        let [(name, _, help), ready, start, build] = OTHERS;
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (entrance, connections) in self.0.entrance_connections() {
            let labels = [("listener", entrance)];
            ConstGauge::new(connections).encode(metric.encode_family(&labels)?)?;
        }
        gauge(&mut encoder, ready.0, ready.2, None, u64::from(self.0.readiness().is_ready()))?;
        let start_time = start.0.trim_end_matches("_seconds");
        gauge(&mut encoder, start_time, start.2, Some(&Unit::Seconds), self.0.started())?;
        let name = build.0.trim_end_matches("_info");
        let mut info = encoder.encode_descriptor(name, build.2, None, MetricType::Info)?;
        info.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

/// One gauge without labels.
pub(super) fn gauge<N: prometheus_client::encoding::EncodeGaugeValue>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: N,
) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?)
}

/// One counter without labels.
pub(super) fn seconds_total(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Counter)?;
    metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
}
