//! The search: it is told how each trial came out and says what to try next. It runs nothing and reads no clock.
//!
//! ```text
//!   warm-up ─▶ widening ────────────────▶ between ──────────────▶ confirming ──────────▶ sustained
//!   (verdict    doubles while the SLO      halves the gap between   the highest that held,
//!    ignored)   holds, halves until it     what held and what did   several longer trials
//!               does, or nothing is left   not, to the tolerance     │ one fails: step down, a few times
//!                    │                                               ▼
//!                    └──────────────────────────────────────────▶ nothing
//! ```
//!
//! Each trial is a run of its own at one constant figure. There is no control loop, and nothing is measured while a figure
//! rises: both find a rate at which a queue has only not yet overflowed.

use reports::capacity::StepKind;

/// What is searched, and how far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The first figure tried; at least `least`, at most `most`.
    pub start: f64,
    /// No figure below it is tried; above 0.
    pub least: f64,
    /// No figure above it is tried.
    pub most: f64,
    /// The gap between what held and what did not, as a share of what held, at which the search is exact enough: 0.01 to 0.5.
    pub tolerance: f64,
    /// How many longer trials the answer must hold; at least 1.
    pub confirmations: u32,
    /// Whether only whole numbers can be tried.
    pub whole: bool,
}

/// One trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// What to ask of the target.
    pub figure: f64,
    /// What for; a confirmation is longer than the others.
    pub kind: StepKind,
    /// 1, or 2 when the same is tried again.
    pub attempt: u32,
}

/// How a trial came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The target held the SLO.
    Held,
    /// The target broke it.
    Broke,
    /// The generator was the bottleneck.
    Saturated,
    /// Too little is known.
    Undecided,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// Try this and tell.
    Try(Trial),
    /// The search is over.
    Found(Finding),
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finding {
    /// The target held `figure` in every confirmation.
    Sustained {
        /// The figure.
        figure: f64,
        /// The lowest figure that did not hold, and why; absent when the highest allowed figure held.
        above: Option<(f64, Came)>,
    },
    /// Nothing was confirmed.
    Nothing {
        /// The lowest figure that was tried and did not hold.
        lowest: f64,
        /// How it came out.
        came: Came,
        /// Whether a trial held that a confirmation then did not.
        held_once: bool,
    },
}

/// How often a figure that a confirmation broke is followed by a lower one. Each step down is twice the one before it, so that
/// a target that has got slower is followed down to about a third of where it first stood.
const STEPS_DOWN: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    WarmUp,
    Widening(f64),
    Between(f64),
    Confirming { figure: f64, held: u32 },
    Over(Finding),
}

/// A search under way.
#[derive(Clone, Debug)]
pub struct Search {
    settings: Settings,
    state: State,
    attempt: u32,
    held: Option<f64>,
    above: Option<(f64, Came)>,
    stepped_down: u32,
}

impl Search {
    /// Before the first trial.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, state: State::WarmUp, attempt: 1, held: None, above: None, stepped_down: 0 }
    }

    /// What to try next, or what was found.
    #[must_use]
    pub fn next(&self) -> Next {
        let (figure, kind) = match self.state {
            State::WarmUp => (self.settings.start, StepKind::WarmUp),
            State::Widening(figure) => (figure, StepKind::Doubling),
            State::Between(figure) => (figure, StepKind::Bisection),
            State::Confirming { figure, .. } => (figure, StepKind::Confirmation),
            State::Over(finding) => return Next::Found(finding),
        };
        Next::Try(Trial { figure, kind, attempt: self.attempt })
    }

    /// Takes how the trial of [`Search::next`] came out.
    pub fn learn(&mut self, came: Came) {
        let says_nothing = matches!(came, Came::Saturated | Came::Undecided);
        if says_nothing && self.attempt == 1 && self.state != State::WarmUp {
            // A hiccup of the machine; twice in a row it is a bound.
            self.attempt = 2;
            return;
        }
        self.attempt = 1;
        self.state = match self.state {
            State::WarmUp => State::Widening(self.settings.start),
            State::Widening(figure) => self.widened(figure, came),
            State::Between(figure) => {
                self.note(figure, came);
                self.narrow()
            }
            State::Confirming { figure, held } => self.confirmed(figure, held, came),
            over @ State::Over(_) => over,
        };
    }

    fn note(&mut self, figure: f64, came: Came) {
        match came {
            Came::Held => self.held = Some(figure),
            Came::Broke | Came::Saturated | Came::Undecided => self.above = Some((figure, came)),
        }
    }

    fn widened(&mut self, figure: f64, came: Came) -> State {
        self.note(figure, came);
        let Settings { least, most, .. } = self.settings;
        match (self.held, self.above) {
            (Some(_), Some(_)) => self.narrow(),
            (Some(_), None) if figure >= most => State::Confirming { figure, held: 0 },
            (Some(_), None) => State::Widening(self.rounded(figure * 2.0).min(most)),
            (None, _) if figure <= least => State::Over(Finding::Nothing { lowest: figure, came, held_once: false }),
            (None, _) => State::Widening(self.rounded(figure / 2.0).max(least)),
        }
    }

    /// Halves the gap, or confirms when it is small enough.
    fn narrow(&self) -> State {
        let (Some(held), Some((above, _))) = (self.held, self.above) else { unreachable!("a gap has two sides") };
        let middle = self.rounded(held + (above - held) / 2.0);
        let exact = above - held <= held * self.settings.tolerance;
        if exact || middle <= held || middle >= above {
            State::Confirming { figure: held, held: 0 }
        } else {
            State::Between(middle)
        }
    }

    fn confirmed(&mut self, figure: f64, held: u32, came: Came) -> State {
        if came == Came::Held {
            return match held + 1 {
                all if all >= self.settings.confirmations => {
                    State::Over(Finding::Sustained { figure, above: self.above })
                }
                held => State::Confirming { figure, held },
            };
        }
        self.above = Some((figure, came));
        let share = self.settings.tolerance * f64::from(1 << self.stepped_down);
        self.stepped_down += 1;
        let mut lower = self.rounded(figure * (1.0 - share.min(0.5)));
        if lower >= figure {
            lower = figure - 1.0;
        }
        if self.stepped_down > STEPS_DOWN || lower < self.settings.least {
            State::Over(Finding::Nothing { lowest: figure, came, held_once: true })
        } else {
            State::Confirming { figure: lower, held: 0 }
        }
    }

    /// To three significant digits, and to a whole number where there is nothing between.
    fn rounded(&self, figure: f64) -> f64 {
        let unit = 10_f64.powi(figure.log10().floor() as i32 - 2);
        let unit = if self.settings.whole { unit.max(1.0) } else { unit };
        // Dividing by the inverse of a power below 1 keeps the digits clean.
        if unit < 1.0 { (figure / unit).round() / (1.0 / unit).round() } else { (figure / unit).round() * unit }
    }
}

#[cfg(test)]
mod tests;
