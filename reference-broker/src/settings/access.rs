//! `[access]`: who may connect, and what they may do.

use std::{collections::BTreeSet, sync::Arc};

use located::{At, DeValue, Node, Problems, Reading, Wrong};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{
    document::MANY,
    node::{Value, sample},
    quantity::{Period, Whole},
    section::{Labelled, Tables, section},
    tree::{Leaf, Tree},
    value::UserName,
};
use crate::{
    Access,
    access::{
        Credentials, Deed, Effect, Groups, PasswordHash, Pattern, Rule, Rules, ScramCredential, Topics, Users,
        UsersConfig, Who,
    },
};

section! {
    /// Who may connect, and what they may do.
    AccessSection {
        /// What decides where no rule does: `allow` or `deny`. Default: with rules, deny; without, everybody may publish and
        /// subscribe, unless there are users, which need either.
        live optional default: Effect, like "\"deny\"";
        /// Users. Without any, nobody is asked for a password, and a User Name proves nothing.
        live default users: Tables<UserSection> = Tables(Vec::new());
        /// Groups of users that rules are about together.
        live default groups: Tables<GroupSection> = Tables(Vec::new());
        /// What clients may do: the first rule that matches decides.
        live default rules: Tables<RuleSection> = Tables(Vec::new());
        /// Whether the method SCRAM-SHA-256 of enhanced authentication (5.0) is offered to users with a scram_password_hash.
        live default scram: bool = UsersConfig::default().scram;
        /// Passwords that are verified at the same time, each on a core of its own; the rest wait. Default: half the
        /// processors, at least 1.
        live optional verifications: Whole<1, 1024>, like "1";
        /// How long a right password is remembered (as a keyed hash, in memory), so that a client that comes back is let in
        /// without the cost of another verification; 0s for never.
        live default remember_passwords: Period<0, 86_400_000> = Period::new(UsersConfig::default().remember);
        /// How long a decision may take; whoever waits longer is refused.
        live default deadline: Period<1, 3_600_000> = Period::new(Access::default().deadline);
        /// Decisions that may be under way for all clients together; whoever would need one more is refused.
        live default open_questions: Whole<1, MANY> = Whole::new(Access::default().open_questions);
        /// Decisions about publishing, subscribing and receiving that each worker remembers; 0 for none.
        live default remembered: Whole<0, MANY> = Whole::new(Access::default().remembered);
        /// How long such a decision is remembered.
        live default remember: Period<0, 86_400_000> = Period::new(Access::default().remember);
    }
}

section! {
    /// A user.
    UserSection {
        /// The User Name that its clients send.
        live required name: UserName, like "\"vet\"";
        /// The argon2id hash of its password, from `paddock broker hash-password`. Default: it has no password.
        live optional password_hash: HashText, like "\"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4\"";
        /// What proves it by SCRAM-SHA-256, from `paddock broker hash-password --scram`. Default: it cannot use that.
        live optional scram_password_hash: ScramText, like "\"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\"";
    }
}

section! {
    /// A group of users.
    GroupSection {
        /// What rules call it.
        live required name: UserName, like "\"staff\"";
        /// The names of its users. They need not be users of this file: certificates name users too.
        live required users: List<UserName>, like "[\"vet\"]";
    }
}

section! {
    /// A rule. It is about those for whom user, client, group and anonymous hold, as far as it has them; without any it is
    /// about everybody.
    RuleSection {
        /// What it does to what it matches.
        live required effect: Effect, like "\"allow\"";
        /// What it is about. As soon as a rule names receive, each delivery is checked too.
        live default action: Deed = Deed::All;
        /// The user that it is about, as proved by password, certificate or enhanced authentication. Default: any.
        live optional user: UserName, like "\"vet\"";
        /// The Client Identifier that it is about. Whoever may connect may claim one, so prefer users. Default: any.
        live optional client: UserName, like "\"meter-7\"";
        /// The group that it is about. Default: any.
        live optional group: UserName, like "\"staff\"";
        /// Whether it is about clients without a proved user name alone.
        live default anonymous: bool = false;
        /// Topics, as in a subscription; `%u` (or `${username}`) stands for the user name and `%c` (or `${clientid}`) for the
        /// Client Identifier of the client. A subscription is allowed when the rule covers all of it, and denied when the rule
        /// has a topic in common with it. Default: every topic.
        live optional topic: Pattern, like "\"farm/%u/#\"";
        /// Whether topic is meant character by character: `#` is then a subscription to `#`, and nothing else.
        live default exactly: bool = false;
        /// At which QoS, of a publication or asked for by a subscription; nothing else has one. Default: any.
        live optional qos: List<protocol::QoS>, like "[0, 1]";
        /// With or without RETAIN; only publications have that. Default: either.
        live optional retain: bool, like "false";
    }
}

