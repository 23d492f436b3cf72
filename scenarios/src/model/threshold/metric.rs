//! What a run can be asked for.
//!
//! To add a metric:
//!
//! 1. Here: a variant of [`Metric`], its row in [`Metric::ALL`], and in [`Metric::refuses`] the selectors that mean nothing
//!    to it. Its [`Kind`] decides what can be asked and compared; the parser, its errors and the schema follow.
//! 2. In the crate `loadgen`, `judge/source.rs`: where its values stand among the observations. Times that are recorded with
//!    the `Meter` under the metric's name need no more than this line to be judged whole, by second, and early.
//! 3. A test in `loadgen/src/judge/tests.rs` that passes, fails, and has nothing to say.

use super::Selector;

/// A metric of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Time from intended start to receipt, per delivery.
    E2e,
    /// Time from sending to receipt, per delivery.
    Service,
    /// Time from intended start to sending, per message: the generator's own delay.
    GeneratorLag,
    /// Time from sending to the end of the QoS 1 or 2 handshake, per message.
    Ack,
    /// Time from CONNECT to CONNACK, per connection, over the whole run or of those made in a stage's hold; the native engine
    /// measures it.
    Connect,
    /// Time from SUBSCRIBE to the last retained message, per late subscriber.
    Retained,
    /// Time from CONNACK to the last message that the broker had queued meanwhile, per subscriber that was away.
    Drain,
    /// Time from the intended start of a request to its answer, however late.
    RoundTrip,
    /// Requests that were sent and never answered.
    Unanswered,
    /// Answers that came after the time-out of their requests.
    LateAnswers,
    /// Expected deliveries that never came.
    Loss,
    /// Deliveries that came more than once.
    Duplicates,
    /// Deliveries that came after a later message of the same stream.
    Reordered,
    /// Deliveries that came while the run drained.
    Late,
    /// Messages sent.
    Sent,
    /// Deliveries received.
    Received,
    /// Connections lost against the scenario's will.
    Disconnects,
    /// Messages sent per second.
    Rate,
    /// Deliveries received per second.
    DeliveryRate,
    /// Open connections.
    Connections,
    /// CPU of a broker on this machine; 100 % is one core.
    BrokerCpu,
    /// Resident memory of a broker on this machine.
    BrokerMemory,
    /// CPU of Paddock itself; 100 % is one core.
    GeneratorCpu,
    /// CPU time of a broker on this machine for each message sent.
    BrokerCpuPerMessage,
    /// How many bytes the resident memory of a broker on this machine grows by in an hour, over the measured stages: `avg` is the
    /// slope, `min` and `max` are the ends of its 95 % confidence interval.
    BrokerMemoryGrowth,
    /// The same of its open files.
    BrokerFilesGrowth,
}

/// How a metric's values behave, which decides what can be asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Durations: `p(N)`, `avg`, `min`, `max` compare with a duration, `count` with a number.
    Time,
    /// Deliveries that went wrong: `count` compares with a number, `rate` with a share of the expected deliveries.
    Fault,
    /// A sum: `count` compares with a number or with `F*intended`.
    Count,
    /// Messages per second, one value for each second: `avg`, `min`, `max` compare with a rate or with `F*intended`.
    PerSecond,
    /// A number sampled each second: `avg`, `min`, `max`.
    Number,
    /// A share of a core sampled each second: `avg`, `min`, `max` compare with percent.
    Percent,
    /// Bytes sampled each second: `avg`, `min`, `max` compare with a size.
    Bytes,
    /// Time spent for each message: `avg` compares with a duration.
    Cost,
}

