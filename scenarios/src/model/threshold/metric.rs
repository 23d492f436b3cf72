//! What a threshold looks at: a metric, narrowed by selectors.

use std::{fmt, str::FromStr};

use super::super::{DeviceModel, Name, NameError, QoS};

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
    /// Time from CONNECT to CONNACK, per connection, over the whole run; the native engine measures it.
    Connect,
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
}

impl Metric {
    /// Every metric, with its name and kind.
    pub const ALL: [(Self, &'static str, Kind); 18] = [
        (Self::E2e, "e2e", Kind::Time),
        (Self::Service, "service", Kind::Time),
        (Self::GeneratorLag, "generator_lag", Kind::Time),
        (Self::Ack, "ack", Kind::Time),
        (Self::Connect, "connect", Kind::Time),
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
}

impl Metric {
    /// Whether a run keeps its values apart by what `selector` names.
    pub(super) fn is_kept_by(self, selector: &Selector) -> bool {
        use Selector::{Group, Model, Qos, Stage, Subscriber};
        match self {
            Self::E2e | Self::Service => true,
            Self::Connect => matches!(selector, Group(_) | Model(_) | Subscriber(_)),
            Self::GeneratorLag
            | Self::Ack
            | Self::Loss
            | Self::Duplicates
            | Self::Reordered
            | Self::Late
            | Self::Sent
            | Self::Received
            | Self::Rate
            | Self::DeliveryRate => matches!(selector, Qos(_) | Group(_) | Model(_) | Stage(_)),
            Self::Disconnects => false,
            Self::Connections | Self::BrokerCpu | Self::BrokerMemory | Self::GeneratorCpu => {
                matches!(selector, Stage(_))
            }
        }
    }
}

/// Narrows a metric. Several must hold together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selector {
    /// `qos:1`: messages published at this QoS; of deliveries, those that came at it (the lower one of publication and
    /// subscription).
    Qos(QoS),
    /// `group:meter`: of this device group.
    Group(Name),
    /// `model:milk_meter`: of devices of this model.
    Model(DeviceModel),
    /// `subscriber:erp`: received by this subscriber group.
    Subscriber(Name),
    /// `stage:hold`: with an intended start in the measured part of this stage. Without it: of all stages.
    Stage(Name),
}

impl Selector {
    /// The labels that a selector may have.
    pub const LABELS: [&'static str; 5] = ["qos", "group", "model", "subscriber", "stage"];

    /// The label before the colon.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Qos(_) => "qos",
            Self::Group(_) => "group",
            Self::Model(_) => "model",
            Self::Subscriber(_) => "subscriber",
            Self::Stage(_) => "stage",
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.label())?;
        match self {
            Self::Qos(qos) => write!(f, "{}", qos.level()),
            Self::Model(model) => write!(f, "{model}"),
            Self::Group(name) | Self::Subscriber(name) | Self::Stage(name) => write!(f, "{name}"),
        }
    }
}

/// A metric with its selectors, such as `e2e{qos:1}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// The metric.
    pub metric: Metric,
    /// What narrows it, in the order written; each label at most once.
    pub selectors: Vec<Selector>,
}

/// A text that is no [`Series`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// No metric has this name.
    #[error("`{0}` is not a metric")]
    Metric(String),
    /// The braces or colons are wrong.
    #[error("selectors are written METRIC{{label:value,label:value}}")]
    Shape,
    /// No selector has this label.
    #[error("`{0}` is not a label: qos, group, model, subscriber or stage")]
    Label(String),
    /// The label occurs twice.
    #[error("the label `{0}` occurs twice")]
    Twice(String),
    /// The value is not one that the label can have.
    #[error("`{value}` is not a value of the label `{label}`: {why}")]
    Value {
        /// The label.
        label: String,
        /// The value.
        value: String,
        /// What it should be.
        why: String,
    },
}

impl FromStr for Series {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let (name, inner) = match text.split_once('{') {
            None => (text, ""),
            Some((name, rest)) => (name, rest.strip_suffix('}').ok_or(SelectorError::Shape)?),
        };
        let name = name.trim();
        let &(metric, ..) = Metric::ALL
            .iter()
            .find(|(_, known, _)| *known == name)
            .ok_or_else(|| SelectorError::Metric(name.to_owned()))?;
        let mut selectors: Vec<Selector> = Vec::new();
        for part in inner.split(',').filter(|_| !inner.trim().is_empty()) {
            let (label, value) = part.split_once(':').ok_or(SelectorError::Shape)?;
            let selector = selector(label.trim(), value.trim())?;
            if selectors.iter().any(|earlier| earlier.label() == selector.label()) {
                return Err(SelectorError::Twice(selector.label().to_owned()));
            }
            selectors.push(selector);
        }
        Ok(Self { metric, selectors })
    }
}

fn selector(label: &str, value: &str) -> Result<Selector, SelectorError> {
    let bad =
        |why: &str| SelectorError::Value { label: label.to_owned(), value: value.to_owned(), why: why.to_owned() };
    let name = || value.parse::<Name>().map_err(|_: NameError| bad("a name from this scenario"));
    match label {
        "qos" => {
            let level = value.parse().map_err(|_| bad("0, 1 or 2"))?;
            QoS::from_level(level).map(Selector::Qos).map_err(|_| bad("0, 1 or 2"))
        }
        "model" => DeviceModel::ALL
            .iter()
            .find(|(_, known)| *known == value)
            .map(|(model, _)| Selector::Model(*model))
            .ok_or_else(|| bad("a device model")),
        "group" => name().map(Selector::Group),
        "subscriber" => name().map(Selector::Subscriber),
        "stage" => name().map(Selector::Stage),
        _ => Err(SelectorError::Label(label.to_owned())),
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric.name())?;
        for (index, selector) in self.selectors.iter().enumerate() {
            write!(f, "{}{selector}", if index == 0 { "{" } else { "," })?;
        }
        if self.selectors.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}
