//! What the broker shows of itself.
//!
//! A [`Sample`] is everything that can be known of it at one moment; [`GAUGES`] names what of that rises and falls.
//! Counters name themselves ([`crate::Counters::ALL`]). The `$SYS` tree ([`SysTree`]) and the metrics of the monitor are
//! both made from these lists.

mod digest;
mod load;
mod rhythm;
mod sample;
mod sys;

pub(crate) use digest::Digest;
pub(crate) use rhythm::Rhythm;
pub(crate) use sample::{GAUGES, Sample};
pub(crate) use sys::SysTree;
pub use sys::sys_topics;

/// The documentation of a counter or gauge without its marks: one line for people.
pub(crate) fn plain(documentation: &str) -> String {
    documentation.trim().replace("[`crate::", "").replace("`]", "").replace('`', "")
}

/// What a worker shows of the whole broker: one of them does.
#[derive(Debug, Default)]
pub(crate) struct Status {
    pub(crate) sys: SysTree,
    pub(crate) digest: Digest,
}