impl Metric {
    /// Every metric, with its name and kind.
    pub const ALL: [(Self, &'static str, Kind); 26] = [
        (Self::E2e, "e2e", Kind::Time),
        (Self::Service, "service", Kind::Time),
        (Self::GeneratorLag, "generator_lag", Kind::Time),
        (Self::Ack, "ack", Kind::Time),
        (Self::Connect, "connect", Kind::Time),
        (Self::Retained, "retained", Kind::Time),
        (Self::Drain, "drain", Kind::Time),
        (Self::RoundTrip, "round_trip", Kind::Time),
        (Self::Unanswered, "unanswered", Kind::Fault),
        (Self::LateAnswers, "late_answers", Kind::Fault),
        (Self::Loss, "loss", Kind::Fault),
        (Self::Duplicates, "duplicates", Kind::Fault),
        (Self::Reordered, "reordered", Kind::Fault),
        (Self::Late, "late", Kind::Fault),
        (Self::Sent, "sent", Kind::Count),
        (Self::Received, "received", Kind::Count),
        (Self::Disconnects, "disconnects", Kind::Count),
        (Self::Rate, "rate", Kind::PerSecond),
        (Self::DeliveryRate, "delivery_rate", Kind::PerSecond),
        (Self::Connections, "connections", Kind::Number),
        (Self::BrokerCpu, "broker_cpu", Kind::Percent),
        (Self::BrokerMemory, "broker_memory", Kind::Bytes),
        (Self::GeneratorCpu, "generator_cpu", Kind::Percent),
        (Self::BrokerCpuPerMessage, "broker_cpu_per_message", Kind::Cost),
        (Self::BrokerMemoryGrowth, "broker_memory_growth", Kind::Bytes),
        (Self::BrokerFilesGrowth, "broker_files_growth", Kind::Number),
    ];

    /// Its name in scenarios and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// How its values behave.
    #[must_use]
    pub fn kind(self) -> Kind {
        Self::ALL[self as usize].2
    }

    /// Whether `N*intended` means something: the schedule says what it should be.
    #[must_use]
    pub fn has_intention(self) -> bool {
        matches!(self, Self::Sent | Self::Received | Self::Rate | Self::DeliveryRate)
    }

    /// Whether it is a slope over the whole run.
    #[must_use]
    pub fn is_growth(self) -> bool {
        matches!(self, Self::BrokerMemoryGrowth | Self::BrokerFilesGrowth)
    }

    /// Whether it is about requests and answers.
    #[must_use]
    pub fn is_about_requests(self) -> bool {
        matches!(self, Self::RoundTrip | Self::Unanswered | Self::LateAnswers)
    }

    /// Whether it also knows clients that ask, by the name of their requests.
    #[must_use]
    pub fn knows_requesters(self) -> bool {
        matches!(self, Self::GeneratorLag | Self::Connect)
    }

    /// Why `selector` means nothing to it; `None` where it does.
    #[must_use]
    pub fn refuses(self, selector: &Selector) -> Option<&'static str> {
        use Selector::{Group, Model, Qos, Stage, Subscriber};
        match (self, selector) {
            (_, _) if self.is_growth() => Some("growth is a slope of one process over the whole run"),
            (Self::Retained | Self::Drain, Qos(_) | Group(_) | Model(_)) => {
                Some("it is measured once for each subscriber")
            }
            (metric, Model(_) | Subscriber(_)) if metric.is_about_requests() => {
                Some("requests are told apart by `group`, the name of their section, `qos` and `stage`")
            }
            (_, Stage(_)) | (Self::E2e | Self::Service, _) => None,
            (Self::Connect | Self::Connections | Self::Disconnects, Qos(_)) => Some("a connection has no QoS"),
            (Self::GeneratorLag | Self::Ack | Self::Sent | Self::Rate, Subscriber(_)) => {
                Some("a message is sent once, whoever receives it")
            }
            (
                Self::Loss | Self::Duplicates | Self::Reordered | Self::Late | Self::Received | Self::DeliveryRate,
                Subscriber(_),
            ) => Some("the ledger accounts by what was published, not by who receives"),
            (
                Self::BrokerCpu | Self::BrokerMemory | Self::GeneratorCpu | Self::BrokerCpuPerMessage,
                Qos(_) | Group(_) | Model(_) | Subscriber(_),
            ) => Some("a process works for all clients at once"),
            _ => None,
        }
    }
}
