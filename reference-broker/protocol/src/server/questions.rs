//! SUBSCRIBE and UNSUBSCRIBE packets that wait for the owner.

use crate::{PacketId, PacketType, Token, link::About};

/// At most [`Questions::MOST`]; beyond that decoding pauses.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: Vec<(Token, Question)>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Question {
    /// What the acknowledgement repeats (MQTT-2.2.1-6; MQTT-3.8.4-2, MQTT-3.10.4-5 in both; MQTT-2.3.1-7 in 3.1.1).
    pub(super) packet_id: PacketId,
    pub(super) packet_type: PacketType,
    /// How many Reason Codes the owner gives.
    pub(super) filters: usize,
    /// Where the acknowledgement has failures that the owner was not asked about, ascending.
    pub(super) refused: Vec<usize>,
}

impl Questions {
    /// How many may be open at once.
    pub(super) const MOST: usize = 16;

    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= Self::MOST
    }

    pub(super) fn holds(&self, packet_id: PacketId) -> bool {
        self.open.iter().any(|(_, question)| question.packet_id == packet_id)
    }

    pub(super) fn ask(&mut self, serial: u64, question: Question) -> Token {
        let token = About::Question.token(serial);
        self.open.push((token, question));
        token
    }

    pub(super) fn take(&mut self, token: Token, packet_type: PacketType) -> Option<Question> {
        let matches = |(of, question): &(Token, Question)| *of == token && question.packet_type == packet_type;
        let index = self.open.iter().position(matches)?;
        Some(self.open.swap_remove(index).1)
    }
}
