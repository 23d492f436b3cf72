//! What the broker shows of itself.
//!
//! A [`Sample`] is everything that can be known of it at one moment; [`GAUGES`] names what of that rises and falls.
//! Counters name themselves ([`crate::Counters::ALL`]). The `$SYS` tree ([`SysTree`]) and the metrics of the monitor are
//! both made from these lists.

mod load;
mod sample;
mod sys;

pub(crate) use sample::{GAUGES, Sample};
pub(crate) use sys::SysTree;
pub use sys::sys_topics;
