//! Sections: tables with fixed keys, declared once for reading, defaults, schema, example and differences.

use std::ops::Range;

use schemars::{Schema, SchemaGenerator, json_schema};
use toml::de::{DeTable, DeValue};

use super::{
    diagnostic::Problem,
    node::{At, Node, Reading, Value},
    similar::did_you_mean,
    tree::{Field, Tree, When},
};

/// Declares a section. Of each key it says when a change takes effect (`live`, `new`, `restart`; see [`When`]), whether it is
/// `required`, `optional`, or has a `default`, and for the first two what it could look like, as TOML (`like "..."`; not for
/// tables). Its documentation becomes the description in the schema and in the example; range, default and time of effect are
/// added there by themselves, except for the default of what is optional.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $( $(#[doc = $doc:literal])+ $when:ident $need:ident $key:ident: $type:ty $(= $default:expr)? $(, like $sample:literal)?; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub(super) struct $name {
            $( $(#[doc = $doc])+ pub(super) $key: section!(@type $need $type), )+
        }

        impl crate::settings::section::Section for $name {
            fn from_table(mut keys: crate::settings::section::Keys<'_, '_>) -> Option<Self> {
                keys.refuse_unknown(&[$( stringify!($key) ),+]);
                $( let $key = section!(@read keys, $need, stringify!($key) $(, $default)?); )+
                Some(Self { $( $key: section!(@take $need $key) ),+ })
            }

            fn fields(&self) -> Vec<crate::settings::tree::Field> {
                vec![$( crate::settings::tree::Field {
                    key: stringify!($key),
                    about: section!(@about $need, $type, [$($doc),+] $(, $default)?),
                    when: section!(@when $when),
                    tree: section!(@tree $need, self.$key, $type $(, $sample)?),
                } ),+]
            }

            fn outline() -> Vec<crate::settings::tree::Field> {
                vec![$( crate::settings::tree::Field {
                    key: stringify!($key),
                    about: section!(@about $need, $type, [$($doc),+] $(, $default)?),
                    when: section!(@when $when),
                    tree: section!(@outline $need, $type $(, $default)? $(, like $sample)?),
                } ),+]
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).trim_end_matches("Section").into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut object = crate::settings::section::Object::new(&[$($about),+]);
                $(
                    let about = section!(@about $need, $type, [$($doc),+] $(, $default)?);
                    let schema = <$type as crate::settings::node::Value>::schema(generator);
                    let default = section!(@default $type $(, $default)?);
                    let required = section!(@required $need);
                    object.add(stringify!($key), schema, about, section!(@when $when), default, required);
                )+
                object.finish()
            }
        }
    };

    (@when live) => { crate::settings::tree::When::Live };
    (@when new) => { crate::settings::tree::When::New };
    (@when restart) => { crate::settings::tree::When::Restart };

    (@type required $type:ty) => { crate::settings::node::At<$type> };
    (@type default $type:ty) => { crate::settings::node::At<$type> };
    (@type optional $type:ty) => { Option<crate::settings::node::At<$type>> };

    (@read $keys:ident, required, $key:expr) => { $keys.required($key) };
    (@read $keys:ident, optional, $key:expr) => { $keys.optional($key) };
    (@read $keys:ident, default, $key:expr, $default:expr) => { $keys.or($key, || $default) };

    (@take required $key:ident) => { $key? };
    (@take optional $key:ident) => { $key };
    (@take default $key:ident) => { $key };

    (@about default, $type:ty, $docs:expr, $default:expr) => {{
        let default: $type = $default;
        crate::settings::section::about(&$docs, &<$type as crate::settings::node::Value>::range(), Some(&default))
    }};
    (@about $need:ident, $type:ty, $docs:expr) => {
        crate::settings::section::about::<$type>(&$docs, &<$type as crate::settings::node::Value>::range(), None)
    };

    (@tree optional, $value:expr, $type:ty $(, $sample:literal)?) => {
        match &$value {
            Some(value) => crate::settings::node::Value::tree(&value.value),
            None => section!(@outline optional, $type $(, like $sample)?),
        }
    };
    (@tree $need:ident, $value:expr, $type:ty $(, $sample:literal)?) => {
        crate::settings::node::Value::tree(&$value.value)
    };

    (@outline default, $type:ty, $default:expr) => {{
        let default: $type = $default;
        crate::settings::node::Value::tree(&default)
    }};
    (@outline required, $type:ty, like $sample:literal) => {
        <$type as crate::settings::node::Value>::outline($sample)
    };
    (@outline optional, $type:ty, like $sample:literal) => {
        crate::settings::tree::Tree::Unset(Box::new(<$type as crate::settings::node::Value>::outline($sample)))
    };
    (@outline optional, $type:ty) => {
        crate::settings::tree::Tree::Unset(Box::new(<$type as crate::settings::node::Value>::outline("")))
    };

    (@default $type:ty) => { None };
    (@default $type:ty, $default:expr) => {{
        let default: $type = $default;
        Some(crate::settings::node::Value::tree(&default))
    }};

    (@required required) => { true };
    (@required $other:ident) => { false };
}

pub(super) use section;

/// A table with fixed keys.
pub(super) trait Section: Sized + schemars::JsonSchema {
    /// Reads it; absent when a required key is, which has been reported then.
    fn from_table(keys: Keys<'_, '_>) -> Option<Self>;

    /// Its keys with their values.
    fn fields(&self) -> Vec<Field>;

    /// Its keys as they could look.
    fn outline() -> Vec<Field>;
}

