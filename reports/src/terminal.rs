//! The terminal: progress on standard error while the run lasts, the verdict on standard output when it ends.

mod style;
mod suite;
mod verdict;

use crate::figures::{count, latency, often, rate, span};
use crate::headline::planned;
use crate::observation::{Event, EventKind, Observation, Preflight, RunStarted, Window};
use crate::sink::Sink;
use crate::summary::Summary;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;
use style::Style;

pub use suite::SuiteTerminal;
pub(crate) use verdict::wrap;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A bar that moves, for a terminal.
    Bar,
    /// A line every five seconds, for logs.
    Lines,
    /// Nothing.
    Quiet,
}

/// Time between two lines of [`Progress::Lines`].
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows a run to whoever started it.
pub struct Terminal {
    out: Box<dyn Write + Send>,
    log: Box<dyn Write + Send>,
    style: Style,
    bar: Option<ProgressBar>,
    lines: bool,
    next_line: Duration,
    report: Option<PathBuf>,
    /// Whether a report that is not there at the end goes unnamed: its own sink may have failed.
    looks_for_report: bool,
    summary: Summary,
}

impl Terminal {
    /// On this process's standard streams: a bar when standard error is a terminal, lines otherwise; colour when standard
    /// output is a terminal and `NO_COLOR` is not set. `report` is named at the end if it is there then.
    pub fn stdio(report: Option<PathBuf>) -> Self {
        let progress = if io::stderr().is_terminal() { Progress::Bar } else { Progress::Lines };
        let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let plain = Self::new(Box::new(io::stdout()), Box::new(io::stderr()), progress, colour, report);
        Self { looks_for_report: true, ..plain }
    }

    /// On any two writers: the verdict to `out`, progress lines to `log` (a bar always goes to standard error).
    pub fn new(
        out: Box<dyn Write + Send>,
        log: Box<dyn Write + Send>,
        progress: Progress,
        colour: bool,
        report: Option<PathBuf>,
    ) -> Self {
        Self {
            out,
            log,
            style: Style { colour },
            bar: (progress == Progress::Bar)
                .then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5))),
            lines: progress == Progress::Lines,
            next_line: Duration::ZERO,
            report,
            looks_for_report: false,
            summary: Summary::new(),
        }
    }

    /// Prints the verdict on a run that is over to standard output, as the run itself would have.
    ///
    /// # Errors
    /// When standard output can no longer be written.
    pub fn conclude(summary: Summary, report: Option<PathBuf>) -> io::Result<()> {
        let quiet = Self { bar: None, lines: false, ..Self::stdio(report) };
        Box::new(Self { summary, ..quiet }).finish()
    }

    fn started(&mut self, run: &RunStarted) -> io::Result<()> {
        let connections: u64 = run.groups.iter().map(|group| group.count).sum();
        let share = run.segment().map_or_else(String::new, |segment| format!(", segment {segment},"));
        let plan = format!(
            "{}{share} against {}: {} connections, {}, seed {}",
            run.scenario.name,
            run.target.address,
            count(connections),
            span(planned(&self.summary)),
            run.seed
        );
        self.say(&plan)?;
        let wanting: Vec<&Preflight> = run.preflight.iter().filter(|check| check.ok == Some(false)).collect();
        match wanting[..] {
            [] => {}
            [one] => self.say(&format!("note: {} is {}, wanted {}", one.name, one.observed, one.wanted))?,
            _ => self.say(&format!(
                "note: {} of {} settings of this machine are not as wanted; see the report",
                wanting.len(),
                run.preflight.len()
            ))?,
        }
        if let Some(bar) = &self.bar {
            let milliseconds = u64::try_from(planned(&self.summary).as_millis()).unwrap_or(u64::MAX);
            let style = ProgressStyle::with_template("{bar:12.dim} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
            bar.set_length(milliseconds);
        }
        Ok(())
    }

    fn window(&mut self, window: &Window) -> io::Result<()> {
        let end = window.at.saturating_add(window.length);
        if let Some(bar) = &self.bar {
            bar.set_position(u64::try_from(end.as_millis()).unwrap_or(u64::MAX));
            bar.set_message(progress(window));
        } else if self.lines && end >= self.next_line {
            self.next_line = end.saturating_add(LINE_EVERY);
            let line = progress(window);
            self.say(&line)?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        let at = span(event.at);
        match event.event {
            EventKind::Warning => self.say(&format!("{at}: warning: {}", visible(&event.text))),
            EventKind::Injected => self.say(&format!("{at}: {}{}", visible(&event.text), often(event.count))),
            EventKind::ConnectionLost
            | EventKind::ConnectionRefused
            | EventKind::Reconnected
            | EventKind::SessionLost => Ok(()),
        }
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if self.lines => writeln!(self.log, "{line}")?,
            None => {}
        }
        Ok(())
    }
}

impl Sink for Terminal {
    fn record(&mut self, observation: &Observation) -> io::Result<()> {
        self.summary.apply(observation);
        match observation {
            Observation::RunStarted(run) => self.started(run),
            Observation::Window(window) => self.window(window),
            Observation::Event(event) => self.event(event),
            _ => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let report = self.report.as_deref().filter(|report| !self.looks_for_report || report.is_file());
        let text = verdict::block(&self.summary, self.style, report);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

fn progress(window: &Window) -> String {
    let seconds = window.length.as_secs_f64().max(1e-9);
    let per_second = |n: u64| rate((n as f64 / seconds).round());
    let stage = if window.stage.is_empty() { "–" } else { &window.stage };
    let total = &window.total;
    format!(
        "{} {}: {} sent, {} received of {}/s, p99 {}, {} conns",
        span(Duration::from_secs((window.at + window.length).as_secs_f64().round() as u64)),
        visible(stage),
        per_second(total.sent),
        per_second(total.received),
        per_second(total.intended),
        if window.e2e.count > 0 { latency(window.e2e.p99) } else { "–".to_owned() },
        count(window.connections)
    )
}

/// Text from elsewhere, without characters that could steer a terminal or turn what follows them around.
pub(crate) fn visible(text: &str) -> String {
    let turns =
        |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn text_from_elsewhere_steers_nothing() {
        assert_eq!(
            visible("\u{1b}[31mbarn\u{202e}\n\u{2067}Kuh\u{9b}"),
            "\u{fffd}[31mbarn\u{fffd}\u{fffd}\u{fffd}Kuh\u{fffd}"
        );
        assert_eq!(visible("Kälber 1–2"), "Kälber 1–2");
    }
}
