//! Texts with holes that are filled when a broker is started.

use std::{fmt, str::FromStr};

use located::{Wrong, did_you_mean};

/// A text with holes: `listener ${port} 127.0.0.1`. `$${` stands for `${` itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Hole(Hole),
}

/// What a hole is filled with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hole {
    /// `${port}`, `${port:NAME}`, and of another node `${port@2}`, `${port:NAME@2}`: a free port of this machine, or the
    /// port here that leads to one of the container.
    Port { name: String, node: Option<u16> },
    /// `${dir}`: the folder of the node.
    Dir,
    /// `${config}`: the file with the configuration.
    Config,
    /// `${node}`: the number of the node, from 1.
    Node,
    /// `${host}`: where its ports are reached.
    Host,
    /// `${paddock}`: the program `paddock`.
    Paddock,
}

impl Hole {
    /// How they are written, the usual ones.
    const WORDS: [&str; 6] = ["port", "dir", "config", "node", "host", "paddock"];
}

impl Template {
    /// The holes, in their order.
    pub(crate) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Hole(hole) => Some(hole),
            Piece::Text(_) => None,
        })
    }

    /// The text with its holes filled.
    pub(crate) fn fill(&self, fill: &dyn Fn(&Hole) -> String) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Hole(hole) => fill(hole),
        };
        self.0.iter().map(piece).collect()
    }
}

impl FromStr for Template {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if let Some(before) = rest[..at].strip_suffix('$') {
                plain.push_str(before);
                plain.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            plain.push_str(&rest[..at]);
            let Some((inside, after)) = rest[at + 2..].split_once('}') else {
                return Err(Wrong::new("`${` is never closed", "write `$${` for the characters themselves"));
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Hole(inside.parse()?));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }
}

impl FromStr for Hole {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let unknown = || {
            let hint = match did_you_mean(text, Self::WORDS) {
                Some(word) => format!("did you mean `${{{word}}}`?"),
                None => format!("there are {}", Self::WORDS.map(|word| format!("${{{word}}}")).join(", ")),
            };
            Wrong::new(format!("nothing is called `${{{}}}`", text.escape_debug()), hint)
        };
        match text {
            "dir" => return Ok(Self::Dir),
            "config" => return Ok(Self::Config),
            "node" => return Ok(Self::Node),
            "host" => return Ok(Self::Host),
            "paddock" => return Ok(Self::Paddock),
            _ => {}
        }
        let rest = text.strip_prefix("port").ok_or_else(unknown)?;
        let (name, node) = rest.split_once('@').map_or((rest, None), |(name, node)| (name, Some(node)));
        let name = match name.strip_prefix(':') {
            Some(name) if is_port_name(name) => name,
            None if name.is_empty() => "",
            _ => return Err(unknown()),
        };
        let node =
            node.map(|node| node.parse::<u16>().ok().filter(|&node| node > 0).ok_or_else(unknown)).transpose()?;
        Ok(Self::Port { name: name.to_owned(), node })
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { name, node } => {
                let name = if name.is_empty() { String::new() } else { format!(":{name}") };
                let node = node.map_or_else(String::new, |node| format!("@{node}"));
                write!(f, "${{port{name}{node}}}")
            }
            Self::Dir => f.write_str("${dir}"),
            Self::Config => f.write_str("${config}"),
            Self::Node => f.write_str("${node}"),
            Self::Host => f.write_str("${host}"),
            Self::Paddock => f.write_str("${paddock}"),
        }
    }
}

/// What a port may be called.
pub(crate) fn is_port_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        text.parse::<Template>().unwrap().fill(&|hole| format!("<{hole}>"))
    }

    #[test]
    fn holes_are_filled_and_the_rest_stays() {
        assert_eq!(filled("listener ${port} 127.0.0.1\n"), "listener <${port}> 127.0.0.1\n");
        assert_eq!(
            filled("${dir}${config}${node}${host}${paddock}"),
            "<${dir}><${config}><${node}><${host}><${paddock}>"
        );
        assert_eq!(filled("${port:ws} ${port@2} ${port:a_1@12}"), "<${port:ws}> <${port@2}> <${port:a_1@12}>");
        assert_eq!(filled(""), "");
        assert_eq!(filled("a $ { } $$ b"), "a $ { } $$ b");
        assert_eq!(filled("$${port} and ${port}, $$${port}"), "${port} and <${port}>, $${port}");
    }

    #[test]
    fn what_is_no_hole_is_explained() {
        for (text, hint) in [
            ("${prot}", "did you mean `${port}`?"),
            ("${home}", "there are ${port}, ${dir}, ${config}, ${node}, ${host}, ${paddock}"),
            ("${port", "write `$${` for the characters themselves"),
        ] {
            assert_eq!(text.parse::<Template>().unwrap_err().hint, hint, "{text}");
        }
        for text in ["${}", "${port:}", "${port:A}", "${port@0}", "${port@x}", "${ports}", "${port:a@}"] {
            assert!(text.parse::<Template>().is_err(), "{text}");
        }
    }
}
