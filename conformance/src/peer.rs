//! One client of a case: a connection, what came on it, and the verbs of the cases.
//!
//! * here: opening, sending, ending, set-up.
//! * `hear`: what comes, through the strict parser.
//! * `expect`: verbs that await one packet and judge it.
//! * `endings`: verbs that await the end of the connection, or one of several outcomes.

mod endings;
mod expect;
mod hear;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use reports::observation::LineKind;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use transport::Stream;
use wire::{Ack, Connack, Disconnect, Draftable, Frames, Packet, Publish, Subscribe, Unsubscribe, Version};

use self::hear::Heard;
pub(crate) use self::hear::malformed;
use crate::{CaseResult, Judge, Stop, desk::Desk, outcome::Ending, patience::Patience};

/// One client of a case.
#[derive(Debug)]
pub struct Peer {
    /// The CONNACK that accepted it, once one has.
    pub connack: Option<Connack>,
    name: String,
    desk: Desk,
    stream: Option<Stream>,
    frames: Frames,
    /// What came and no verb has taken yet.
    inbox: VecDeque<Heard>,
    ending: Option<Ending>,
    /// The DISCONNECT of the target: nothing may follow it.
    dismissed: bool,
    /// What is expected, while only the end of the connection is.
    to_end: Option<String>,
    /// Whether anything has come at all.
    greeted: bool,
    /// Whether a CONNACK has come.
    answered: bool,
    aliases: HashMap<u16, String>,
    /// Whether publications to topics that begin with `$` are not passed over.
    heeds_dollar_topics: bool,
    next_id: u16,
    spoke: Instant,
}

impl Peer {
    pub(crate) fn new(name: &str, stream: Stream, desk: Desk) -> Self {
        Self {
            connack: None,
            name: name.to_owned(),
            desk,
            stream: Some(stream),
            frames: Frames::up_to(LONGEST),
            inbox: VecDeque::new(),
            ending: None,
            dismissed: false,
            to_end: None,
            greeted: false,
            answered: false,
            aliases: HashMap::new(),
            heeds_dollar_topics: false,
            next_id: 50_000,
            spoke: Instant::now(),
        }
    }

    /// The version that it speaks.
    pub fn version(&self) -> Version {
        self.desk.version
    }

    /// From here on publications to topics that begin with `$` are not passed over, whoever they are from.
    pub fn heed_dollar_topics(&mut self) {
        self.heeds_dollar_topics = true;
    }

    fn is_v5(&self) -> bool {
        self.desk.version == Version::V5
    }

    /// A Packet Identifier that no set-up verb uses: cases choose theirs below 50,000.
    fn fresh_id(&mut self) -> u16 {
        self.next_id += 1;
        self.next_id
    }
}

/// The largest packet that a peer takes, in bytes.
const LONGEST: usize = 4 << 20;

/// Sending.
impl Peer {
    /// Sends a packet, a draft with lies in it, or raw bytes.
    ///
    /// A target that has closed already makes this no failure: the next verb hears it.
    ///
    /// # Errors
    ///
    /// An error when the draft was asked for something impossible; inconclusive when the target does not take the bytes in
    /// time.
    pub async fn send(&mut self, what: impl Draftable) -> CaseResult {
        let draft = what.into_draft(self.version());
        if let Some(misuse) = draft.misuse() {
            return Err(Stop::Error(misuse.to_owned()));
        }
        self.send_bytes(&draft.encode()).await
    }

    /// Sends several packets in one write.
    ///
    /// # Errors
    ///
    /// As [`Peer::send`].
    pub async fn send_together(&mut self, packets: impl IntoIterator<Item = Vec<u8>>) -> CaseResult {
        let packets: Vec<Vec<u8>> = packets.into_iter().collect();
        self.send_bytes(&packets.concat()).await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    ///
    /// As [`Peer::send`].
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> CaseResult {
        self.desk.transcript.packet(&self.name, LineKind::Sent, bytes);
        self.spoke = Instant::now();
        let Some(stream) = &mut self.stream else {
            return Err(Stop::Error(format!("{} sends after it ended its connection", self.name)));
        };
        let written = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        match Patience::of(self.desk.site.patience).wait(written).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                self.desk.transcript.say(&self.name, LineKind::Remark, format!("could not be sent: {error}"));
                Ok(())
            }
            None => Err(Stop::Inconclusive(format!("the target does not read what {} sends", self.name))),
        }
    }
}

/// Ending the connection.
impl Peer {
    /// Says DISCONNECT (normal) and waits until the target has closed too, so that what follows finds the session left.
    ///
    /// # Errors
    ///
    /// As [`Peer::send`].
    pub async fn disconnected(&mut self) -> CaseResult {
        self.disconnected_with(Disconnect::normal()).await
    }

