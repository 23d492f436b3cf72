//! Runs in a web browser.
//!
//! * [`Live`]: a page that shows the report of a run while it lasts, and answers scrapes of its metrics. Its [sink](Live::sink)
//!   is one more output of the run.
//! * [`Browse`]: a page that lists the runs below a folder and opens their reports.
//!
//! Both are served by one small [server], on a thread and a runtime of their own: however many look, and however badly they
//! behave, the run only ever hands over observations. Everything that a page needs is embedded.
//!
//! This crate judges nothing and knows no scenario: it shows what `reports` makes of observations.

mod browse;
mod frames;
mod guard;
mod page;
pub mod server;
mod sink;
mod stream;
mod watch;

pub use browse::Browse;
pub use watch::Live;
