//! SUBSCRIBE and UNSUBSCRIBE packets that wait for the owner.

use crate::{PacketId, PacketType, Token, link::About};

/// At most [`Questions::MOST`]; beyond that decoding pauses.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: Vec<Question>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    token: Token,
    pub(super) packet_id: PacketId,
    pub(super) packet_type: PacketType,
    /// How many Reason Codes the acknowledgement has.
    pub(super) filters: usize,
}

impl Questions {
    /// How many may be open at once.
    pub(super) const MOST: usize = 16;

    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= Self::MOST
    }

    pub(super) fn ask(&mut self, serial: u64, packet_id: PacketId, packet_type: PacketType, filters: usize) -> Token {
        let token = About::Question.token(serial);
        self.open.push(Question { token, packet_id, packet_type, filters });
        token
    }

    pub(super) fn take(&mut self, token: Token, packet_type: PacketType) -> Option<Question> {
        let matches = |question: &Question| question.token == token && question.packet_type == packet_type;
        let index = self.open.iter().position(matches)?;
        Some(self.open.swap_remove(index))
    }
}