impl Labelled for UserSection {
    fn label(&self, _: usize) -> String {
        self.name.0.to_string()
    }
}

impl Labelled for GroupSection {
    fn label(&self, _: usize) -> String {
        self.name.0.to_string()
    }
}

impl Labelled for RuleSection {
    fn label(&self, index: usize) -> String {
        (index + 1).to_string()
    }
}

impl AccessSection {
    /// Who decides.
    pub(super) fn access(&self) -> Access {
        let access = match self.is_open() {
            true => Access::default(),
            false => Access::new(Arc::new(self.users()), Arc::new(self.rules())),
        };
        Access {
            deadline: self.deadline.duration(),
            open_questions: self.open_questions.to(),
            remembered: self.remembered.to(),
            remember: self.remember.duration(),
            ..access
        }
    }

    /// Whether nothing is said about who may do what.
    fn is_open(&self) -> bool {
        self.default.is_none() && self.users.0.is_empty() && self.rules.0.is_empty()
    }

    fn users(&self) -> Users {
        let user = |user: &At<UserSection>| {
            let password = user.password_hash.as_ref().map(|hash| hash.0.clone());
            let scram = user.scram_password_hash.as_ref().map(|credential| credential.0.clone());
            (user.name.0.clone(), Credentials { password, scram })
        };
        let defaults = UsersConfig::default();
        Users::new(UsersConfig {
            users: self.users.0.iter().map(user).collect(),
            scram: self.scram.value,
            parallel: self.verifications.as_ref().map_or(defaults.parallel, |parallel| parallel.to()),
            remember: self.remember_passwords.duration(),
        })
    }

    fn rules(&self) -> Rules {
        let mut groups = Groups::new();
        for group in &self.groups.0 {
            let users: BTreeSet<_> = group.users.0.iter().map(|user| user.0.clone()).collect();
            groups.insert(group.name.0.clone(), users);
        }
        let default = self.default.as_ref().map_or(Effect::Deny, |default| default.value);
        Rules::new(self.rules.0.iter().map(|rule| rule.rule()).collect(), groups, default)
    }

    /// Everything that is wrong with settings that are right one by one.
    pub(super) fn check(&self, problems: &mut Problems) {
        for (index, user) in self.users.0.iter().enumerate() {
            if let Some(earlier) = self.users.0[..index].iter().find(|other| other.name.value == user.name.value) {
                let message = format!("`{}` is called so already", earlier.path);
                problems.push(user.name.problem(message, "give each user a name of its own"));
            }
        }
        for (index, group) in self.groups.0.iter().enumerate() {
            if let Some(earlier) = self.groups.0[..index].iter().find(|other| other.name.value == group.name.value) {
                let message = format!("`{}` is called so already", earlier.path);
                problems.push(group.name.problem(message, "put all users of a group in one list"));
            }
        }
        // What is not allowed is denied, so users without any rule would be of no use: that was not meant.
        if self.default.is_none() && self.rules.0.is_empty() && problems.is_empty() && !self.users.0.is_empty() {
            let message = "nothing says what users may do";
            problems.push(self.users.problem(message, "write access.default = \"allow\", or rules"));
        }
        for rule in &self.rules.0 {
            rule.check(&self.groups, problems);
        }
    }
}

impl RuleSection {
    fn rule(&self) -> Rule {
        let user = self.user.as_ref().map(|user| Who::User(user.0.clone()));
        let client = self.client.as_ref().map(|client| Who::Client(client.0.clone()));
        let group = self.group.as_ref().map(|group| Who::Group(group.0.clone()));
        let anonymous = self.anonymous.value.then_some(Who::Anonymous);
        let topics = match &self.topic {
            Some(topic) if self.exactly.value => Topics::Exactly(topic.to_string().into()),
            Some(topic) => Topics::Matching(topic.value.clone()),
            None => Topics::All,
        };
        Rule {
            effect: self.effect.value,
            who: [user, client, group, anonymous].into_iter().flatten().collect(),
            deed: self.action.value,
            topics,
            qos: self.qos.as_ref().map(|qos| qos.0.iter().map(|qos| qos.value).collect()),
            retain: self.retain.as_ref().map(|retain| retain.value),
        }
    }