    /// Says this DISCONNECT and waits until the target has closed too.
    ///
    /// # Errors
    ///
    /// As [`Peer::send`].
    pub async fn disconnected_with(&mut self, disconnect: impl Draftable) -> CaseResult {
        self.send(disconnect).await?;
        self.part("ended after DISCONNECT").await
    }

    /// Ends the connection as a failing network does, without DISCONNECT, and waits until the target has seen it.
    ///
    /// # Errors
    ///
    /// An error when it had ended its connection before.
    pub async fn severed(&mut self) -> CaseResult {
        self.part("severed").await
    }

    /// Closes this side and reads to the end, which is how the target shows that it has noticed. What came meanwhile and was
    /// not taken is forgotten.
    async fn part(&mut self, how: &str) -> CaseResult {
        let Some(mut stream) = self.stream.take() else {
            return Err(Stop::Error(format!("{} ends its connection twice", self.name)));
        };
        let mut rest = Vec::new();
        let parting = async {
            stream.shutdown().await?;
            // Bounded by the patience and by what the target's socket holds.
            (&mut stream).take(LONGEST as u64).read_to_end(&mut rest).await
        };
        let gone = Patience::of(self.desk.site.patience).wait(parting).await.is_some();
        let word = if gone { String::new() } else { ", and the target did not close its side".to_owned() };
        self.desk.transcript.say(&self.name, LineKind::Closed, format!("{how}{word}"));
        self.ending = Some(Ending::Own);
        Ok(())
    }
}

/// Set-up: what a case needs before its point.
impl Peer {
    /// Subscribes, and takes the SUBACK, which grants at least `qos`.
    ///
    /// # Errors
    ///
    /// Inconclusive when it does not.
    pub async fn subscribed(&mut self, filter: &str, qos: u8) -> CaseResult {
        let id = self.fresh_id();
        self.send(Subscribe::new(id).filter(filter, qos)).await?;
        let suback = self.expect_suback(id).await.set_up("subscribing")?;
        match suback.reasons.as_slice() {
            [granted] if *granted <= 2 && *granted >= qos => Ok(()),
            other => {
                Err(Stop::Inconclusive(format!("subscribing to {filter} at QoS {qos} was answered by {other:02x?}")))
            }
        }
    }

    /// Unsubscribes, and takes the UNSUBACK.
    ///
    /// # Errors
    ///
    /// Inconclusive when there is none.
    pub async fn unsubscribed(&mut self, filter: &str) -> CaseResult {
        let id = self.fresh_id();
        self.send(Unsubscribe::new(id).filter(filter)).await?;
        self.expect_unsuback(id).await.set_up("unsubscribing").map(|_| ())
    }

    /// Publishes, and goes through with the acknowledgements of its QoS. At QoS 0 it then pings, so that the target has it.
    /// A Packet Identifier is chosen when the message has none.
    ///
    /// # Errors
    ///
    /// Inconclusive when an acknowledgement is missing or says 0x80 or more.
    pub async fn published(&mut self, message: Publish) -> CaseResult {
        let id = match message.packet_identifier {
            Some(id) => id,
            None => self.fresh_id(),
        };
        let qos = message.qos;
        self.send(message.id(id)).await?;
        let done = async {
            match qos {
                0 => self.ping().await,
                1 => self.expect_puback(id).await.map(|_| ()),
                _ => {
                    self.expect_pubrec(id).await?;
                    self.send(Ack::pubrel(id)).await?;
                    self.expect_pubcomp(id).await.map(|_| ())
                }
            }
        };
        done.await.set_up("publishing")
    }

    /// Does the receiver's part for a message that came: nothing at QoS 0, PUBACK at QoS 1, PUBREC and PUBCOMP at QoS 2.
    ///
    /// # Errors
    ///
    /// Inconclusive when the sender's part is missing.
    pub async fn acknowledged(&mut self, message: &Publish) -> CaseResult {
        let Some(id) = message.packet_identifier else { return Ok(()) };
        if message.qos == 1 {
            return self.send(Ack::puback(id)).await;
        }
        self.send(Ack::pubrec(id)).await?;
        self.expect_pubrel(id).await.set_up("receiving at QoS 2")?;
        self.send(Ack::pubcomp(id)).await
    }

    /// How long ago it last sent something.
    pub fn silent_for(&self) -> Duration {
        self.spoke.elapsed()
    }

    /// What came and no verb has taken yet, oldest first.
    pub fn unread(&self) -> impl Iterator<Item = &Packet> {
        self.inbox.iter().map(|heard| &heard.packet)
    }
}
