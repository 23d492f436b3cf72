//! Sections: tables with fixed keys, declared once for reading, defaults and schema.

/// Declares a section: a type whose fields are its keys, with [`Read`](crate::Read) and its JSON schema.
///
/// Each key is `required`, `optional`, or has a `default`; its documentation becomes the description in the schema. Keys that
/// are Rust's own words are written `r#do`. `NAMESection` is called `NAME` in the schema.
///
/// ```
/// located::section! {
///     /// A pen of a barn.
///     PenSection {
///         /// What it is called.
///         required name: String;
///         /// Whether calves live in it.
///         default calves: bool = false;
///         /// What is known about it. Default: nothing.
///         optional notes: Vec<located::At<String>>;
///     }
/// }
///
/// fn parse(text: &str) -> Result<PenSection, located::Diagnostics> {
///     let mut reading = located::Reading::new(text, "a pen");
///     let found = reading.parse().map(|root| PenSection::from_keys(root.keys(&mut reading)));
///     reading.finish("pen.toml", found)
/// }
///
/// let pen = parse("name = \"west\"").unwrap();
/// assert_eq!((pen.name.unwrap().value.as_str(), pen.calves.value, pen.notes.is_none()), ("west", false, true));
/// assert!(parse("calves = 1").err().unwrap().to_string().contains("name"));
/// ```
#[macro_export]
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $( $(#[doc = $doc:literal])+ $need:ident $key:ident: $type:ty $(= $default:expr)?; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(crate) struct $name {
            $( $(#[doc = $doc])+ pub(crate) $key: $crate::section!(@type $need $type), )+
        }

        impl $name {
            const KEYS: &[&str] = &[$( $crate::section!(@name $key) ),+];

            /// Reads the section from its table.
            pub(crate) fn from_keys(mut keys: $crate::Keys<'_, '_>) -> Self {
                keys.refuse_unknown(Self::KEYS);
                Self { $( $key: $crate::section!(@read keys, $need, $crate::section!(@name $key) $(, $default)?), )+ }
            }
        }

        impl $crate::Read for $name {
            fn read(node: $crate::Node<'_>, reading: &mut $crate::Reading<'_>) -> Option<Self> {
                node.keys(reading).map(Self::from_keys)
            }

            fn schema(generator: &mut $crate::schemars::SchemaGenerator) -> $crate::schemars::Schema {
                generator.subschema_for::<Self>()
            }
        }

        impl $crate::schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).trim_end_matches("Section").into()
            }

            fn json_schema(generator: &mut $crate::schemars::SchemaGenerator) -> $crate::schemars::Schema {
                let mut properties = $crate::serde_json::Map::new();
                let required = [$( $crate::section!(@required $need, $crate::section!(@name $key)) ),+].into_iter().flatten();
                $(
                    let mut schema = <$type as $crate::Read>::schema(generator);
                    let description = $crate::prose(&[$($doc),+]);
                    schema.insert("description".to_owned(), description.into());
                    $( $crate::section!(@default schema, $type, $default); )?
                    properties.insert($crate::section!(@name $key).to_owned(), schema.to_value());
                )+
                $crate::schemars::json_schema!({
                    "type": "object",
                    "description": $crate::prose(&[$($about),+]),
                    "properties": properties,
                    "required": required.collect::<Vec<&str>>(),
                    "additionalProperties": false,
                })
            }
        }
    };

    (@name $key:ident) => { $crate::bare(stringify!($key)) };

    (@type required $type:ty) => { Option<$crate::At<$type>> };
    (@type optional $type:ty) => { Option<$crate::At<$type>> };
    (@type default $type:ty) => { $crate::At<$type> };

    (@read $keys:ident, required, $key:expr) => { $keys.required($key, $crate::Read::read) };
    (@read $keys:ident, optional, $key:expr) => { $keys.optional($key, $crate::Read::read) };
    (@read $keys:ident, default, $key:expr, $default:expr) => {
        $keys.or($key, $crate::Read::read, || $default)
    };

    (@required required, $key:expr) => { Some($key) };
    (@required $other:ident, $key:expr) => { None };

    (@default $schema:ident, $type:ty, $default:expr) => {
        let default: $type = $default;
        let default = $crate::serde_json::to_value(default).expect("defaults are plain values");
        $schema.insert("default".to_owned(), default);
    };
}

/// Joins the lines of a documentation comment.
#[doc(hidden)]
#[must_use]
pub fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// A key without the prefix that lets it be one of Rust's own words.
#[doc(hidden)]
#[must_use]
pub const fn bare(key: &'static str) -> &'static str {
    match key.as_bytes() {
        [b'r', b'#', ..] => key.split_at(2).1,
        _ => key,
    }
}
