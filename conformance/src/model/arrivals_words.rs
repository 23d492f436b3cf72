//! Why a copy is explained by nothing.

use super::{
    Finding, Model, Rule,
    debts::{Copy, Debt, Form, Kind},
    rules::{
        AT_LEAST_ONCE, AT_MOST_ONCE, EXACTLY_ONCE, EXPIRED, HIGHEST_QOS, IDENTIFIERS, LOWER_QOS, NO_LOCAL, ONE_MEMBER,
        RETAIN_AS_PUBLISHED, RETAIN_HANDLING, RETAIN_OF_LIVE, RETAIN_OF_STORED, RETAINED_LAST, SHARED_UNRETAINED,
        TOPIC_FITS, UNSUBSCRIBED, WILL_DISCARDED, WILL_WAITS,
    },
    time::Phase,
};

impl Model {
    pub(super) fn unexplained(&self, copy: &Copy) -> Finding {
        let words = self.messages[copy.message].words();
        let came = format!(
            "{words} came at QoS {} with RETAIN {}{}",
            copy.qos,
            u8::from(copy.retain),
            identifiers(&copy.identifiers)
        );
        let (rule, why) = self.reason(copy);
        self.finding(copy.client, rule, format!("{came}: {why}"))
    }

    fn reason(&self, copy: &Copy) -> (&'static Rule, String) {
        let message = &self.messages[copy.message];
        let mine: Vec<&Debt> = self
            .debts
            .iter()
            .filter(|debt| debt.message == copy.message && debt.concerns(copy.client, copy.epoch))
            .collect();
        if copy.retain && self.is_stored_and_shared(copy) {
            return (SHARED_UNRETAINED, "it is retained, and a shared subscription of the client matches".to_owned());
        }
        if let Some(difference) = mine.iter().find(|debt| debt.accepts(&[])).and_then(|debt| difference(debt, copy)) {
            return difference;
        }
        if mine.is_empty() && message.expiry_phase(self.now) != Phase::Before {
            return (EXPIRED, "its expiry interval is over".to_owned());
        }
        let had = message.offered.contains(&(copy.client, copy.epoch));
        if had && (message.retain || !copy.retain) {
            let rule = match copy.qos {
                0 => AT_MOST_ONCE,
                1 => AT_LEAST_ONCE,
                _ => EXACTLY_ONCE,
            };
            return (rule, "it came already".to_owned());
        }
        self.never_due(copy)
    }

    /// Whether it looks as if a shared subscription had been sent what is retained.
    fn is_stored_and_shared(&self, copy: &Copy) -> bool {
        let topic = &self.messages[copy.message].topic;
        let session = self.session(copy.client);
        let mut filters = session.into_iter().flat_map(|session| session.subscriptions.keys());
        let shared = filters.any(|filter| filter.starts_with("$share/") && wire::topic::matches(filter, topic));
        let stored = self.retained.get(topic).map(|retained| retained.possible(&self.messages));
        shared && stored.is_some_and(|possible| possible.contains(&Some(copy.message)))
    }

    /// It was no message for this session, or is not any more.
    fn never_due(&self, copy: &Copy) -> (&'static Rule, String) {
        let message = &self.messages[copy.message];
        let session = self.session(copy.client);
        let matching = session.into_iter().flat_map(|session| &session.subscriptions);
        let matching: Vec<_> = matching.filter(|(filter, _)| wire::topic::matches(filter, &message.topic)).collect();
        let waiting = self.wills.iter().any(|will| will.message == copy.message);
        if message.is_will && message.offered.is_empty() && (waiting || !message.certain) {
            if waiting {
                return (WILL_WAITS, "its delay is not over".to_owned());
            }
            return (WILL_DISCARDED, "its client disconnected, is still connected, or was back in time".to_owned());
        }
        if !message.offered_groups.is_empty() && matching.iter().any(|(filter, _)| filter.starts_with("$share/")) {
            return (ONE_MEMBER, "it went to a member of the shared group already".to_owned());
        }
        if matching.is_empty() {
            let mut former = session.into_iter().flat_map(|session| &session.former);
            let rule = if former.any(|filter| wire::topic::matches(filter, &message.topic)) {
                UNSUBSCRIBED
            } else {
                TOPIC_FITS
            };
            return (rule, "the client has no subscription that matches".to_owned());
        }
        if message.publisher == copy.client
            && matching.iter().all(|(_, known)| known.current.is_some_and(|options| options.no_local))
        {
            return (NO_LOCAL, "the client published it itself and wants no local messages".to_owned());
        }
        if copy.retain {
            let retained = self.retained.get(&message.topic).map(|retained| retained.possible(&self.messages));
            if retained.is_some_and(|possible| possible.contains(&Some(copy.message))) {
                return (RETAIN_HANDLING, "no subscription just made asks for it".to_owned());
            }
            return (RETAINED_LAST, "it is not what is retained there".to_owned());
        }
        (TOPIC_FITS, "it was published before the client subscribed, or is paid already".to_owned())
    }
}

/// How a copy differs from what a debt allows.
fn difference(debt: &Debt, copy: &Copy) -> Option<(&'static Rule, String)> {
    let forms: Vec<Form> =
        debt.slots.iter().filter(|slot| slot.is_of(copy)).flat_map(|slot| slot.forms.iter().copied()).collect();
    if debt.accepts(&[copy]) || debt.paid.len() >= debt.capacity() {
        return None;
    }
    if copy.identifiers.len() > 1 && copy.qos < debt.highest_qos() {
        let what = format!("it stands for several subscriptions and was to come at QoS {}", debt.highest_qos());
        return Some((HIGHEST_QOS, what));
    }
    let qos: Vec<u8> = forms.iter().map(|form| form.qos).collect();
    if !qos.contains(&copy.qos) {
        return Some((LOWER_QOS, format!("it was to come at QoS {}", any(&qos))));
    }
    let forms: Vec<Form> = forms.into_iter().filter(|form| form.qos == copy.qos).collect();
    let retain: Vec<u8> = forms.iter().map(|form| u8::from(form.retain)).collect();
    if !forms.iter().any(|form| form.retain == copy.retain) {
        let rule = match (&debt.kind, copy.retain) {
            (Kind::Retained, _) => RETAIN_OF_STORED,
            (_, true) => RETAIN_OF_LIVE,
            (_, false) => RETAIN_AS_PUBLISHED,
        };
        return Some((rule, format!("it was to come with RETAIN {}", any(&retain))));
    }
    let wanted: Vec<u32> = forms.iter().filter_map(|form| form.identifier).collect();
    Some((
        IDENTIFIERS,
        format!(
            "it was to come{}",
            if wanted.is_empty() { " without Subscription Identifiers".to_owned() } else { identifiers(&wanted) }
        ),
    ))
}

fn identifiers(identifiers: &[u32]) -> String {
    match identifiers {
        [] => String::new(),
        some => format!(" with Subscription Identifiers {some:?}"),
    }
}

fn any(values: &[u8]) -> String {
    let mut values: Vec<String> = values.iter().map(u8::to_string).collect();
    values.dedup();
    values.join(" or ")
}
