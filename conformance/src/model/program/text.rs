//! Programs as text: TOML with one step on a line, so that people can read, cut and mend them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Connect, Dialect, Filter, Program, Publish, Step, Will};

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// The version of each client.
    clients: Vec<Dialect>,
    /// One after the other.
    steps: Vec<Step>,
}

/// Why a text is no program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramError(String);

impl std::fmt::Display for ProgramError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ProgramError {}

impl Program {
    /// Reads a program.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, ProgramError> {
        let Document { clients, steps } = toml::from_str(text).map_err(|error| ProgramError(error.to_string()))?;
        let program = Self { clients, steps };
        program.check()?;
        Ok(program)
    }

    fn check(&self) -> Result<(), ProgramError> {
        let fault = |what: String| Err(ProgramError(what));
        if self.clients.is_empty() || self.clients.len() > Self::MOST_CLIENTS {
            return fault(format!(
                "clients: {} of them; a program has 1 to {}",
                self.clients.len(),
                Self::MOST_CLIENTS
            ));
        }
        if self.flat().count() > Self::MOST_STEPS {
            return fault(format!("steps: more than {}", Self::MOST_STEPS));
        }
        for (place, step) in self.steps.iter().enumerate() {
            let steps = match step {
                Step::Together { steps } => steps.as_slice(),
                step => std::slice::from_ref(step),
            };
            for step in steps {
                if let Err(what) = check(step, self.clients.len()) {
                    return fault(format!("step {}: {what}", place + 1));
                }
            }
        }
        Ok(())
    }

    /// The program as a file that [`Program::parse`] reads, after `comment`.
    pub fn to_text(&self, comment: &str) -> String {
        let mut text = String::new();
        for line in comment.lines() {
            text.push_str(format!("# {line}").trim_end());
            text.push('\n');
        }
        let clients: Vec<String> = self.clients.iter().map(inline).collect();
        let _ = writeln!(text, "clients = [{}]", clients.join(", "));
        text.push_str("steps = [\n");
        for step in &self.steps {
            let _ = writeln!(text, "    {},", inline(step));
        }
        text.push_str("]\n");
        text
    }
}

impl Step {
    /// As it stands in a file.
    pub fn to_line(&self) -> String {
        inline(self)
    }
}

/// A value on one line.
fn inline(value: &impl Serialize) -> String {
    let value = toml::Value::try_from(value).expect("steps are tables of numbers, strings and booleans");
    inline_value(&value)
}

