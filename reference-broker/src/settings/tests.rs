//! The document as a whole: its example, its schema, and what is said about bad ones.

use std::{fs, path::Path};

use serde_json::Value as Json;

use super::*;

/// The environment of these tests.
fn lookup(name: &str) -> Option<String> {
    match name {
        "WORKERS" => Some("3".to_owned()),
        "TIME" => Some("90s".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Settings, Diagnostics> {
    Settings::read("broker.toml", text, &lookup, None)
}

fn good(text: &str) -> Settings {
    read(text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The example with what has no default filled in.
fn filled_in() -> String {
    let example = Settings::example();
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    example.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_empty_file_and_the_library_agree_on_defaults() {
    assert_eq!(format!("{:#?}", good("").config()), format!("{:#?}", Config::default()));
    assert_eq!(good("").show(), Settings::default().show());
}

#[test]
fn the_example_shows_the_defaults() {
    assert_eq!(good(&Settings::example()).show(), Settings::default().show());
}

#[test]
fn every_sample_of_the_example_is_right() {
    let all = good(&filled_in());
    // Nothing is left that has no value.
    fn unset(fields: &[tree::Field]) -> Vec<&str> {
        let in_field = |field: &tree::Field| match &field.tree {
            tree::Tree::Unset(_) => vec![field.key],
            tree::Tree::Table(fields) => unset(fields).into_iter().map(str::len).map(|_| field.key).collect(),
            tree::Tree::Tables(entries, _) => {
                entries.iter().flat_map(|(_, fields)| unset(fields)).map(|_| field.key).collect()
            }
            tree::Tree::Leaf(_) => Vec::new(),
        };
        fields.iter().flat_map(in_field).collect()
    }
    assert_eq!(unset(&all.document.fields()), Vec::<&str>::new());
}

#[test]
fn the_readme_shows_a_sound_configuration() {
    let readme = include_str!("../../README.md");
    let text = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(good(text).document.listeners.0.len(), 5);
}

#[test]
fn what_is_shown_can_be_read_again() {
    let all = good(&filled_in());
    let shown = all.show();
    // All but secrets; a secret that is none is refused.
    assert!(read(&shown).is_err_and(|errors| errors.to_string().contains("password hash")));
    let secrets = filled_in();
    let reveal = |line: &str| match line.split_once(" = \"(secret)\"") {
        Some((key, _)) => {
            let start = format!("{key} = ");
            secrets.lines().find(|line| line.starts_with(&start)).expect("the example has it").to_owned()
        }
        None => line.to_owned(),
    };
    let revealed: Vec<_> = shown.lines().map(reveal).collect();
    assert_eq!(good(&revealed.join("\n")).show(), shown);
}

#[test]
fn every_setting_reaches_the_broker() {
    insta::assert_snapshot!(format!("{:#?}", good(include_str!("tests/all.toml")).config()));
}

#[test]
fn the_log_is_as_it_is_written() {
    assert_eq!(good("").log(), (LogLevel::Info, LogFormat::Text));
    assert_eq!(good(include_str!("tests/all.toml")).log(), (LogLevel::Debug, LogFormat::Json));
    let said = read("[log]\nlevel = \"verbose\"\n").expect_err("no level").to_string();
    assert!(said.contains("`off` or `error` or `warn`") || said.contains("warn"), "{said}");
}

#[test]
fn bad_configurations_are_explained() {
    for name in ["typos", "units", "listeners", "together", "environment", "not-toml"] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("src/settings/tests/bad").join(name).with_extension("toml");
        let text = fs::read_to_string(path).expect("the bad configuration is in the folder");
        let said = Settings::read(&format!("{name}.toml"), &text, &lookup, None).expect_err("it is bad").to_string();
        assert!(!said.contains("hunter2"), "{said}");
        insta::assert_snapshot!(name, said);
    }
}

#[test]
fn the_environment_completes_texts_numbers_and_truths() {
    let settings = good(
        "[broker]\nworkers = \"${WORKERS}\"\nshutdown_within = \"${TIME}\"\nmqtt_3_1 = \"${OLD:-false}\"\n\
         [limits]\nqueued_bytes = \"1${UNIT:-6}MiB\"\n",
    );
    let config = settings.config();
    assert_eq!((config.workers, config.shutdown_within.as_secs()), (3, 90));
    assert_eq!((config.protocol.mqtt_3_1, config.limits.queued_bytes), (false, 16 << 20));
}

#[test]
fn any_text_is_answered() {
    let example = filled_in();
    for cut in (0..example.len()).step_by(89).filter(|&cut| example.is_char_boundary(cut)) {
        for text in [example[..cut].to_owned(), format!("{}{}", &example[..cut], &example[cut + 1..])] {
            if let Err(diagnostics) = read(&text) {
                assert!(diagnostics.to_string().contains("--> broker.toml:"), "{diagnostics}");
            }
        }
    }
}

/// A user whose password hash ends with `end`, so that listeners need not let everybody in.
fn user(end: char) -> String {
    let hash = format!("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/{end}");
    format!("[[access.users]]\nname = \"vet\"\npassword_hash = \"{hash}\"\n[[access.rules]]\neffect = \"allow\"\n")
}

#[test]
fn anonymous_clients_are_let_in_beyond_loopback_only_where_it_is_written() {
    let user = user('4');
    let anonymous = |listeners: &str| -> Vec<bool> {
        good(&format!("{listeners}{user}")).bind().unwrap().iter().map(|bind| bind.anonymous).collect()
    };
    let text = "[[listeners]]\naddress = \"127.0.0.1:0\"\n[[listeners]]\naddress = \"0.0.0.0:0\"\n";
    assert_eq!(anonymous(text), [true, false]);
    assert_eq!(anonymous(&format!("{text}anonymous = true\n")), [true, true]);
    assert_eq!(anonymous("[[listeners]]\naddress = \"127.0.0.1:0\"\nanonymous = false\n"), [false]);
}

#[test]
fn a_listener_where_nobody_could_connect_is_refused() {
    for listener in ["address = \"0.0.0.0:0\"", "address = \"127.0.0.1:0\"\nanonymous = false"] {
        let text = format!("[[listeners]]\n{listener}\n");
        let said = read(&text).unwrap_err().to_string();
        assert!(said.contains("nobody could connect here"), "{said}");
        good(&format!("{text}{}", user('4')));
    }
    good("[[listeners]]\naddress = \"0.0.0.0:0\"\nanonymous = true\n");
}

#[test]
fn a_changed_secret_is_named_and_not_shown() {
    let (old, new) = (good(&user('4')), good(&user('8')));
    let said: Vec<String> = old.changes(&new).iter().map(ToString::to_string).collect();
    assert_eq!(said, ["changed: access.users.vet.password_hash (secret) -> (secret)"]);
    for shown in [old.show(), format!("{old:?}"), format!("{:?}", old.changes(&new))] {
        assert!(!shown.contains("$argon2id"), "{shown}");
    }
}

#[test]
fn listeners_carry_their_own_bounds() {
    let text = "[broker]\nworkers = 4\n[[listeners]]\nname = \"barn\"\naddress = \"127.0.0.1:0\"\nconnections = 7\nacceptors = 2\n";
    let binds = good(text).bind().unwrap();
    assert_eq!((binds[0].name.as_str(), binds[0].connections, binds[0].acceptors), ("barn", Some(7), Some(2)));
}

#[test]
fn shipped_schema_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("broker.schema.json");
    let generated = format!("{:#}\n", Settings::schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let shipped = fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == generated, "run: UPDATE_SCHEMA=1 cargo test -p reference-broker shipped_schema");
}

#[test]
fn the_schema_accepts_the_example_and_refuses_what_is_wrong() {
    let schema = jsonschema::validator_for(&Settings::schema()).unwrap();
    let json = |text: &str| serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    for text in [Settings::example(), filled_in(), "[broker]\nworkers = \"${N:-2}\"".to_owned(), String::new()] {
        let errors: Vec<String> = schema.iter_errors(&json(&text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    for text in ["[borker]", "[broker]\nworkers = 0", "[limits]\nkeep_alive = 5", "[[listeners]]\nname = \"x\""] {
        assert!(!schema.is_valid(&json(text)), "{text}");
    }
}

#[test]
fn every_key_is_described_and_says_what_counts_without_it() {
    let schema = Settings::schema();
    let definitions = schema["$defs"].as_object().unwrap();
    let mut count = 0;
    for (section, definition) in definitions.iter().filter(|(_, definition)| definition["properties"].is_object()) {
        assert_eq!(definition["additionalProperties"], false, "{section}");
        let required: Vec<&str> = definition["required"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
        for (key, property) in definition["properties"].as_object().unwrap() {
            count += 1;
            let description = property["description"].as_str().unwrap();
            let table = property.get("$ref").is_some() || property["items"].get("$ref").is_some();
            let says = description.contains("Default: ") || table;
            assert_eq!(says, !required.contains(&key.as_str()) || table, "{section}.{key}: {description}");
            assert!(description.len() > 30, "{section}.{key}: {description}");
        }
    }
    assert!(count > 40, "only {count} keys were looked at");
}

#[test]
fn differences_say_when_they_take_effect() {
    let old = good(
        "[[listeners]]\naddress = \"127.0.0.1:1883\"\n[[listeners]]\nname = \"gone\"\naddress = \"127.0.0.1:1884\"\n\
         [limits]\nqueued_messages = 10\nserver_keep_alive = \"5s\"\n",
    );
    let new = good(
        "[broker]\nworkers = 3\nredirect = { server = \"b\" }\n[[listeners]]\nname = \"come\"\naddress = \"127.0.0.1:1885\"\n\
         [[listeners]]\naddress = \"127.0.0.1:1883\"\nconnections = 9\n[limits]\nqueued_messages = 20\n\
         [features]\nretain = false\n",
    );
    let said: Vec<String> = old.changes(&new).iter().map(ToString::to_string).collect();
    let expected = [
        "needs a restart: broker.workers (not set) -> 3",
        "added: broker.redirect",
        "needs a restart: added: listeners.come",
        "changed: listeners.127.0.0.1:1883.connections (not set) -> 9",
        "needs a restart: removed: listeners.gone",
        "changed for new connections: features.retain true -> false",
        "changed for new connections: limits.server_keep_alive 5s -> (not set)",
        "changed: limits.queued_messages 10 -> 20",
    ];
    assert_eq!(said, expected);
    assert_eq!(new.changes(&new), []);
}

#[test]
fn a_reload_takes_over_what_it_can_and_keeps_naming_what_waits_for_a_restart() {
    let listener = "[[listeners]]\naddress = \"127.0.0.1:0\"\n";
    let settings = good(listener);
    let broker = crate::Broker::start(settings.bind().unwrap(), settings.config()).unwrap();
    let mut reload = Reload::new(settings, broker.handle());
    let lines = |reload: &mut Reload, text: &str| -> Vec<String> {
        reload.apply(good(&format!("{listener}{text}"))).iter().map(ToString::to_string).collect()
    };
    let restart = "needs a restart: limits.mailbox 16384 -> 5";
    let change = "changed: limits.sessions 1000000 -> 7";
    assert_eq!(lines(&mut reload, "[limits]\nsessions = 7\nmailbox = 5"), [change, restart]);
    assert_eq!(lines(&mut reload, "[limits]\nsessions = 7\nmailbox = 5"), [restart]);
    assert_eq!(lines(&mut reload, ""), ["changed: limits.sessions 7 -> 1000000"]);
}
