//! Descriptors are read as they are meant; bad ones are refused with every error at once, each with its place.

use std::{fs, path::Path, time::Duration};

use targets::{Descriptor, LoadError, Reach, Ready, Release, Version, shipped};

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What is said about `tests/bad/NAME.toml`.
fn said(name: &str) -> String {
    let text = fs::read_to_string(folder("tests/bad").join(name).with_extension("toml")).expect("it is in the folder");
    Descriptor::parse(&format!("{name}.toml"), &text).expect_err("the descriptor is bad").to_string()
}

#[test]
fn bad_descriptors_are_explained() {
    for name in ["typos", "missing", "twice", "holes", "container", "empty"] {
        insta::assert_snapshot!(name, said(name));
    }
}

#[test]
fn every_shipped_descriptor_is_good_and_called_as_its_file() {
    for entry in shipped() {
        let descriptor = Descriptor::load(entry.name).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(descriptor.name, entry.name);
        let path = folder("descriptors").join(entry.name).display().to_string() + ".toml";
        assert_eq!(Descriptor::load(&path).unwrap(), descriptor);
        assert_ne!(descriptor.release, Release::Unknown, "{}", entry.name);
    }
}

#[test]
fn the_list_of_shipped_descriptors_is_the_folder() {
    let files = fs::read_dir(folder("descriptors")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let mut listed: Vec<_> = shipped().iter().map(|entry| entry.name.to_owned()).collect();
    assert_eq!(listed[0], "paddock");
    files.sort();
    listed.sort();
    assert_eq!(files, listed);
}

#[test]
fn a_descriptor_says_what_it_means() {
    let text = r#"
name = "farm"
product = "The farm's broker"
versions = ["5.0", "3.1.1", "5.0"]
deviations_of = "7.1"
[address]
urls = ["mqtt://one:1883", "mqtt://two:1883"]
deadline = "1m"
[listeners]
tls = "mqtts://one:8883"
[capabilities]
retain = false
qos = 1
topic_aliases = 10
session_expiry = "2h"
tolerance = "1500ms"
[[users]]
name = "vet"
password = "secret"
[deviations]
"connect.*" = "it is old"
"publish.qos_? in 3.1.1" = "so it was decided"
"#;
    let farm = Descriptor::parse("farm.toml", text).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(farm.versions, [Version::V3_1_1, Version::V5]);
    let urls = ["mqtt://one:1883", "mqtt://two:1883"].map(str::to_owned).to_vec();
    assert_eq!(farm.reach, Reach::Addresses { urls, deadline: Duration::from_secs(60) });
    assert_eq!((farm.nodes(), &farm.release), (2, &Release::Unknown));
    assert_eq!((farm.capabilities.retain, farm.capabilities.qos), (Some(false), Some(1)));
    assert_eq!((farm.capabilities.wildcards, farm.capabilities.topic_aliases), (None, Some(10)));
    assert_eq!(farm.capabilities.session_expiry, Some(Duration::from_secs(7200)));
    assert_eq!(farm.capabilities.tolerance, Duration::from_millis(1500));
    assert!(farm.capabilities.sessions && farm.capabilities.anonymous && !farm.capabilities.response_information);
    assert_eq!((farm.users[0].name.as_str(), farm.users[0].scram), ("vet", false));
    assert_eq!(farm.excuse("connect.twice", Version::V5).unwrap().reason, "it is old");
    assert_eq!(farm.excuse("publish.qos_3", Version::V3_1_1).unwrap().reason, "so it was decided");
    assert!(farm.excuse("publish.qos_3", Version::V5).is_none());
    assert_eq!(farm.deviations_of.as_deref(), Some("7.1"));
}

#[test]
fn what_is_left_out_has_its_default() {
    let text = "name = \"x\"\nproduct = \"X\"\nversions = [\"5.0\"]\n[process]\nprogram = \"x\"\n";
    let Reach::Process(process) = Descriptor::parse("x.toml", text).unwrap().reach else { panic!("it is a process") };
    assert_eq!((process.ready, process.nodes), (Ready::Answers, 1));
    assert_eq!((process.deadline, process.grace), (Duration::from_secs(20), Duration::from_secs(5)));
    let address = text.replace("[process]\nprogram = \"x\"", "[address]\nurls = [\"mqtt://x\"]");
    let Reach::Addresses { deadline, .. } = Descriptor::parse("x.toml", &address).unwrap().reach else {
        panic!("it is an address")
    };
    assert_eq!(deadline, Duration::ZERO);
    let text = text.replace("[process]\nprogram = \"x\"", "[container]\nimage = \"x\"\ntag = \"1.2\"");
    let container = Descriptor::parse("x.toml", &text).unwrap();
    assert_eq!(container.release, Release::Is("1.2".to_owned()));
    let Reach::Container(container) = container.reach else { panic!("it is a container") };
    assert_eq!((container.port, container.deadline), (1883, Duration::from_secs(60)));
}

#[test]
fn any_text_is_answered() {
    for entry in shipped() {
        for cut in (0..entry.text.len()).step_by(41).filter(|&cut| entry.text.is_char_boundary(cut)) {
            for text in [entry.text[..cut].to_owned(), format!("{}{}", &entry.text[..cut], &entry.text[cut + 1..])] {
                if let Err(diagnostics) = Descriptor::parse("cut", &text) {
                    assert!(diagnostics.to_string().contains("--> cut:"));
                }
            }
        }
    }
}

#[test]
fn what_is_neither_file_nor_name_is_said_so() {
    let error = Descriptor::load("mosquito").unwrap_err();
    assert_eq!(error.to_string(), "no target is called `mosquito`; did you mean `mosquitto`?");
    assert!(matches!(Descriptor::load("nowhere/mosquitto.toml"), Err(LoadError::Unreadable { .. })));
}

#[test]
fn the_shipped_schema_is_the_generated_one() {
    let path = folder("target.schema.json");
    let generated = format!("{:#}\n", targets::schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let shipped = fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == generated, "run: UPDATE_SCHEMA=1 cargo test -p targets --test descriptors");
}

#[test]
fn the_schema_takes_what_is_taken_and_refuses_typos() {
    let validator = jsonschema::validator_for(&targets::schema()).expect("it is a schema");
    let json = |text: &str| serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    for entry in shipped() {
        let errors: Vec<String> = validator.iter_errors(&json(entry.text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", entry.name);
        assert!(!validator.is_valid(&json(&entry.text.replacen("product", "prodcut", 1))), "{}", entry.name);
    }
}

#[test]
fn every_key_has_a_description_and_says_its_default() {
    let schema = targets::schema();
    let definitions = schema["$defs"].as_object().unwrap().iter();
    let mut count = 0;
    for (name, section) in definitions.map(|(name, section)| (name.as_str(), section)).chain([("document", &schema)]) {
        assert_eq!(section["additionalProperties"], false, "{name}");
        let required: Vec<_> = section["required"].as_array().unwrap().iter().filter_map(|key| key.as_str()).collect();
        for (key, property) in section["properties"].as_object().unwrap() {
            let description = property["description"].as_str().unwrap_or_default();
            // One of three, or one of two, is there: each by itself has no default.
            let choice = ["address", "process", "container", "is", "command"].contains(&key.as_str());
            let says = description.contains("Default: ");
            assert!(description.len() > 10, "{name}.{key} has no description");
            assert_eq!(says, !required.contains(&key.as_str()) && !choice, "{name}.{key}: {description}");
            count += 1;
        }
    }
    assert!(count > 60, "only {count} keys were looked at");
}