    /// A rule that can never match was meant otherwise.
    fn check(&self, groups: &Tables<GroupSection>, problems: &mut Problems) {
        if self.anonymous.value && (self.user.is_some() || self.group.is_some()) {
            let message = "whoever is anonymous is no user and in no group";
            problems.push(self.anonymous.problem(message, "write a rule for each"));
        }
        if self.exactly.value && self.topic.is_none() {
            problems.push(self.exactly.problem("exactly what?", "add `topic`"));
        }
        if let Some(group) = &self.group
            && !groups.0.iter().any(|known| known.name.value == group.value)
            && !problems.mention("access.groups")
        {
            problems.push(group.problem("there is no such group", "add it to access.groups"));
        }
        let action = self.action.value;
        if let Some(qos) = self.qos.as_ref().filter(|_| action == Deed::Receive) {
            problems.push(qos.problem("what is received is not told by its QoS", "leave `qos` out"));
        }
        if let Some(retain) = self.retain.as_ref().filter(|_| !matches!(action, Deed::Publish | Deed::All)) {
            problems.push(retain.problem("only publications have RETAIN", "write action = \"publish\""));
        }
    }
}

/// A list of values.
#[derive(Clone, Debug)]
pub(super) struct List<T>(pub(super) Vec<At<T>>);

impl<T: Value> Value for List<T> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let values = node.elements(reading, T::read)?;
        if values.is_empty() {
            let wrong = Wrong::new("an empty list matches nothing", "leave it out, or name something");
            return node.wrong(wrong, reading);
        }
        Some(Self(values))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "minItems": 1, "items": T::schema(generator) })
    }

    fn tree(&self) -> Tree {
        let leaf = |value: &At<T>| match value.tree() {
            Tree::Leaf(leaf) => Some(leaf.value),
            _ => None,
        };
        Tree::leaf(self.0.iter().filter_map(leaf).collect::<Vec<_>>())
    }

    fn outline(text: &str) -> Tree {
        sample(text)
    }
}

impl Value for Pattern {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        // The two names look like variables of the environment.
        let text = match node.value() {
            DeValue::String(text) => text.replace("${username}", "%u").replace("${clientid}", "%c"),
            _ => return node.mismatch("a topic filter as text", reading),
        };
        let text = node.complete(&text, reading)?;
        text.parse().map_or_else(|error| node.wrong(Wrong::new(error, ""), reading), Some)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }

    fn tree(&self) -> Tree {
        Tree::leaf(self.to_string())
    }

    fn outline(text: &str) -> Tree {
        sample(text)
    }
}

/// Values that nobody is shown.
macro_rules! secrets {
    ($( $(#[$doc:meta])+ $name:ident($type:ty), $expected:literal; )+) => { $(
        $(#[$doc])+
        #[derive(Clone, Debug)]
        pub(super) struct $name(pub(super) $type);

        impl Value for $name {
            fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
                reading.hide(node);
                let text = node.text($expected, reading)?;
                text.parse().map_or_else(|error| node.wrong(Wrong::new(error, ""), reading), |value| Some(Self(value)))
            }

            fn schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "minLength": 1 })
            }

            fn tree(&self) -> Tree {
                Tree::Leaf(Leaf { value: self.0.to_string().into(), secret: true })
            }

            fn outline(text: &str) -> Tree {
                sample(text)
            }
        }
    )+ };
}

secrets! {
    /// A hash of a password.
    HashText(PasswordHash), "a password hash as text";
    /// A credential for SCRAM.
    ScramText(ScramCredential), "a SCRAM credential as text";
}

#[cfg(test)]
mod tests {
    use protocol::{QoS, TopicName, Utf8String};

    use super::super::{Diagnostics, Settings};
    use crate::{
        Access,
        access::{Action, Decision, Identity},
    };

    fn read(text: &str) -> Result<Access, Diagnostics> {
        Settings::read("broker.toml", text, &|_| None, None).map(|settings| settings.config().access)
    }

    fn publishes(access: &Access, user: Option<&str>, client: &str, topic: &str) -> bool {
        let name = |text: &str| Utf8String::new(text).unwrap();
        let who = Identity { client_id: name(client), user: user.map(name), certificate: None, address: None };
        let topic = TopicName::new(topic).unwrap();
        let action = Action::Publish { topic: &topic, qos: QoS::AtMostOnce, retain: false, will: false };
        matches!(access.authorize.authorize(&who.into(), action), Decision::Now(Ok(())))
    }

