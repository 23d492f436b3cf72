//! `paddock report merge`: the segments of a run as one run.

use std::{fs, io, path::Path, process::ExitCode};

use reports::{
    Output, Progress, Reader, RunFolder, Sink, Terminal,
    merge::Part,
    run_folder::{FolderError, file},
};

use crate::{cli, command::say, exit::Failure};

/// Joins the folders; the joint verdict is in the exit code, the terminal and the new folder.
pub(crate) fn run(options: &cli::Merge) -> Result<ExitCode, Failure> {
    let parts = options.runs.iter().map(|run| part(run)).collect::<Result<_, _>>()?;
    let folder = RunFolder::at(&options.out).map_err(|error: FolderError| Failure::usage(error))?;
    let files = reports::outputs::open(&folder, &Output::ALL).map_err(|error| unwritable(&folder, &error))?;
    let report = folder.path().join(Output::Html.file_name());
    let terminal = Terminal::new(Box::new(io::stdout()), Box::new(io::stderr()), Progress::Quiet, false, Some(report));
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(files), Box::new(terminal)];
    let (outcome, clocks) = loadgen::merge::merge(parts, sinks).map_err(|error| {
        discard(folder.path());
        Failure::usage(error)
    })?;
    if let Some(unwritten) = &outcome.unwritten {
        return Err(Failure::usage(format!("{unwritten}; the run folder is {}", folder.path().display())));
    }
    say(clocks)?;
    Ok(outcome.exit.code().into())
}

fn part(run: &Path) -> Result<Part<Reader<io::BufReader<fs::File>>>, Failure> {
    let run = super::folder(run)?;
    let reader = Reader::open(&run.join(file::OBSERVATIONS)).map_err(Failure::usage)?;
    Ok(Part { name: run.display().to_string(), reader })
}

fn unwritable(folder: &RunFolder, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot write to the run folder {}: {error}", folder.path().display()))
}

/// Takes back what was begun of a run that cannot be made, so that the folder can be named again.
fn discard(folder: &Path) {
    for begun in [file::LATENCY, file::WINDOWS, file::OBSERVATIONS] {
        let _stays_then = fs::remove_file(folder.join(begun));
    }
    // Only when nothing else is in it.
    let _may_hold_more = fs::remove_dir(folder);
}
