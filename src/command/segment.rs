//! What `--segment` and `--start-at` ask for that cannot be.

use jiff::Timestamp;
use scenarios::Scenario;

use super::target::Named;
use crate::{cli, exit::Failure};

/// Says at once what several processes cannot do together, before there is a broker or a folder.
pub(super) fn check(options: &cli::Run, named: &Named, scenario: &Scenario) -> Result<(), Failure> {
    options
        .segment
        .accounts_for(scenario)
        .map_err(|why| Failure::usage(format!("--segment {}: {why}", options.segment)))?;
    if !options.segment.is_whole() && !matches!(named, Named::At(_)) {
        return Err(Failure::usage(format!(
            "--segment {}: segments meet on one broker, and without --target each would start its own: name one",
            options.segment
        )));
    }
    match options.start_at {
        Some(start) if start <= Timestamp::now() => Err(Failure::usage(format!(
            "--start-at {start}: that moment has passed; it is {:.0} now",
            Timestamp::now()
        ))),
        _ => Ok(()),
    }
}