    #[test]
    fn rules_are_read_in_their_order() {
        let text = r#"
            access.default = "deny"
            [[access.groups]]
            name = "staff"
            users = ["vet", "alice"]
            [[access.rules]]
            effect = "deny"
            topic = "farm/secret/#"
            [[access.rules]]
            effect = "allow"
            group = "staff"
            action = "publish"
            topic = "farm/#"
            [[access.rules]]
            effect = "allow"
            topic = "home/${username}/${clientid}/%u"
            [[access.rules]]
            effect = "allow"
            anonymous = true
            exactly = true
            topic = "hello"
        "#;
        let access = read(text).unwrap();
        for (user, topic, allowed) in [
            (Some("vet"), "farm/x", true),
            (Some("vet"), "farm/secret/x", false),
            (Some("bob"), "farm/x", false),
            (Some("bob"), "home/bob/c/bob", true),
            (Some("bob"), "home/vet/c/vet", false),
            (None, "hello", true),
            (Some("bob"), "hello", false),
        ] {
            assert_eq!(publishes(&access, user, "c", topic), allowed, "{user:?} {topic}");
        }
    }

    /// The class of CVE-2018-12550: what is written and empty allows nothing; what is not written is as without a file.
    #[test]
    fn nothing_is_allowed_by_leaving_rules_out() {
        assert!(publishes(&read("").unwrap(), None, "c", "t"));
        assert!(publishes(&read("access.default = \"allow\"").unwrap(), None, "c", "t"));
        assert!(!publishes(&read("access.default = \"deny\"").unwrap(), None, "c", "t"));
        let rule = "[[access.rules]]\neffect = \"allow\"\ntopic = \"a\"\n";
        assert!(publishes(&read(rule).unwrap(), None, "c", "a") && !publishes(&read(rule).unwrap(), None, "c", "b"));
        let users = "[[access.users]]\nname = \"vet\"\n";
        assert!(read(users).unwrap_err().to_string().contains("nothing says what users may do"));
        assert!(!publishes(&read(&format!("access.default = \"deny\"\n{users}")).unwrap(), Some("vet"), "c", "t"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_no_hash_is_shown() {
        for (text, said) in [
            ("[[access.rules]]\neffect = \"allow\"\nuser = \"a\"\nanonymous = true\n", "is no user"),
            ("[[access.rules]]\neffect = \"allow\"\nexactly = true\n", "exactly what?"),
            ("[[access.rules]]\neffect = \"allow\"\ngroup = \"nobody\"\n", "there is no such group"),
            ("[[access.rules]]\neffect = \"allow\"\naction = \"receive\"\nqos = [1]\n", "told by its QoS"),
            ("[[access.rules]]\neffect = \"allow\"\naction = \"publish\"\nqos = []\n", "empty list"),
            (
                "[[access.rules]]\neffect = \"allow\"\naction = \"subscribe\"\nretain = true\n",
                "only publications have RETAIN",
            ),
            ("[[access.rules]]\neffect = \"allow\"\ntopic = \"a#\"\n", "must stand alone"),
            ("[[access.rules]]\neffect = \"alow\"\n", "did you mean `allow`?"),
            ("[[access.rules]]\n", "`effect` is missing"),
            ("access.default = \"deny\"\n[[access.users]]\nname = \"\"\n", "is not a name"),
            (
                "access.default = \"deny\"\n[[access.users]]\nname = \"a\"\n[[access.users]]\nname = \"a\"\n",
                "called so",
            ),
            (
                "access.default = \"deny\"\n[[access.users]]\nname = \"a\"\npassword_hash = \"hunter2\"\n",
                "not a password hash",
            ),
            (
                "access.default = \"deny\"\n[[access.users]]\nname = \"a\"\npassword_hash = \"\"\n",
                "not a password hash",
            ),
            (
                "access.default = \"deny\"\n[[access.users]]\nname = \"a\"\nscram_password_hash = \"hunter2\"\n",
                "not of the form",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("hunter2"), "{text}\n{error}");
        }
        let text = "access.default = \"deny\"\n[[access.users]]\nname = \"a\"\n\
                    password_hash = \"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4\"\n";
        let shown = Settings::read("broker.toml", text, &|_| None, None).unwrap().show();
        assert!(shown.contains("password_hash = \"(secret)\"") && !shown.contains("argon2id"), "{shown}");
    }
}
