//! Topic rules: an ordered list, of which the first that matches decides.

mod pattern;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use pattern::{Pattern, PatternError};
use protocol::{QoS, ReasonCode};

use super::{Action, Authorize, Decision, Identity, Refusal, Verdict};

/// What a rule does to what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Lets it pass.
    Allow,
    /// Refuses it: Not authorized.
    Deny,
}

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Clients without a proved user name.
    Anonymous,
    /// Clients with this proved user name.
    User(Box<str>),
    /// Clients with this Client Identifier. Whoever may connect may claim one: prefer users.
    Client(Box<str>),
    /// Clients with the proved user name of a member.
    Group(Box<str>),
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// To publish, Wills included.
    Publish,
    /// To subscribe.
    Subscribe,
    /// To get messages that a subscription matches. As soon as one rule says so, each delivery is checked, and what no rule
    /// for this or for everything allows falls to the default.
    Receive,
    /// All of it.
    All,
}

/// Where a rule applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topics {
    /// Everywhere.
    All,
    /// On topics and filters that match: an allowing rule must cover the whole of a filter that is subscribed to, a denying
    /// one matches when it shares a topic with it.
    Matching(Pattern),
    /// On this topic or filter, character by character: `#` then means a subscription to `#` and nothing else.
    Exactly(Box<str>),
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it does.
    pub effect: Effect,
    /// To whom: to those for whom all of this holds, so without any of it to everybody.
    pub who: Vec<Who>,
    /// Doing what.
    pub deed: Deed,
    /// Where.
    pub topics: Topics,
    /// At which QoS (of a publication, or asked for by a subscription; nothing else has one); `None` is any.
    pub qos: Option<Vec<QoS>>,
    /// With or without RETAIN; only publications have that. `None` is either.
    pub retain: Option<bool>,
}

/// Names of groups and of the users in each.
pub type Groups = BTreeMap<Box<str>, BTreeSet<Box<str>>>;

/// An ordered list of rules, compiled.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    groups: Groups,
    default: Effect,
    receives: bool,
}

impl Rules {
    /// `rules` in their order; `default` decides what none of them matches. A group that `groups` does not name is empty.
    pub fn new(rules: Vec<Rule>, groups: Groups, default: Effect) -> Self {
        let receives = rules.iter().any(|rule| rule.deed == Deed::Receive);
        Self { rules, groups, default, receives }
    }

    fn effect(&self, who: &Identity, action: Action<'_>) -> Effect {
        let found = self.rules.iter().find(|rule| self.is_about(rule, who) && rule.matches(who, action));
        found.map_or(self.default, |rule| rule.effect)
    }

    fn is_about(&self, rule: &Rule, who: &Identity) -> bool {
        rule.who.iter().all(|wanted| match wanted {
            Who::Anonymous => who.user.is_none(),
            Who::User(name) => who.user.as_deref() == Some(name),
            Who::Client(id) => *who.client_id == **id,
            Who::Group(group) => {
                let members = self.groups.get(group);
                who.user.as_deref().is_some_and(|user| members.is_some_and(|members| members.contains(user)))
            }
        })
    }
}

impl Rule {
    fn matches(&self, who: &Identity, action: Action<'_>) -> bool {
        let (deed, text, qos, retain) = match action {
            Action::Publish { topic, qos, retain, will: _ } => (Deed::Publish, topic.as_str(), Some(qos), Some(retain)),
            Action::Subscribe { filter, qos } => (Deed::Subscribe, filter.filter(), Some(qos), None),
            Action::Receive { topic } => (Deed::Receive, topic.as_str(), None, None),
        };
        let deeds = self.deed == Deed::All || self.deed == deed;
        let at_qos = self.qos.as_ref().is_none_or(|wanted| qos.is_some_and(|qos| wanted.contains(&qos)));
        let retained = self.retain.is_none_or(|wanted| retain == Some(wanted));
        deeds && at_qos && retained && self.is_on(who, text)
    }

    fn is_on(&self, who: &Identity, text: &str) -> bool {
        match (&self.topics, self.effect) {
            (Topics::All, _) => true,
            (Topics::Exactly(exactly), _) => **exactly == *text,
            (Topics::Matching(pattern), Effect::Allow) => pattern.covers(who, text),
            (Topics::Matching(pattern), Effect::Deny) => pattern.overlaps(who, text),
        }
    }
}

impl Authorize for Rules {
    fn checks_publish(&self) -> bool {
        !(self.rules.is_empty() && self.default == Effect::Allow)
    }

    fn checks_subscribe(&self) -> bool {
        self.checks_publish()
    }

    fn checks_receive(&self) -> bool {
        self.receives
    }

    fn authorize(&self, who: &Arc<Identity>, action: Action<'_>) -> Decision<Verdict> {
        Decision::Now(match self.effect(who, action) {
            Effect::Allow => Ok(()),
            Effect::Deny => Err(Refusal::Denied(ReasonCode::NotAuthorized)),
        })
    }
}

#[cfg(test)]
mod tests;
