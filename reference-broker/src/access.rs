//! Who a client is and what it may do: the one place that authentication and authorization plug into.
//!
//! ```text
//!   CONNECT, AUTH ──▶ Authenticate ──▶ Identity ─┐
//!                                                ▼
//!   PUBLISH, Will, SUBSCRIBE, delivery ───▶ Authorize ──▶ allowed, or a Reason Code
//! ```
//!
//! Both answer with a [`Decision`]: at once, or by a future. The worker hands futures to its driver; while one of them
//! runs, the connection that waits for it is not read, so that its packets keep their order, and all others go on.
//! Whatever cannot be decided (an error, a panic, an answer later than [`Access::deadline`], too many open questions) is
//! refused.

mod cache;
mod rules;
mod scram;
mod users;

use std::{fmt, future::Future, net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
pub(crate) use cache::{Cache, Key};
use protocol::{PacketType, QoS, ReasonCode, TopicFilter, TopicName, Utf8String};
pub use rules::{Deed, Effect, Groups, Pattern, PatternError, Rule, Rules, Topics, Who};
pub use scram::{CredentialError, ScramCredential};
pub use users::{Credentials, HashError, PasswordHash, Users, UsersConfig};

use crate::Origin;

/// An answer, now or later.
pub enum Decision<T> {
    /// Known at once.
    Now(T),
    /// The answer of a future. It runs on the runtime of a worker, so it must not block; what computes for long goes to
    /// `tokio::task::spawn_blocking`. It is dropped when nobody waits for it any more.
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> Decision<T> {
    /// The answer of `future`.
    pub fn later(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl<T: fmt::Debug> fmt::Debug for Decision<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(answer) => f.debug_tuple("Now").field(answer).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// Why something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was decided: no, and this is the Reason Code. What the packet that answers cannot carry becomes Not authorized.
    Denied(ReasonCode),
    /// It could not be decided. A CONNECT hears Server unavailable, anything else Not authorized; nobody remembers it.
    Failed,
}

impl Refusal {
    /// The Reason Code in `packet`.
    pub(crate) fn reason(self, packet: PacketType) -> ReasonCode {
        match self {
            Self::Denied(reason) if reason.is_failure() && reason.allowed_in(packet) => reason,
            Self::Failed if packet == PacketType::ConnAck => ReasonCode::ServerUnavailable,
            Self::Denied(_) | Self::Failed => ReasonCode::NotAuthorized,
        }
    }
}

/// Allowed, or why not.
pub type Verdict = Result<(), Refusal>;

/// Who a connection belongs to, once its CONNECT was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The Client Identifier, assigned if the client sent none.
    pub client_id: Utf8String,
    /// The name that was proved to whoever authenticates: by password, certificate or enhanced authentication. `None` is
    /// anonymous.
    pub user: Option<Utf8String>,
    /// The Common Name of its certificate, whether or not it is the user name.
    pub certificate: Option<Box<str>>,
    /// Where it connects from.
    pub address: Option<IpAddr>,
}

impl Identity {
    /// The bytes of its names.
    pub(crate) fn weight(&self) -> usize {
        let user = self.user.as_ref().map_or(0, |user| user.as_str().len());
        self.client_id.as_str().len() + user + self.certificate.as_ref().map_or(0, |name| name.len())
    }
}

/// A CONNECT that asks to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The Client Identifier, assigned if the client sent none.
    pub client_id: &'a Utf8String,
    /// User Name, as claimed.
    pub user_name: Option<&'a Utf8String>,
    /// Password.
    pub password: Option<&'a Bytes>,
    /// The listener and the peer of the connection.
    pub origin: &'a Origin,
}

impl Attempt<'_> {
    /// The identity of this client once it has proved to be `user`.
    pub fn identity(&self, user: Option<&Utf8String>) -> Identity {
        let certificate = self.origin.peer.certificate.as_ref();
        Identity {
            client_id: self.client_id.clone(),
            user: user.map(Utf8String::detached),
            certificate: certificate.and_then(|certificate| certificate.common_name.clone()),
            address: self.origin.peer.address.map(|address| address.ip()),
        }
    }
}

/// Decides who may connect. Asked once per CONNECT, before any session is touched.
pub trait Authenticate: fmt::Debug + Send + Sync {
    /// Whether this CONNECT, which names no Authentication Method, is let in, and as whom.
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>>;

    /// Begins an enhanced authentication (4.12), for a CONNECT that names `method` or to authenticate again. `None` when
    /// the method is not offered: Bad authentication method.
    fn begin(&self, method: &str, attempt: &Attempt<'_>) -> Option<Box<dyn Exchange>> {
        let _ = (method, attempt);
        None
    }

    /// Whether a session belongs to the user who began it: nobody else may take it over or end it by its Client Identifier
    /// (Not authorized). Read once. Default false: whoever knows the identifier may.
    fn sessions_are_personal(&self) -> bool {
        false
    }

