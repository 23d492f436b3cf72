//! Metric families, one after the other. A family without a row is left out.

use super::buckets::Buckets;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use std::fmt;

/// Names and values of labels.
pub(super) type Pairs = Vec<(String, String)>;

/// Labels from borrowed words.
pub(super) fn pairs<const N: usize>(words: [(&str, &str); N]) -> Pairs {
    words.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

pub(super) struct Families<'a>(DescriptorEncoder<'a>);

impl<'a> Families<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    pub(super) fn info(&mut self, name: &str, help: &str, labels: &Pairs) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Info)?.encode_info(labels)
    }

    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        rows: impl IntoIterator<Item = (Pairs, f64)>,
    ) -> fmt::Result {
        self.family(name, help, unit, MetricType::Gauge, rows, |row, value| ConstGauge::new(*value).encode(row))
    }

    pub(super) fn counter(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Pairs, u64)>,
    ) -> fmt::Result {
        self.family(name, help, None, MetricType::Counter, rows, |row, value| ConstCounter::new(*value).encode(row))
    }

    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Pairs, Buckets)>,
    ) -> fmt::Result {
        self.family(name, help, Some(&Unit::Seconds), MetricType::Histogram, rows, |mut row, buckets| {
            row.encode_histogram::<NoLabelSet>(buckets.sum(), buckets.count(), &buckets.bounded(), None)
        })
    }

    fn family<T>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        kind: MetricType,
        rows: impl IntoIterator<Item = (Pairs, T)>,
        encode: impl Fn(MetricEncoder<'_>, &T) -> fmt::Result,
    ) -> fmt::Result {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let mut family = self.0.encode_descriptor(name, help, unit, kind)?;
        for (labels, value) in rows {
            if labels.is_empty() {
                // Then it is the only one, and has no braces.
                return encode(family, &value);
            }
            encode(family.encode_family(&labels)?, &value)?;
        }
        Ok(())
    }
}
