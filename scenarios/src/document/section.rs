//! Sections: tables with fixed keys, declared once for reading, defaults and schema.

/// Declares a section. Each key is `required`, `optional`, or has a `default`; its documentation becomes the description in the
/// JSON schema. Keys that are Rust's own words are written `r#do`.
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
            $( $(#[doc = $doc])+ pub(crate) $key: section!(@type $need $type), )+
        }

        impl $name {
            const KEYS: &[&str] = &[$( section!(@name $key) ),+];

            /// Reads the section from its table; `span` is its header, for keys that are missing.
            pub(crate) fn from_table(
                table: &toml::de::DeTable<'_>,
                span: std::ops::Range<usize>,
                path: &str,
                problems: &mut $crate::diagnostic::Problems,
            ) -> Self {
                let mut reader = $crate::document::table::Keys { table, span, path, problems };
                reader.refuse_unknown(Self::KEYS);
                Self { $( $key: section!(@read reader, $need, section!(@name $key) $(, $default)?), )+ }
            }
        }

        impl $crate::document::Read for $name {
            fn read(node: $crate::document::Node<'_>, problems: &mut $crate::diagnostic::Problems) -> Option<Self> {
                match node.value {
                    toml::de::DeValue::Table(table) => {
                        Some(Self::from_table(table, node.start..node.end, node.path, problems))
                    }
                    _ => node.mismatch("a table", problems),
                }
            }

            fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                generator.subschema_for::<Self>()
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).trim_end_matches("Section").into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut properties = serde_json::Map::new();
                let required = [$( section!(@required $need, section!(@name $key)) ),+].into_iter().flatten();
                $(
                    let mut schema = <$type as $crate::document::Read>::schema(generator);
                    let description = $crate::document::section::prose(&[$($doc),+]);
                    schema.insert("description".to_owned(), description.into());
                    $( section!(@default schema, $type, $default); )?
                    properties.insert(section!(@name $key).to_owned(), schema.to_value());
                )+
                schemars::json_schema!({
                    "type": "object",
                    "description": $crate::document::section::prose(&[$($about),+]),
                    "properties": properties,
                    "required": required.collect::<Vec<&str>>(),
                    "additionalProperties": false,
                })
            }
        }
    };

    (@name $key:ident) => { $crate::document::section::bare(stringify!($key)) };

    (@type required $type:ty) => { Option<$crate::document::At<$type>> };
    (@type optional $type:ty) => { Option<$crate::document::At<$type>> };
    (@type default $type:ty) => { $crate::document::At<$type> };

    (@read $reader:ident, required, $key:expr) => { $reader.required($key) };
    (@read $reader:ident, optional, $key:expr) => { $reader.optional($key) };
    (@read $reader:ident, default, $key:expr, $default:expr) => { $reader.or($key, $default) };

    (@required required, $key:expr) => { Some($key) };
    (@required $other:ident, $key:expr) => { None };

    (@default $schema:ident, $type:ty, $default:expr) => {
        let default: $type = $default;
        let default = serde_json::to_value(default).expect("defaults are plain values");
        $schema.insert("default".to_owned(), default);
    };
}

pub(crate) use section;

/// Joins the lines of a documentation comment.
pub(crate) fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// A key without the prefix that lets it be one of Rust's own words.
pub(crate) const fn bare(key: &'static str) -> &'static str {
    match key.as_bytes() {
        [b'r', b'#', ..] => key.split_at(2).1,
        _ => key,
    }
}
