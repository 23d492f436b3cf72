//! Colour, where there is any. Nothing is said by colour alone.

use crate::headline::Word;

#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) colour: bool,
}

impl Style {
    pub(super) fn word(self, word: Word) -> String {
        let code = match word {
            Word::Pass => "1;32",
            Word::Fail | Word::Error => "1;31",
            Word::Invalid | Word::Inconclusive | Word::Interrupted | Word::Running => "1;33",
        };
        self.paint(code, word.text())
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.paint("31", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
