//! What was measured, by what it is about.

use hdrhistogram::Histogram;
use reports::{
    Labels, label, metric,
    observation::{EncodedHistogram, HistogramRecord, house_histogram},
};

use super::{METRICS, Meter};

impl Meter {
    /// The samples of one metric of messages, whole.
    pub fn measured(&mut self, wanted: &str) -> Histogram<u64> {
        self.fold_all();
        let mut sum = house_histogram();
        for (place, distribution) in self.distributions.iter().enumerate() {
            if let Some(distribution) = distribution
                && self.place(place).metric == wanted
            {
                sum.add(distribution.as_ref()).expect("both are house histograms");
            }
        }
        sum
    }

    /// Every distribution: of each metric a partition of its samples.
    pub fn records(&mut self) -> impl Iterator<Item = HistogramRecord> + '_ {
        self.fold_all();
        let this = &*self;
        let messages = this.distributions.iter().enumerate().filter_map(|(place, distribution)| {
            let distribution = distribution.as_ref()?;
            let Place { metric, stage, group, qos, subscriber } = this.place(place);
            let labels = Labels::none().with(label::STAGE, stage).with(label::GROUP, group).with(label::QOS, qos);
            let labels = match subscriber {
                Some(subscriber) => labels.with(label::SUBSCRIBER, subscriber),
                None => labels,
            };
            Some(record(metric, labels, distribution))
        });
        let devices = this.groups.devices.iter().map(|name| Labels::none().with(label::GROUP, name));
        let subscribers = this.groups.subscribers.iter().map(|name| Labels::none().with(label::SUBSCRIBER, name));
        let by_group = this.connects.chunks(this.stages.len() + 1).zip(devices.chain(subscribers));
        let connects = by_group.flat_map(|(by_stage, labels)| {
            let stages = std::iter::once(None).chain(this.stages.iter().map(Some));
            by_stage.iter().zip(stages).filter_map(move |(distribution, stage)| {
                let labels = labels.clone();
                let labels = stage.map_or(labels.clone(), |stage| labels.with(label::STAGE, &stage.name));
                distribution.as_ref().map(|distribution| record(metric::CONNECT, labels, distribution))
            })
        });
        let moments = this.moments.iter().map(|(metric, stage, reader, distribution)| {
            let labels = Labels::none().with(label::SUBSCRIBER, &this.groups.subscribers[usize::from(reader)]);
            let stage = stage.map(|stage| &this.stages[stage].name);
            let labels = stage.map_or(labels.clone(), |stage| labels.with(label::STAGE, stage));
            record(metric, labels, distribution)
        });
        messages.chain(connects).chain(moments)
    }

    fn place(&self, place: usize) -> Place<'_> {
        let (metric, row, reader) = self.row_of(place);
        Place {
            metric: METRICS[metric],
            stage: &self.stages[usize::from(row.stage)].name,
            group: &self.groups.devices[usize::from(row.group)],
            qos: row.qos as usize,
            subscriber: reader.map(|reader| self.groups.subscribers[reader].as_str()),
        }
    }
}

/// What the samples of one distribution have in common.
struct Place<'a> {
    metric: &'static str,
    stage: &'a str,
    group: &'a str,
    qos: usize,
    subscriber: Option<&'a str>,
}

fn record(metric: &str, labels: Labels, distribution: &Histogram<u64>) -> HistogramRecord {
    HistogramRecord { metric: metric.to_owned(), labels, histogram: EncodedHistogram::of(distribution) }
}
