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

            /// Reads the section from its table.
            pub(crate) fn from_keys(mut keys: located::Keys<'_, '_>) -> Self {
                keys.refuse_unknown(Self::KEYS);
                Self { $( $key: section!(@read keys, $need, section!(@name $key) $(, $default)?), )+ }
            }
        }

        impl $crate::document::Read for $name {
            fn read(node: located::Node<'_>, reading: &mut located::Reading<'_>) -> Option<Self> {
                node.keys(reading).map(Self::from_keys)
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

    (@type required $type:ty) => { Option<located::At<$type>> };
    (@type optional $type:ty) => { Option<located::At<$type>> };
    (@type default $type:ty) => { located::At<$type> };

    (@read $keys:ident, required, $key:expr) => { $keys.required($key, $crate::document::Read::read) };
    (@read $keys:ident, optional, $key:expr) => { $keys.optional($key, $crate::document::Read::read) };
    (@read $keys:ident, default, $key:expr, $default:expr) => {
        $keys.or($key, $crate::document::Read::read, || $default)
    };

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
