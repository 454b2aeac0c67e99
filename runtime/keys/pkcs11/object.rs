//! A key among the objects of a token.

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::uri::Uri;
use crate::keys::public::{KeyKind, PublicKey};

/// `ecParams` of the curves: RFC 5480's identifiers, and for Ed25519 RFC 8410's and the names of PKCS #11 (3.0 and before).
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: [&[u8]; 3] = [
    &[0x06, 0x03, 0x2b, 0x65, 0x70],
    b"\x13\x0cedwards25519",
    &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01],
];

/// The one private key that a URI names.
pub(super) fn private(session: &Session, uri: &Uri) -> Result<ObjectHandle, Missing> {
    let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
    template.extend(uri.object.iter().map(|label| Attribute::Label(label.clone().into())));
    template.extend(uri.id.iter().map(|id| Attribute::Id(id.clone())));
    match session.find_objects(&template)?[..] {
        [key] => Ok(key),
        [] => Err(Missing::Key(format!("{} has no {}", uri.token_name(), uri.key_name()))),
        _ => Err(Missing::Key(format!(
            "{} has several keys of this name: add `id` to the URI",
            uri.token_name()
        ))),
    }
}

/// Why a key was not found.
pub(super) enum Missing {
    Key(String),
    Asking(cryptoki::error::Error),
}

impl From<cryptoki::error::Error> for Missing {
    fn from(error: cryptoki::error::Error) -> Self {
        Self::Asking(error)
    }
}

/// The public half: of the private key where that tells it, or of the public key with the same id.
pub(super) fn public(session: &Session, key: ObjectHandle) -> Result<PublicKey, Missing> {
    let mut kind = None;
    let mut template = vec![Attribute::Class(ObjectClass::PUBLIC_KEY)];
    for attribute in session.get_attributes(key, &[AttributeType::KeyType, AttributeType::Id])? {
        match attribute {
            Attribute::KeyType(found) => kind = Some(found),
            Attribute::Id(id) => template.push(Attribute::Id(id)),
            _ => {}
        }
    }
    let Some(kind) = kind else {
        return Err(Missing::Key(
            "the token does not tell of which kind the key is".to_owned(),
        ));
    };
    if template.len() == 2 {
        template.push(Attribute::KeyType(kind));
        if let Some(found) = session.find_objects(&template)?.first() {
            return read(session, *found, kind);
        }
    }
    read(session, key, kind)
}

fn read(session: &Session, object: ObjectHandle, kind: KeyType) -> Result<PublicKey, Missing> {
    let wanted = match kind {
        KeyType::RSA => [AttributeType::Modulus, AttributeType::PublicExponent],
        KeyType::EC | KeyType::EC_EDWARDS => [AttributeType::EcParams, AttributeType::EcPoint],
        _ => return Err(Missing::Key("it is no RSA, P-256, P-384 or Ed25519 key".to_owned())),
    };
    let (mut first, mut second) = (None, None);
    for attribute in session.get_attributes(object, &wanted)? {
        match attribute {
            Attribute::Modulus(bytes) | Attribute::EcParams(bytes) => first = Some(bytes),
            Attribute::PublicExponent(bytes) | Attribute::EcPoint(bytes) => second = Some(bytes),
            _ => {}
        }
    }
    let (Some(first), Some(second)) = (first, second) else {
        return Err(Missing::Key(
            "the token has no public key with the id of the private one".to_owned(),
        ));
    };
    if kind == KeyType::RSA {
        return Ok(PublicKey::rsa(first, second));
    }
    let kind = match &first[..] {
        P256 => KeyKind::P256,
        P384 => KeyKind::P384,
        other if ED25519.contains(&other) => KeyKind::Ed25519,
        _ => {
            return Err(Missing::Key(
                "it is on a curve other than P-256, P-384 and Ed25519".to_owned(),
            ));
        }
    };
    PublicKey::point(kind, &second).map_err(Missing::Key)
}