impl<T: Section> Value for T {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        let DeValue::Table(table) = node.value else { return node.mismatch("a table", reading) };
        Self::from_table(Keys { table, span: node.start..node.end, path: node.path, reading })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }

    fn tree(&self) -> Tree {
        Tree::Table(self.fields())
    }

    fn outline(_: &str) -> Tree {
        Tree::Table(<Self as Section>::outline())
    }
}

/// A section in which nothing is written. It has no required key.
pub(super) fn empty<T: Section>(path: &str) -> T {
    let mut reading = Reading { text: "", lookup: &|_| None, problems: Vec::new(), secrets: Vec::new() };
    let keys = Keys { table: &DeTable::new(), span: 0..0, path, reading: &mut reading };
    T::from_table(keys).expect("no key is required")
}

/// A table that can stand several times, as `[[listeners]]`.
pub(super) trait Labelled: Section {
    /// What tells it from its siblings in lists of differences; `index` is its place among them.
    fn label(&self, index: usize) -> String;
}

/// Tables in the order of the text.
#[derive(Clone, Debug)]
pub(super) struct Tables<T>(pub(super) Vec<At<T>>);

impl<T: Labelled> Value for Tables<T> {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        elements(node, reading).map(Self)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": T::schema(generator) })
    }

    fn tree(&self) -> Tree {
        let entries = self.0.iter().enumerate().map(|(index, table)| (table.label(index), table.fields()));
        Tree::Tables(entries.collect(), <T as Section>::outline())
    }

    fn outline(_: &str) -> Tree {
        Tree::Tables(Vec::new(), <T as Section>::outline())
    }
}

/// The elements of a list, as far as they are right.
pub(super) fn elements<T: Value>(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Vec<At<T>>> {
    let DeValue::Array(elements) = node.value else { return node.mismatch("a list", reading) };
    let mut values = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let path = format!("{}[{index}]", node.path);
        let span = element.span();
        let node = Node { value: element.get_ref(), start: span.start, end: span.end, path: &path };
        values.extend(T::read(node, reading).map(|value| node.at(value)));
    }
    Some(values)
}

/// Reads the keys of one section.
pub(super) struct Keys<'a, 'r> {
    pub(super) table: &'a DeTable<'a>,
    pub(super) span: Range<usize>,
    pub(super) path: &'a str,
    pub(super) reading: &'a mut Reading<'r>,
}

impl Keys<'_, '_> {
    /// Reports every key that the section does not know.
    pub(super) fn refuse_unknown(&mut self, known: &[&str]) {
        for key in self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            let message = match self.path {
                "" => format!("`{}` is not a key of the configuration", name.escape_debug()),
                path => format!("`{}` is not a key of `{path}`", name.escape_debug()),
            };
            let hint = match did_you_mean(name, known.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None if known.len() > 12 => "`paddock broker example` shows all keys".to_owned(),
                None => format!("keys here are {}", known.join(", ")),
            };
            let path = join(self.path, name);
            self.reading.problems.push(Problem { span: key.span(), path, message, hint: Some(hint) });
        }
    }

    /// The value of a key that may be absent.
    pub(super) fn optional<T: Value>(&mut self, key: &str) -> Option<At<T>> {
        let value = self.table.get(key)?;
        let path = join(self.path, key);
        let span = value.span();
        let node = Node { value: value.get_ref(), start: span.start, end: span.end, path: &path };
        Some(node.at(T::read(node, self.reading)?))
    }

    /// The value of a key that must be there.
    pub(super) fn required<T: Value>(&mut self, key: &str) -> Option<At<T>> {
        if !self.table.contains_key(key) {
            let message = format!("`{key}` is missing from `{}`", self.path);
            let path = join(self.path, key);
            self.reading.problems.push(Problem { span: self.span.clone(), path, message, hint: None });
        }
        self.optional(key)
    }

    /// The value of a key, or what counts when it is absent.
    pub(super) fn or<T: Value>(&mut self, key: &str, default: impl FnOnce() -> T) -> At<T> {
        let path = join(self.path, key);
        let span = self.span.clone();
        self.optional(key).unwrap_or_else(|| At { value: default(), span, path, written: false })
    }
}

/// Appends a key to a path as TOML would write it.
fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let key = if bare { key.to_owned() } else { format!("\"{}\"", key.escape_debug()) };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The description of a key.
pub(super) fn about<T: Value>(docs: &[&str], range: &str, default: Option<&T>) -> String {
    let mut about = prose(docs);
    if !range.is_empty() {
        about.push_str(&format!(" Write {range}."));
    }
    if let Some(Tree::Leaf(leaf)) = default.map(Value::tree) {
        about.push_str(&format!(" Default: {leaf}."));
    }
    about
}

/// Joins the lines of a documentation comment.
fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// A section's JSON schema as it comes about.
pub(super) struct Object {
    about: String,
    properties: serde_json::Map<String, serde_json::Value>,
    required: Vec<&'static str>,
}

impl Object {
    pub(super) fn new(docs: &[&str]) -> Self {
        Self { about: prose(docs), properties: serde_json::Map::new(), required: Vec::new() }
    }

    pub(super) fn add(
        &mut self,
        key: &'static str,
        mut schema: Schema,
        about: String,
        when: When,
        default: Option<Tree>,
        required: bool,
    ) {
        let table = matches!(default, Some(Tree::Table(_) | Tree::Tables(..)));
        let about = if table { about } else { format!("{about} ({})", when.sentence()) };
        schema.insert("description".to_owned(), about.into());
        if let Some(Tree::Leaf(leaf)) = default {
            schema.insert("default".to_owned(), leaf.value);
        }
        self.properties.insert(key.to_owned(), schema.to_value());
        if required {
            self.required.push(key);
        }
    }

    pub(super) fn finish(self) -> Schema {
        json_schema!({
            "type": "object",
            "description": self.about,
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": false,
        })
    }
}
