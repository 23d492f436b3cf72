//! `--live`: a run in a web browser while it lasts.

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    time::Duration,
};

use live::Live;
use reports::{Output, RunFolder, Sink};
use scenarios::Scenario;

use crate::exit::Failure;

/// The page that shows what runs, and how long it stays.
pub(crate) struct Watched {
    live: Live,
    linger: Duration,
}

impl Watched {
    /// Serves it from now on and says on stderr where.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, or `linger` is no duration.
    pub(crate) fn start(address: SocketAddr, linger: Option<&str>) -> Result<Self, Failure> {
        let linger = linger.map_or(Ok(Duration::ZERO), |text| {
            scenarios::model::parse_duration(text)
                .map_err(|error| Failure::usage(format!("--live-linger {text}: {error}")))
        })?;
        let live = Live::start(address)
            .map_err(|error| Failure::usage(format!("cannot show the run at {address} (--live): {error}")))?;
        // Nobody may read stderr, which is no reason not to run.
        let _unread = writeln!(io::stderr(), "watch this run at http://{}/", live.address());
        Ok(Self { live, linger })
    }

    /// The output of a run that the page shows; the last of them, so that the report is there when it ends.
    pub(crate) fn sink(&self, folder: &RunFolder, scenario: &Scenario) -> Box<dyn Sink> {
        let report = scenario.output.html.then(|| folder.path().join(Output::Html.file_name()));
        self.live.sink(report)
    }

    /// The output of one of several runs that the page shows one after the other; `which` of them it is.
    pub(crate) fn part(&self, which: String) -> Box<dyn Sink> {
        self.live.part(which)
    }

    /// Shows that all of them are over; `report` is about all.
    pub(crate) fn conclude(&self, report: &Path) {
        self.live.conclude(report);
    }

    /// Ends in order once the run has: see [`Live::close`].
    pub(crate) async fn close(self, interrupt: impl Future<Output = ()>) {
        if !self.linger.is_zero() {
            let seconds = self.linger.as_secs();
            let _unread = writeln!(io::stderr(), "the page stays for {seconds} s; Ctrl-C ends it");
        }
        self.live.close(self.linger, interrupt).await;
    }
}
