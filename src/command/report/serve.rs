//! `paddock report serve`: all runs below a folder, in a web browser.

use std::process::ExitCode;

use live::Browse;

use crate::{
    cli,
    command::{interrupt::Interrupt, say},
    exit::Failure,
};

/// Serves until Ctrl-C or SIGTERM.
pub(crate) fn run(options: &cli::Serve) -> Result<ExitCode, Failure> {
    let folder = &options.folder;
    if !folder.is_dir() {
        return Err(Failure::usage(format!(
            "there is no folder {}: name the one that runs are made in, runs unless --out or the scenario says otherwise",
            folder.display()
        )));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::internal)?;
    runtime.block_on(async {
        let mut interrupt = Interrupt::listen().map_err(Failure::internal)?;
        let browse = Browse::start(options.listen, folder).map_err(|error| {
            Failure::usage(format!("cannot serve {} at {}: {error}", folder.display(), options.listen))
        })?;
        say(format!("http://{}/", browse.address()))?;
        interrupt.received().await;
        Ok(ExitCode::SUCCESS)
    })
}
