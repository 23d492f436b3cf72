//! Verbs that await the end of the connection, or one of several outcomes.

use std::time::Duration;

use wire::{Kind, Packet, Version};

use super::{Peer, hear::Heard};
use crate::{
    CaseResult, Finding, Mark, Outcome, Stop,
    outcome::{Ending, codes, either},
    patience::Patience,
};

/// What has happened that can decide between outcomes.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
enum Turn {
    Packet(Heard),
    Ended(Ending),
    Silence,
}

impl Peer {
    /// Awaits one of several outcomes that the standard allows, and gives the one that was seen.
    ///
    /// # Errors
    ///
    /// A breach when something else happens, or nothing does.
    pub async fn expect_one_of(&mut self, outcomes: &[Outcome]) -> CaseResult<Outcome> {
        let mut patience = Patience::of(self.desk.site.patience);
        self.outcome(outcomes, &mut patience).await
    }

    /// Awaits the end of the connection. 5.0 may say DISCONNECT before: see [`Outcome::Closed`].
    ///
    /// # Errors
    ///
    /// A breach when it stays open.
    pub async fn expect_closed(&mut self, reasons: &'static [u8]) -> CaseResult {
        self.expect_one_of(&[Outcome::Closed(reasons)]).await.map(|_| ())
    }

    /// Awaits DISCONNECT with one of these reasons and the end of the connection; in 3.1.1 only the end: see
    /// [`Outcome::Disconnected`].
    ///
    /// # Errors
    ///
    /// A breach when the connection stays open.
    pub async fn expect_disconnected(&mut self, reasons: &'static [u8]) -> CaseResult {
        self.expect_one_of(&[Outcome::Disconnected(reasons)]).await.map(|_| ())
    }

    /// Awaits that a CONNECT is refused: see [`Outcome::Refused`].
    ///
    /// # Errors
    ///
    /// A breach when it is accepted, or the connection stays open.
    pub async fn expect_refused(&mut self, of_5: &'static [u8], of_311: &'static [u8]) -> CaseResult {
        self.expect_one_of(&[Outcome::Refused(of_5, of_311)]).await.map(|_| ())
    }

    /// Awaits the end of the connection between two times after this peer sent its last packet, give or take the tolerance
    /// of the target; how late it is counts from now. Somewhat later is a departure from advice: the standard does not say how soon a server must notice that
    /// a time has passed.
    ///
    /// # Errors
    ///
    /// A breach when it ends too early, or not at all.
    pub async fn expect_closed_between(
        &mut self,
        earliest: Duration,
        latest: Duration,
        reasons: &'static [u8],
    ) -> CaseResult {
        let tolerance = self.desk.site.tolerance;
        let mut patience = Patience::of(latest + tolerance + 2 * self.desk.site.patience);
        self.outcome(&[Outcome::Closed(reasons)], &mut patience).await?;
        let after = self.spoke.elapsed();
        if after + tolerance < earliest {
            let expected = format!("the connection stays open for {earliest:?} at least");
            return Err(Stop::breach(expected, format!("it was closed after {after:?}")));
        }
        // A machine that stood still makes nobody late.
        let after = patience.spent();
        if after > latest + tolerance {
            let expected = format!("the connection is closed after {latest:?}, or {tolerance:?} later");
            self.desk.find(Finding::departure(expected, format!("it was closed after {after:?}")));
        }
        Ok(())
    }

    /// Awaits that the connection stays open for so long; what comes meanwhile stays unread.
    ///
    /// # Errors
    ///
    /// A breach when it ends.
    pub async fn expect_open_for(&mut self, time: Duration) -> CaseResult {
        let mut patience = Patience::of(time);
        while self.hear(&mut patience).await? {
            if self.ending.is_some() || self.dismissed {
                let expected = format!("the connection stays open for {time:?}");
                return Err(Stop::breach(expected, self.what_came_instead(time)));
            }
        }
        Ok(())
    }

    async fn outcome(&mut self, outcomes: &[Outcome], patience: &mut Patience) -> CaseResult<Outcome> {
        let expected = either(outcomes, self.desk.version);
        self.to_end = outcomes.iter().all(|outcome| outcome.ends()).then(|| expected.clone());
        let turn = self.turn(outcomes, patience).await;
        self.to_end = None;
        match turn? {
            Turn::Silence => Err(Stop::breach(expected, self.what_came_instead(patience.spent()))),
            Turn::Ended(ending) => self.ended(outcomes, ending, expected),
            Turn::Packet(Heard { packet: Packet::Connack(connack), line }) => {
                if connack.reason == 0 {
                    self.connack = Some(connack);
                    let accepted = outcomes.iter().copied().find(|outcome| *outcome == Outcome::Accepted);
                    return accepted.ok_or_else(|| Stop::breach(expected, line));
                }
                self.refused(outcomes, connack.reason, line, expected).await
            }
            Turn::Packet(Heard { packet: Packet::Disconnect(disconnect), line }) => {
                self.dismissed_with(outcomes, disconnect.reason, line, expected).await
            }
            Turn::Packet(heard) => self.answered(outcomes, &heard, expected),
        }
    }

