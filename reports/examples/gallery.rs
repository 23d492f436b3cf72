//! Writes reports of runs that never happened, for looking at them: `cargo run -p reports --example gallery -- DIR`.

#[path = "../tests/specimen/mod.rs"]
mod specimen;

use reports::{Output, Progress, RunFolder, Sink, Terminal, outputs};
use std::error::Error;
use std::io;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let base: PathBuf = std::env::args_os().nth(1).ok_or("name a folder for the reports")?.into();
    for kind in specimen::Kind::ALL {
        let folder = RunFolder::at(&base.join(kind.name()))?;
        let mut sinks = outputs::open(&folder, &Output::ALL)?;
        sinks.push(Box::new(Terminal::new(
            Box::new(io::stdout()),
            Box::new(io::stderr()),
            Progress::Quiet,
            false,
            Some(folder.report()),
        )));
        for observation in specimen::run(kind) {
            sinks.record(&observation)?;
        }
        Box::new(sinks).finish()?;
    }
    Ok(())
}
