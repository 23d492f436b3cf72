//! Sections: tables with fixed keys, declared once for reading and for the schema.

/// Declares a section. Each key is `required` or `optional`; its documentation becomes the description in the JSON schema and
/// says the default.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $( $(#[doc = $doc:literal])+ $need:ident $key:ident: $type:ty; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub(super) struct $name {
            $( $(#[doc = $doc])+ pub(super) $key: Option<located::At<$type>>, )+
        }

        impl $name {
            /// Reads it from its table.
            pub(super) fn from_keys(mut keys: located::Keys<'_, '_>) -> Self {
                keys.refuse_unknown(&[$( stringify!($key) ),+]);
                Self { $( $key: keys.$need(stringify!($key), $crate::document::value::Read::read), )+ }
            }
        }

        impl $crate::document::value::Read for $name {
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
                let mut required = Vec::new();
                $(
                    let mut schema = <$type as $crate::document::value::Read>::schema(generator);
                    schema.insert("description".to_owned(), $crate::document::section::prose(&[$($doc),+]).into());
                    properties.insert(stringify!($key).to_owned(), schema.to_value());
                    required.extend((stringify!($need) == "required").then_some(stringify!($key)));
                )+
                schemars::json_schema!({
                    "type": "object",
                    "description": $crate::document::section::prose(&[$($about),+]),
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                })
            }
        }
    };
}

pub(super) use section;

/// Joins the lines of a documentation comment.
pub(super) fn prose(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}
