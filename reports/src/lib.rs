//! Observations in; terminal, JSON, JUnit, HTML and HDR log out.
//!
//! * [`observation`]: what a run saw, and its form on disk. Start reading here.
//! * [`Summary`]: what a run amounts to, a fold over its observations; thresholds are judged on it.
//! * [`Sink`]: where observations go; every output is one, [`Tee`] joins them.
//! * [`RunFolder`]: where the outputs of one run lie.
//!
//! This crate judges nothing: thresholds and verdicts arrive as observations. It knows no scenarios and no brokers, so that
//! a conformance suite, a certification and a load run report alike.

pub mod labels;
pub mod observation;
pub mod run_folder;
pub mod sink;
pub mod summary;

pub use labels::{Labels, label};
pub use observation::{Observation, metric};
pub use run_folder::{FolderError, RunFolder};
pub use sink::{Sink, Tee};
pub use summary::{Counter, Summary};
