//! Sections: tables with fixed keys, declared once for reading, defaults, schema, example and differences.

use located::{At, Keys, Node, Reading};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::{
    node::Value,
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
            fn from_keys(mut keys: located::Keys<'_, '_>) -> Option<Self> {
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

    (@type required $type:ty) => { located::At<$type> };
    (@type default $type:ty) => { located::At<$type> };
    (@type optional $type:ty) => { Option<located::At<$type>> };

    (@read $keys:ident, required, $key:expr) => { $keys.required($key, crate::settings::node::Value::read) };
    (@read $keys:ident, optional, $key:expr) => { $keys.optional($key, crate::settings::node::Value::read) };
    (@read $keys:ident, default, $key:expr, $default:expr) => {
        $keys.or($key, crate::settings::node::Value::read, || $default)
    };

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
    fn from_keys(keys: Keys<'_, '_>) -> Option<Self>;

    /// Its keys with their values.
    fn fields(&self) -> Vec<Field>;

    /// Its keys as they could look.
    fn outline() -> Vec<Field>;
}

impl<T: Section> Value for T {
    fn read(node: Node<'_>, reading: &mut Reading<'_>) -> Option<Self> {
        Self::from_keys(node.keys(reading)?)
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
    let mut reading = Reading::new("", "");
    T::from_keys(Keys::absent(path, &mut reading)).expect("no key is required")
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
        node.elements(reading, T::read).map(Self)
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
