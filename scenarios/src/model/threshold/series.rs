//! A metric, narrowed by selectors.

use std::{fmt, str::FromStr};

use super::{
    super::{DeviceModel, Name, NameError, QoS},
    ExpressionError, Metric,
};

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

impl Series {
    /// Refuses selectors that mean nothing to the metric.
    ///
    /// # Errors
    ///
    /// Which, and why.
    pub fn check(&self) -> Result<(), ExpressionError> {
        let name = self.metric.name();
        let refused = |selector: &Selector| Some((selector.label(), self.metric.refuses(selector)?));
        if let Some((label, why)) = self.selectors.iter().find_map(refused) {
            let message = format!("`{name}` cannot be narrowed by {label}: {why}");
            return Err(ExpressionError { message, hint: format!("leave `{label}` out") });
        }
        let has = |label: &str| self.selectors.iter().any(|selector| selector.label() == label);
        let of_clients = matches!(self.metric, Metric::Connect | Metric::Connections | Metric::Disconnects);
        if of_clients && has("subscriber") && (has("group") || has("model")) {
            let message = format!("no connection of `{name}` is of a device group and of a subscriber group");
            return Err(ExpressionError { message, hint: "name one of them".to_owned() });
        }
        Ok(())
    }

    /// The stage that it is narrowed to.
    #[must_use]
    pub fn stage(&self) -> Option<&Name> {
        self.selectors.iter().find_map(|selector| match selector {
            Selector::Stage(name) => Some(name),
            _ => None,
        })
    }

    /// Whether something other than a stage narrows it.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.selectors.iter().any(|selector| !matches!(selector, Selector::Stage(_)))
    }

    /// Its text with the selectors in one order, whatever order they were written in.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut sorted = self.clone();
        sorted.selectors.sort();
        sorted.to_string()
    }
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
