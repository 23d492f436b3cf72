//! Rules for every connection of a proxy.

use std::{fmt, sync::Arc};

use crate::{Actions, Clause, Newcomer, Rule, Seen, Time};

/// What a proxy does: makes the rules of each connection that comes. A clone makes the same.
///
/// ```
/// use faults::{Rules, client, keep_open, server};
/// use wire::Kind;
///
/// let nothing = Rules::none();
/// let one: Rules = server(Kind::Puback).nth(1).drop().into();
/// let several = client(Kind::Disconnect).drop().and(keep_open());
/// ```
#[derive(Clone, Default)]
pub struct Rules(Vec<Maker>);

type Maker = Arc<dyn Fn(&Newcomer<'_>) -> Box<dyn Rule> + Send + Sync>;

impl Rules {
    /// Everything passes.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One rule per connection, made by `maker`, which also knows what the connections share.
    ///
    /// ```
    /// use faults::{Actions, Rules, Seen, Time};
    ///
    /// // Every third connection is refused.
    /// let rules = Rules::new(|newcomer| {
    ///     let refused = newcomer.number() % 3 == 0;
    ///     move |_now: Time, seen: Seen<'_>, actions: &mut Actions<'_>| {
    ///         if refused && matches!(seen, Seen::Open) {
    ///             actions.sever(faults::Manner::Reset);
    ///         }
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn new<R: Rule + 'static>(maker: impl Fn(&Newcomer<'_>) -> R + Send + Sync + 'static) -> Self {
        Self(vec![Arc::new(move |newcomer| Box::new(maker(newcomer)))])
    }

    /// These rules, then those: packets pass the first ones first.
    #[must_use]
    pub fn and(mut self, others: impl Into<Self>) -> Self {
        self.0.extend(others.into().0);
        self
    }

    /// How many rules a connection gets.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn make(&self, newcomer: &Newcomer<'_>) -> Vec<Box<dyn Rule>> {
        let makers = self.0.iter().zip(1..);
        // Each rule has dice of its own.
        makers
            .map(|(maker, place)| maker(&Newcomer { seed: newcomer.seed.wrapping_add(place << 32), ..*newcomer }))
            .collect()
    }
}

/// A rule in its rawest form: a closure over what is seen. What it captures is cloned for each connection.
///
/// ```
/// use faults::{Actions, Manner, Rules, Seen, Time, rule};
/// use wire::{Direction::FromServer, Kind};
///
/// // The connection breaks at the tenth PUBLISH that goes to the client.
/// let mut publishes = 0;
/// let rules: Rules = rule(move |_now, seen, actions| {
///     if let Seen::Frame(FromServer, frame) = seen
///         && frame.kind() == Some(Kind::Publish)
///     {
///         publishes += 1;
///         if publishes == 10 {
///             actions.sever(Manner::Reset);
///         }
///     }
/// });
/// ```
#[must_use]
pub fn rule<F>(rule: F) -> Rules
where
    F: FnMut(Time, Seen<'_>, &mut Actions<'_>) + Clone + Send + Sync + 'static,
{
    Rules::new(move |_| rule.clone())
}

impl From<Clause> for Rules {
    fn from(clause: Clause) -> Self {
        Self::new(move |newcomer| clause.stand(newcomer))
    }
}

impl<const N: usize> From<[Clause; N]> for Rules {
    fn from(clauses: [Clause; N]) -> Self {
        clauses.into_iter().fold(Self::none(), Self::and)
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rules({})", self.len())
    }
}