    /// Whether a client that was let in earlier, by other settings perhaps, may stay. Asked when settings change.
    fn still_admits(&self, identity: &Identity, origin: &Origin) -> bool {
        let _ = (identity, origin);
        true
    }
}

/// One enhanced authentication under way. It is consumed by each step, so that a step that takes time can own it.
pub trait Exchange: fmt::Debug + Send {
    /// What follows from the Authentication Data of CONNECT or AUTH (empty when there is none).
    fn step(self: Box<Self>, data: Bytes) -> Decision<Progress>;
}

/// What follows from one step of an enhanced authentication.
#[derive(Debug)]
pub enum Progress {
    /// The client must say more.
    Challenge {
        /// Authentication Data of the AUTH that asks for it.
        data: Bytes,
        /// Takes the answer.
        next: Box<dyn Exchange>,
    },
    /// The client is who it says.
    Done {
        /// Who that is.
        identity: Identity,
        /// Authentication Data of the CONNACK, or of the AUTH that ends a re-authentication.
        data: Option<Bytes>,
    },
    /// It is not.
    Refused(Refusal),
}

/// What a client wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// To publish, or (when it connects, and again when it is published) to have a Will on `topic`.
    Publish {
        /// Where.
        topic: &'a TopicName,
        /// How.
        qos: QoS,
        /// Whether it is to be retained.
        retain: bool,
        /// Whether it is a Will.
        will: bool,
    },
    /// To subscribe.
    Subscribe {
        /// To what; for a shared subscription [`TopicFilter::filter`] is what messages must match.
        filter: &'a TopicFilter,
        /// The highest QoS that it may be granted.
        qos: QoS,
    },
    /// To get a message that one of its subscriptions matches.
    Receive {
        /// The topic of the message.
        topic: &'a TopicName,
    },
}

/// Decides what clients may do. Each method is called before anything changes.
pub trait Authorize: fmt::Debug + Send + Sync {
    /// Whether there is anything to ask about publications; `false` spares the publish path the call. Read once.
    fn checks_publish(&self) -> bool {
        true
    }

    /// Whether there is anything to ask about subscriptions. Read once.
    fn checks_subscribe(&self) -> bool {
        true
    }

    /// Whether there is anything to ask when a message is delivered; `false` spares each delivery the call. Read once.
    fn checks_receive(&self) -> bool {
        false
    }

    /// Whether `who` may do it. Answers (but no failures) are remembered for [`Access::remember`].
    ///
    /// To receive is asked for each delivery and has to be answered at once to let that delivery through: a message cannot
    /// wait without holding up others. An answer that comes later counts for the messages after it.
    fn authorize(&self, who: &Arc<Identity>, action: Action<'_>) -> Decision<Verdict>;
}

/// Who decides, and how long that may take.
#[derive(Clone, Debug)]
pub struct Access {
    /// Decides who may connect. Default: everybody, and everybody is believed.
    pub authenticate: Arc<dyn Authenticate>,
    /// Decides what they may do. Default: everything.
    pub authorize: Arc<dyn Authorize>,
    /// How long an answer may take. Whoever waits longer is refused. Default 5 s.
    pub deadline: Duration,
    /// Open questions of all workers together, at least 1 for each; each connection has one at most. Whoever would need
    /// one more is refused. Default 10,000.
    pub open_questions: usize,
    /// Decisions of [`Authorize`] that each worker remembers; 0 turns that off. Default 10,000 (some 2 MiB).
    pub remembered: usize,
    /// How long a decision is remembered. Default 60 s.
    pub remember: Duration,
}

impl Default for Access {
    fn default() -> Self {
        Self::new(Arc::new(AllowAll), Arc::new(AllowAll))
    }
}

impl Access {
    /// These two, with default bounds.
    pub fn new(authenticate: Arc<dyn Authenticate>, authorize: Arc<dyn Authorize>) -> Self {
        Self {
            authenticate,
            authorize,
            deadline: Duration::from_secs(5),
            open_questions: 10_000,
            remembered: 10_000,
            remember: Duration::from_secs(60),
        }
    }
}

/// Everybody may do everything, and is believed to be who the User Name says.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Authenticate for AllowAll {
    fn connect(&self, attempt: &Attempt<'_>) -> Decision<Result<Identity, Refusal>> {
        Decision::Now(Ok(attempt.identity(attempt.user_name)))
    }
}

impl Authorize for AllowAll {
    fn checks_publish(&self) -> bool {
        false
    }

    fn checks_subscribe(&self) -> bool {
        false
    }

    fn authorize(&self, _: &Arc<Identity>, _: Action<'_>) -> Decision<Verdict> {
        Decision::Now(Ok(()))
    }
}
