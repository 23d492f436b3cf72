//! Writes every page that there is, of runs, comparisons and searches that never happened, for looking at them:
//! `cargo run -p reports --example gallery -- DIR`.

#[path = "../tests/specimen/mod.rs"]
mod specimen;

#[path = "../tests/specimen/capacity.rs"]
mod capacity;

#[path = "../tests/comparison/specimen.rs"]
mod comparison;

use reports::{Output, Progress, RunFolder, Sink, Terminal, capacity_html, comparison_html, outputs};
use std::error::Error;
use std::fs;
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
    for (name, comparison) in comparison::all() {
        fs::write(base.join(format!("comparison-{name}.html")), comparison_html(&comparison)?)?;
    }
    let searches = [
        ("confirmed", capacity::confirmed()),
        ("generator-limited", capacity::generator_limited()),
        ("none", capacity::none()),
        ("unfinished", capacity::unfinished()),
    ];
    for (name, capacity) in searches {
        fs::write(base.join(format!("capacity-{name}.html")), capacity_html(&capacity)?)?;
    }
    Ok(())
}
