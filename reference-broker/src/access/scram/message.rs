//! What a client says in SCRAM (RFC 5802, section 7), taken apart.

/// `n,,n=user,r=nonce`
#[derive(Debug)]
pub(super) struct ClientFirst {
    /// Up to the second comma: channel binding and authorization identity.
    pub(super) header: Box<str>,
    /// What follows; both sides sign it.
    pub(super) bare: Box<str>,
    pub(super) user: Box<str>,
    pub(super) nonce: Box<str>,
}

/// `c=biws,r=nonce,p=proof`
pub(super) struct ClientFinal<'a> {
    pub(super) without_proof: &'a str,
    /// Base64 of the header of the first message.
    pub(super) channel: &'a str,
    pub(super) nonce: &'a str,
    /// Base64.
    pub(super) proof: &'a str,
}

impl ClientFirst {
    /// `None` for what breaks the grammar, demands channel binding or an extension, or wants to act for somebody else.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(data).ok()?;
        let (flag, rest) = text.split_once(',')?;
        // `p=...` demands a binding to the channel; `y` and `n` are content without.
        if !matches!(flag, "n" | "y") {
            return None;
        }
        let (authorization, bare) = rest.split_once(',')?;
        // `m=` in front would be an extension that must be understood.
        let (user, rest) = bare.strip_prefix("n=")?.split_once(',')?;
        let user = name(user)?;
        if !authorization.is_empty() && name(authorization.strip_prefix("a=")?)? != user {
            return None;
        }
        let mut fields = rest.split(',');
        let nonce = fields.next()?.strip_prefix("r=")?;
        let printable = |byte: u8| (0x21..=0x7E).contains(&byte);
        if nonce.is_empty() || !nonce.bytes().all(printable) {
            return None;
        }
        let header = &text[..text.len() - bare.len()];
        Some(Self { header: header.into(), bare: bare.into(), user: user.into(), nonce: nonce.into() })
    }
}

impl<'a> ClientFinal<'a> {
    pub(super) fn parse(data: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(data).ok()?;
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let mut fields = without_proof.split(',');
        let channel = fields.next()?.strip_prefix("c=")?;
        let nonce = fields.next()?.strip_prefix("r=")?;
        Some(Self { without_proof, channel, nonce, proof })
    }
}

/// A name in which `=2C` stands for a comma and `=3D` for an equals sign.
fn name(text: &str) -> Option<String> {
    let mut pieces = text.split('=');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        let (sign, rest) = piece.split_at_checked(2)?;
        name.push(match sign {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        name.push_str(rest);
    }
    (!name.is_empty()).then_some(name)
}
