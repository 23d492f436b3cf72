//! The suite inside somebody's own tests.

use std::{sync::Arc, time::Duration};

use reports::{Sink, SuiteTerminal, observation::Tool};
use wire::Version;

use crate::{
    Selection, Site, Subject, cases,
    run::{Outcome, Plan, run},
};

/// Judges one broker and shows it on standard output: what a broker's own `cargo test` needs.
///
/// ```no_run
/// # async fn start_my_broker() -> u16 { 1883 }
#[doc = include_str!("check/ten_lines.rs")]
/// ```
///
/// `tests/end_to_end/library.rs` of this repository runs just these lines.
#[derive(Clone, Debug)]
#[must_use = "nothing is judged before run()"]
pub struct Check {
    url: String,
    selection: Selection,
    strict: bool,
    jobs: usize,
    seed: u64,
}

impl Check {
    /// Of the broker at this URL, such as `mqtt://127.0.0.1:1883`, with every case.
    pub fn of(url: impl Into<String>) -> Self {
        Self { url: url.into(), selection: Selection::default(), strict: false, jobs: 32, seed: 1 }
    }

    /// Only what these selectors select; see [`Selection`].
    pub fn only<S: Into<String>>(mut self, selectors: impl IntoIterator<Item = S>) -> Self {
        self.selection.selectors = selectors.into_iter().map(Into::into).collect();
        self
    }

    /// Only in this version.
    pub fn version(mut self, version: Version) -> Self {
        self.selection.versions = vec![version];
        self
    }

    /// Departures from a SHOULD count as failures.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// How many cases run side by side. Default 32.
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs;
        self
    }

    /// The seed of everything random. Default 1; a broker that keeps sessions and retained messages wants another for each run.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Runs on a tokio runtime with time and input/output.
    ///
    /// # Errors
    ///
    /// In words: the URL is none, a selector selects nothing, the broker does not answer, standard output is gone.
    pub async fn run(self) -> Result<Outcome, String> {
        let cases: Vec<_> = cases::all().collect();
        let chosen = self.selection.of(&cases).map_err(|errors| errors.join("; "))?;
        let site = Site::at(self.url.parse().map_err(|error| format!("{error}"))?).probed(self.seed).await?;
        let target = Subject {
            name: "target".into(),
            description: self.url,
            sites: vec![Arc::new(site)],
            deviations: Vec::new(),
            alone: Vec::new(),
            jobs: None,
        };
        let plan = Plan {
            targets: vec![target],
            chosen,
            repeat: 1,
            shuffle: false,
            jobs: self.jobs,
            fail_fast: false,
            strict: self.strict,
            seed: self.seed,
            salt: 0,
            deadline: Duration::from_secs(60),
            tool: Tool { name: "conformance".into(), version: env!("CARGO_PKG_VERSION").into() },
            command: Vec::new(),
        };
        let mut sink: Box<dyn Sink> = Box::new(SuiteTerminal::stdio());
        let outcome = run(plan, &mut *sink, std::future::pending()).await.map_err(|error| error.to_string())?;
        sink.finish().map_err(|error| error.to_string())?;
        Ok(outcome)
    }
}
