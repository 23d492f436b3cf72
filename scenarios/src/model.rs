//! The resolved scenario: what a run is to do, without how it was written.

mod broker;
mod compare;
mod day;
mod device;
mod event;
mod filter;
mod name;
mod network;
mod quantity;
mod requests;
mod scenario;
mod search;
mod stage;
mod subscriber;
mod template;
mod threshold;

pub use broker::{Address, Broker, BrokerId, Credentials, Password, Scheme, Url, Version};
pub use compare::{Compare, Measure, Percentage};
pub use day::{Curve, Day, TimeOfDay};
pub use device::{BarnId, DeviceGroup, DeviceModel, Engine, GroupId};
pub use event::{Action, Anchor, Away, Event, Moment};
pub use filter::{FilterTemplate, TopicError};
pub use located::duration::format as format_duration;
pub use name::{Name, NameError};
pub use network::{Direction, Fault, NetworkRule, RuleId};
pub use quantity::{Factor, PayloadSize, Percentile, QoS, QuantityError, Rate, parse_duration};
pub use requests::Requests;
pub use scenario::{Output, Scenario, Unsupported};
pub use search::{Dimension, Search};
pub use stage::{Arrival, Load, Part, Segment, Stage, StageId, Trace, TraceId, TraceStart};
pub use subscriber::{Role, SubscriberGroup, SubscriberId, Subscription};
pub use template::{Fill, Template, TemplateError, TopicTemplate};
pub use threshold::{
    Aggregation, Bound, Comparison, Expression, ExpressionError, Kind, Metric, Selector, SelectorError, Series,
    Threshold, conflict,
};
