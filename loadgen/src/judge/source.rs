//! Where the values of each metric stand among the observations.

use reports::{
    Counter, Summary, metric,
    observation::{EventKind, Flow, RequestCounts, Unit, Window},
    summary::Growth,
};
use scenarios::model::{Aggregation, Kind, Metric, Selector, Series};

/// How to come by a metric's values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// Samples under this name in histograms. The function says how many are due to come of a second's messages.
    Samples(&'static str, fn(&Flow) -> f64),
    /// A count that only the ledger knows.
    Fault(Counter),
    /// A count that only the account of requests knows.
    Requests(fn(&RequestCounts) -> u64),
    /// Messages: what is counted, and what it should be; whole from the ledger, by second from the windows.
    Messages(Counter, Counter, Pick),
    /// The same per second.
    Pace(Pick),
    /// Something that each window has one value of.
    Level(fn(&Window) -> Option<f64>),
    /// Open connections, which can be selected.
    Connections,
    /// Processor time of the target for each message sent.
    Cost,
    /// How fast the target grows, with how sure that is.
    Growth(fn(&Summary) -> Option<Growth>),
    /// Events of this kind.
    Events(EventKind),
}

/// What was counted of some messages, and what it should be.
pub(super) type Pick = fn(&Flow) -> (u64, u64);

const SENT: Pick = |flow| (flow.sent, flow.intended);
const RECEIVED: Pick = |flow| (flow.received, flow.expected);

pub(super) fn source(metric: Metric) -> Source {
    match metric {
        Metric::E2e => Source::Samples(metric::E2E, deliveries),
        Metric::Service => Source::Samples(metric::SERVICE, deliveries),
        Metric::GeneratorLag => Source::Samples(metric::GENERATOR_LAG, messages),
        Metric::Ack => Source::Samples(crate::measure::ACK, messages),
        Metric::Connect => Source::Samples(metric::CONNECT, |_| 0.0),
        Metric::Retained => Source::Samples(metric::RETAINED, |_| 0.0),
        Metric::Drain => Source::Samples(metric::DRAIN, |_| 0.0),
        Metric::RoundTrip => Source::Samples(metric::ROUND_TRIP, |_| 0.0),
        Metric::Unanswered => Source::Requests(|counts| counts.unanswered),
        Metric::LateAnswers => Source::Requests(|counts| counts.late),
        Metric::Loss => Source::Fault(Counter::Lost),
        Metric::Duplicates => Source::Fault(Counter::Duplicated),
        Metric::Reordered => Source::Fault(Counter::Reordered),
        Metric::Late => Source::Fault(Counter::Late),
        Metric::Sent => Source::Messages(Counter::Sent, Counter::Intended, SENT),
        Metric::Received => Source::Messages(Counter::Received, Counter::Expected, RECEIVED),
        Metric::Disconnects => Source::Events(EventKind::ConnectionLost),
        Metric::Rate => Source::Pace(SENT),
        Metric::DeliveryRate => Source::Pace(RECEIVED),
        Metric::Connections => Source::Connections,
        Metric::BrokerCpu => Source::Level(|window| window.target?.cpu),
        Metric::GeneratorCpu => Source::Level(|window| window.generator?.cpu),
        Metric::BrokerMemory => Source::Level(|window| Some(window.target?.rss_bytes? as f64)),
        Metric::BrokerCpuPerMessage => Source::Cost,
        Metric::BrokerMemoryGrowth => Source::Growth(Summary::target_memory_growth),
        Metric::BrokerFilesGrowth => Source::Growth(Summary::target_files_growth),
    }
}

fn messages(flow: &Flow) -> f64 {
    flow.intended as f64
}

/// Every message that was due, at the fan-out of those that were sent.
fn deliveries(flow: &Flow) -> f64 {
    flow.expected as f64 * flow.intended as f64 / flow.sent.max(1) as f64
}

/// The unit of what is observed.
pub(crate) fn unit(metric: Metric, aggregation: Aggregation) -> Unit {
    match (metric.kind(), aggregation) {
        (_, Aggregation::Count) => Unit::Count,
        (_, Aggregation::Rate) => Unit::Ratio,
        (Kind::Time | Kind::Cost, _) => Unit::Nanoseconds,
        (Kind::PerSecond, _) => Unit::PerSecond,
        (Kind::Percent, _) => Unit::Cores,
        (Kind::Bytes, _) => Unit::Bytes,
        (Kind::Fault | Kind::Count | Kind::Number, _) => Unit::Count,
    }
}

/// Under which key windows keep what `series` selects. Samples know the stage of their message; all else belongs to the stage
/// of its window.
pub(super) fn key(series: &Series) -> String {
    match source(series.metric) {
        Source::Samples(..) => series.canonical(),
        _ => {
            let mut series = series.clone();
            series.selectors.retain(|selector| !matches!(selector, Selector::Stage(_)));
            series.canonical()
        }
    }
}