/// What is done and by whom come first.
fn inline_value(value: &toml::Value) -> String {
    match value {
        toml::Value::Table(table) => {
            let first = ["do", "client"].into_iter().filter_map(|key| table.get_key_value(key));
            let others = table.iter().filter(|(key, _)| !["do", "client"].contains(&key.as_str()));
            let pairs = first.chain(others).map(|(key, value)| format!("{key} = {}", inline_value(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        toml::Value::Array(values) => format!("[{}]", values.iter().map(inline_value).collect::<Vec<_>>().join(", ")),
        value => value.to_string(),
    }
}

fn check(step: &Step, clients: usize) -> Result<(), String> {
    if let Some(client) = step.client().filter(|client| client.index() >= clients) {
        return Err(format!("client {client} is not among the {clients} clients"));
    }
    match step {
        Step::Connect(Connect { receive_maximum: Some(0), .. }) => Err("receive_maximum: at least 1".to_owned()),
        Step::Connect(Connect { will: Some(Will { topic, qos, .. }), .. }) => {
            qos_exists(*qos).and_then(|()| topic_name(topic))
        }
        Step::Subscribe { filters, identifier, .. } => {
            if filters.is_empty() {
                return Err("filters: at least one".to_owned());
            }
            if identifier.is_some_and(|identifier| identifier == 0 || identifier > 268_435_455) {
                return Err("identifier: 1 to 268435455".to_owned());
            }
            filters.iter().try_for_each(|Filter { filter, qos, retain_handling, share, .. }| {
                if *retain_handling > 2 {
                    return Err("retain_handling: 0, 1 or 2".to_owned());
                }
                if share.as_ref().is_some_and(|name| name.is_empty() || name.contains(['/', '+', '#'])) {
                    return Err("share: a name without /, + and #".to_owned());
                }
                qos_exists(*qos).and_then(|()| topic_filter(filter))
            })
        }
        Step::Unsubscribe { filters, .. } if filters.is_empty() => Err("filters: at least one".to_owned()),
        Step::Unsubscribe { filters, .. } => filters.iter().try_for_each(|filter| topic_filter(filter)),
        Step::Publish(Publish { topic, qos, count, .. }) => {
            if !(1..=Program::MOST_PUBLISHES).contains(count) {
                return Err(format!("count: 1 to {}", Program::MOST_PUBLISHES));
            }
            qos_exists(*qos).and_then(|()| topic_name(topic))
        }
        Step::Wait { seconds: wait } => seconds("seconds", *wait),
        Step::Together { .. } => Err("steps that are done together contain no further ones".to_owned()),
        _ => Ok(()),
    }
}

fn seconds(field: &str, seconds: u32) -> Result<(), String> {
    let longest = Program::LONGEST_WAIT;
    if seconds > longest { Err(format!("{field}: at most {longest} seconds")) } else { Ok(()) }
}

fn qos_exists(qos: u8) -> Result<(), String> {
    if qos > 2 { Err(format!("qos: {qos}; there are 0, 1 and 2")) } else { Ok(()) }
}

fn topic_name(topic: &str) -> Result<(), String> {
    if topic.is_empty() || topic.len() > 1000 || topic.contains(['+', '#', '\0']) {
        return Err(format!("topic: {topic:?} is no Topic Name of 1 to 1000 bytes"));
    }
    Ok(())
}

fn topic_filter(filter: &str) -> Result<(), String> {
    let levels: Vec<&str> = filter.split('/').collect();
    let sound = |(place, level): (usize, &&str)| match *level {
        "+" => true,
        "#" => place + 1 == levels.len(),
        level => !level.contains(['+', '#', '\0']),
    };
    if filter.is_empty() || filter.len() > 1000 || !levels.iter().enumerate().all(sound) {
        return Err(format!("filter: {filter:?} is no Topic Filter of 1 to 1000 bytes"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# what broke
clients = [\"5\", \"3.1.1\"]
steps = [
    { do = \"connect\", client = \"a\", clean = true, will = { delay = 2, qos = 1, topic = \"x\" } },
    { do = \"subscribe\", client = \"a\", filters = [{ filter = \"x/+\", no_local = true, qos = 1 }] },
    { do = \"together\", steps = [{ do = \"cut\", client = \"a\" }, { do = \"publish\", client = \"b\", ending = \"cut\", qos = 1, topic = \"x\" }] },
    { do = \"wait\", seconds = 2 },
]
";

    #[test]
    fn a_program_is_read_and_written() {
        let program = Program::parse(TEXT).unwrap();
        assert_eq!(program.to_text("what broke"), TEXT);
        assert!(program.has_wills());
    }

    #[test]
    fn what_is_wrong_is_said_where_it_is() {
        let line = "{ do = \"connect\", client = \"a\"";
        for (wrong, said) in [
            (TEXT.replace("\"x/+\"", "\"x/+y\""), "step 2: filter: \"x/+y\" is no Topic Filter"),
            (TEXT.replace("seconds = 2", "seconds = 61"), "step 4: seconds: at most 60"),
            (TEXT.replace(line, "{ do = \"connect\", client = \"c\""), "step 1: client c is not among the 2 clients"),
            (TEXT.replace(line, "{ do = \"connect\", client = \"z\""), "\"z\" is no client"),
            (TEXT.replace("no_local", "no_locals"), "unknown field `no_locals`"),
            (TEXT.replace("\"cut\", qos", "\"cutt\", qos"), "unknown variant `cutt`"),
        ] {
            let error = Program::parse(&wrong).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    /// A step that its client cannot do, and options that its version does not have.
    #[test]
    fn what_means_nothing_is_left_out() {
        let program = Program::parse(TEXT).unwrap().tidy();
        let kinds: Vec<String> =
            program.flat().map(|step| format!("{step:?}").split([' ', '(']).next().unwrap().to_owned()).collect();
        assert_eq!(kinds, ["Connect", "Subscribe", "Cut", "Wait"]);
    }
}