    /// The first thing that can decide; other packets stay unread.
    async fn turn(&mut self, outcomes: &[Outcome], patience: &mut Patience) -> CaseResult<Turn> {
        let decides = |kind: Kind| {
            matches!(kind, Kind::Connack | Kind::Disconnect)
                || outcomes.iter().any(|outcome| matches!(outcome, Outcome::Answer(answer, _) if *answer == kind))
        };
        loop {
            if let Some(at) = self.inbox.iter().position(|heard| decides(heard.packet.kind())) {
                return Ok(self.inbox.remove(at).map_or(Turn::Silence, Turn::Packet));
            }
            if let Some(ending) = self.ending {
                return Ok(Turn::Ended(ending));
            }
            if !self.hear(patience).await? && self.ending.is_none() {
                return Ok(Turn::Silence);
            }
        }
    }

    /// The connection ended without a word.
    fn ended(&self, outcomes: &[Outcome], ending: Ending, expected: String) -> CaseResult<Outcome> {
        let silent = outcomes.iter().copied().find(|outcome| match outcome {
            Outcome::Closed(_) | Outcome::Disconnected(_) | Outcome::Refused(..) => true,
            Outcome::RefusedAloud(..) | Outcome::Accepted | Outcome::Answer(..) => false,
        });
        let word = match silent {
            None => return Err(Stop::breach(expected, ending.to_string())),
            Some(Outcome::Refused(of_5, of_3)) if !self.of(of_5, of_3).is_empty() => Some("CONNACK"),
            Some(Outcome::Disconnected(_)) if self.is_v5() => {
                self.desk.find(Finding::departure(expected, ending.to_string()));
                None
            }
            Some(Outcome::Closed(_)) if self.is_v5() && self.connack.is_some() => Some("DISCONNECT"),
            Some(_) => None,
        };
        if let Some(word) = word {
            self.desk.note(format!("{ending} without {word}"));
        }
        silent.ok_or_else(|| Stop::Error("an outcome was lost".into()))
    }

    async fn refused(&mut self, outcomes: &[Outcome], code: u8, line: String, expected: String) -> CaseResult<Outcome> {
        let found = outcomes.iter().copied().find_map(|outcome| match outcome {
            Outcome::Refused(of_5, of_3) => Some((outcome, self.of(of_5, of_3), false)),
            Outcome::RefusedAloud(of_5, of_3) => Some((outcome, self.of(of_5, of_3), true)),
            _ => None,
        });
        let Some((outcome, allowed, exact)) = found.filter(|(_, allowed, _)| !allowed.is_empty()) else {
            // Who refuses aloud what 3.1.1 wants refused in silence has seen what is wrong.
            let finding = Finding::breach(expected, line);
            return Err(Stop::Breach(if found.is_some() { finding.cites(Mark::V311("3.1.4-1")) } else { finding }));
        };
        if !allowed.contains(&code) {
            if exact {
                return Err(Stop::breach(expected, line));
            }
            self.desk.find(Finding::departure(format!("if CONNACK then {}", codes(allowed)), line));
        }
        let mark = Mark::Both(if self.is_v5() { "3.2.2-7" } else { "3.2.2-5" });
        self.expect_end("after a CONNACK that refuses", mark).await?;
        Ok(outcome)
    }

    async fn dismissed_with(
        &mut self,
        outcomes: &[Outcome],
        reason: u8,
        line: String,
        expected: String,
    ) -> CaseResult<Outcome> {
        let found = outcomes.iter().copied().find_map(|outcome| match outcome {
            Outcome::Closed(reasons) | Outcome::Disconnected(reasons) => Some((outcome, reasons)),
            _ => None,
        });
        let Some((outcome, reasons)) = found else {
            return Err(Stop::breach(expected, line));
        };
        if !reasons.is_empty() && !reasons.contains(&reason) {
            self.desk.find(Finding::departure(format!("if DISCONNECT then {}", codes(reasons)), line));
        }
        self.expect_end("after DISCONNECT", Mark::V5("3.14.4-2")).await?;
        Ok(outcome)
    }

    /// The connection ends now, and nothing comes before.
    async fn expect_end(&mut self, when: &str, mark: Mark) -> CaseResult {
        let mut patience = Patience::of(self.desk.site.patience);
        while self.ending.is_none() {
            if !self.hear(&mut patience).await? && self.ending.is_none() {
                let finding =
                    Finding::breach(format!("the connection is closed {when}"), "it stays open").watched(mark);
                return Err(Stop::Breach(finding));
            }
        }
        Ok(())
    }

    fn answered(&self, outcomes: &[Outcome], heard: &Heard, expected: String) -> CaseResult<Outcome> {
        let given = reasons(&heard.packet);
        let fits = |outcome: &Outcome| match outcome {
            Outcome::Answer(kind, reasons) => {
                *kind == heard.packet.kind()
                    && (reasons.is_empty() || given.iter().all(|given| reasons.contains(given)))
            }
            _ => false,
        };
        let seen = outcomes.iter().copied().find(fits).ok_or_else(|| Stop::breach(expected, heard.line.clone()))?;
        if outcomes.len() > 1 {
            self.desk.note(heard.line.clone());
        }
        Ok(seen)
    }

    fn of(&self, of_5: &'static [u8], of_311: &'static [u8]) -> &'static [u8] {
        if self.desk.version == Version::V5 { of_5 } else { of_311 }
    }
}

/// The reason codes of a packet.
fn reasons(packet: &Packet) -> Vec<u8> {
    match packet {
        Packet::Puback(ack) | Packet::Pubrec(ack) | Packet::Pubrel(ack) | Packet::Pubcomp(ack) => vec![ack.reason],
        Packet::Suback(suback) => suback.reasons.clone(),
        Packet::Unsuback(unsuback) => unsuback.reasons.clone(),
        Packet::Auth(auth) => vec![auth.reason],
        _ => Vec::new(),
    }
}
