//! The JSON schema is shipped, complete and documented.

use std::{fs, path::Path};

use serde_json::Value;

#[test]
fn shipped_schema_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenario.schema.json");
    let generated = format!("{:#}\n", scenarios::schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let shipped = fs::read_to_string(&path).unwrap_or_default();
    assert!(shipped == generated, "run: UPDATE_SCHEMA=1 cargo test -p scenarios --test schema");
}

/// Calls `visit` with the path and schema of every key.
fn keys(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        visit(&format!("{path}.{key}"), property);
    }
}

#[test]
fn every_key_has_a_description_and_says_its_default() {
    let schema = scenarios::schema();
    let mut count = 0;
    let mut sections = vec![("scenario file".to_owned(), &schema)];
    let definitions = schema["$defs"].as_object().unwrap();
    sections.extend(definitions.iter().map(|(name, definition)| (name.clone(), definition)));
    for (name, section) in sections {
        assert_eq!(section["additionalProperties"], false, "{name}");
        let required: Vec<&str> = section["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        keys(section, &name, &mut |path, property| {
            count += 1;
            let description = property["description"].as_str().unwrap_or_default();
            assert!(description.len() > 10, "{path} has no description");
            if let Some(default) = property.get("default").filter(|default| !default.is_object() && *default != "") {
                assert!(description.contains("Default: "), "{path} does not say that its default is {default}");
                let said = description.rsplit("Default: ").next().unwrap().trim_end_matches('.');
                let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
                let same =
                    said.split([' ', ',']).next() == Some(&default) || said.parse::<f64>() == default.parse::<f64>();
                assert!(same, "{path} says its default is {said}, it is {default}");
            }
            let key = path.rsplit('.').next().unwrap();
            assert!(!(required.contains(&key) && description.contains("Default:")), "{path} is required");
        });
    }
    assert!(count > 70, "only {count} keys were looked at");
}
