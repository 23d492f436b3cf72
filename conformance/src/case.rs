//! A case: what must be true, which statements that decides, and how it is found out.

use std::{fmt, pin::Pin};

use wire::{Draft, Draftable, Raw, Version};

use crate::{Bench, Capability, CaseResult, Mark, Mutant, Outcome, Statement};

/// One case of the suite. Cases are constants in the tables of [`crate::cases`], a file for each family of sections.
///
/// A case runs once for each version that it decides statements, or rules without a number, in.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name for ever: the family and a fact, `publish.qos_3_is_malformed`.
    pub id: &'static str,
    /// What must be true, in one sentence without a full stop.
    pub title: &'static str,
    /// The statements that it decides. A finding that names no other is about the first of the version that is spoken.
    pub decides: &'static [Mark],
    /// Rules without a number that it decides, by where they stand: `section 4.9`, `RFC 6455, 5.5.2`. In a version where it
    /// decides no statement a finding that names none is about these. Default none.
    pub unnumbered: &'static [Mark],
    /// What a target must offer, or be known to lack; elsewhere the case is not applicable. Default nothing.
    pub needs: &'static [Capability],
    /// Words to select it by. Default none.
    pub tags: &'static [&'static str],
    /// What must make it fail; at least one.
    pub mutants: &'static [Mutant],
    /// How it is found out.
    pub script: Script,
}

/// How a case finds out.
#[derive(Clone, Copy)]
pub enum Script {
    /// One packet decides: what is sent, and which outcomes the standard allows.
    Row(After, fn(&Bench) -> Draft, &'static [Outcome]),
    /// A conversation decides. Written as `run!(function)`.
    Conversation(Conversation),
}

/// When the packet of a row is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It is the first packet of its connection.
    Opening,
    /// After a CONNECT was accepted.
    Connecting,
}

/// A conversation as a function pointer, so that it fits in a constant.
pub type Conversation = for<'a> fn(&'a mut Bench) -> Pin<Box<dyn Future<Output = CaseResult> + Send + 'a>>;

/// Makes a [`Script`] of an `async fn(&mut Bench) -> CaseResult`.
#[macro_export]
macro_rules! run {
    ($function:path) => {
        $crate::Script::Conversation(|bench| Box::pin($function(bench)))
    };
}

impl Case {
    /// What a case is that says nothing else: for `..Case::PLAIN`.
    pub const PLAIN: Self = Self {
        id: "",
        title: "",
        decides: &[],
        unnumbered: &[],
        needs: &[],
        tags: &[],
        mutants: &[],
        script: Script::Row(After::Opening, |bench| Raw(Vec::new()).into_draft(bench.version()), &[]),
    };

    /// A case of one packet.
    pub const fn row(
        id: &'static str,
        title: &'static str,
        decides: &'static [Mark],
        after: After,
        packet: fn(&Bench) -> Draft,
        outcomes: &'static [Outcome],
        mutants: &'static [Mutant],
    ) -> Self {
        Self { id, title, decides, mutants, script: Script::Row(after, packet, outcomes), ..Self::PLAIN }
    }

    /// The part of its id before the dot: `publish`.
    pub fn family(&self) -> &'static str {
        self.id.split('.').next().unwrap_or_default()
    }

    /// The versions that it decides something in, 3.1.1 first.
    pub fn versions(&self) -> impl Iterator<Item = Version> {
        let decides =
            |version: &Version| self.numbers(*version).next().is_some() || self.rules(*version).next().is_some();
        [Version::V3_1_1, Version::V5].into_iter().filter(decides)
    }

    /// The numbers of the statements of `version` that it decides, in its order.
    pub fn numbers(&self, version: Version) -> impl Iterator<Item = &'static str> {
        self.decides.iter().filter_map(move |mark| mark.in_version(version))
    }

    /// Where the rules without a number stand that it decides in `version`.
    pub fn rules(&self, version: Version) -> impl Iterator<Item = &'static str> {
        self.unnumbered.iter().filter_map(move |mark| mark.in_version(version))
    }

    /// The statements of `version` that it decides; a mark that names none is left out, and a test finds it.
    pub fn statements(&self, version: Version) -> impl Iterator<Item = &'static Statement> {
        self.numbers(version).filter_map(move |number| Statement::find(version, number))
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(after, _, outcomes) => f.debug_tuple("Row").field(after).field(outcomes).finish_non_exhaustive(),
            Self::Conversation(_) => f.write_str("Conversation"),
        }
    }
}
