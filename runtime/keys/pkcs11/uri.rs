//! How a key on a token is named (RFC 7512).

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

/// The attributes of a URI that name a private key. What is not written matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uri {
    text: String,
    pub(super) token: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) slot: Option<u64>,
    pub(super) object: Option<String>,
    pub(super) id: Option<Vec<u8>>,
    /// The module, where the URI names it.
    pub module: Option<String>,
    /// A file that holds the PIN.
    pub pin_source: Option<PathBuf>,
}

impl Uri {
    /// Reads a URI. Fails with a sentence that names what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix(super::SCHEME)
            .ok_or("it does not begin with pkcs11:")?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        // A PIN is in neither of them, or it was refused.
        let mut uri = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        let attributes = path.split(';').chain(query.split('&')).filter(|part| !part.is_empty());
        let mut seen = Vec::new();
        for attribute in attributes {
            let (name, value) = attribute
                .split_once('=')
                .ok_or_else(|| format!("its attribute {attribute:?} has no value"))?;
            if seen.contains(&name) {
                return Err(format!("its attribute {name:?} is written twice"));
            }
            seen.push(name);
            uri.set(name, value)?;
        }
        if uri.object.is_none() && uri.id.is_none() {
            return Err("it names no key: expected `object` or `id`".to_owned());
        }
        Ok(uri)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let bytes: Vec<u8> = percent_decode_str(value).collect();
        if name == "id" {
            self.id = Some(bytes);
            return Ok(());
        }
        let text = String::from_utf8(bytes).map_err(|_| format!("its attribute {name:?} is no text"))?;
        match name {
            "token" => self.token = Some(text),
            "serial" => self.serial = Some(text),
            "manufacturer" => self.manufacturer = Some(text),
            "model" => self.model = Some(text),
            "object" => self.object = Some(text),
            "slot-id" => {
                let slot = text.parse().map_err(|_| "its `slot-id` is no number".to_owned())?;
                self.slot = Some(slot);
            }
            "type" if text == "private" => {}
            "type" => return Err(format!("its `type` is {text:?}: a private key is wanted")),
            "module-path" | "module-name" => self.module = Some(text),
            "pin-source" => {
                let path = text.strip_prefix("file:").unwrap_or(&text);
                if path.starts_with('|') {
                    return Err("its `pin-source` is a command: a file is wanted".to_owned());
                }
                let path = path.strip_prefix("//").unwrap_or(path);
                self.pin_source = Some(Path::new(path).to_owned());
            }
            "pin-value" => {
                return Err(
                    "a PIN in a URI is no secret: give a secret's name as `pin`, or write `pin-source`".to_owned(),
                );
            }
            // What describes the library or the slot narrows nothing that is not told apart already.
            "library-manufacturer"
            | "library-description"
            | "library-version"
            | "slot-manufacturer"
            | "slot-description" => {}
            other => return Err(format!("its attribute {other:?} is not known")),
        }
        Ok(())
    }

    /// As people name the token.
    pub(super) fn token_name(&self) -> String {
        match (&self.token, &self.serial, self.slot) {
            (Some(token), _, _) => format!("the token {token:?}"),
            (None, Some(serial), _) => format!("the token with the serial number {serial:?}"),
            (None, None, Some(slot)) => format!("the token in slot {slot}"),
            (None, None, None) => "a token".to_owned(),
        }
    }

    /// As people name the key.
    pub(super) fn key_name(&self) -> String {
        match (&self.object, &self.id) {
            (Some(object), _) => format!("private key {object:?}"),
            (None, Some(id)) => format!("private key with the id {}", hex::encode(id)),
            (None, None) => "private key".to_owned(),
        }
    }
}

impl std::fmt::Display for Uri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_a_key() {
        let uri = Uri::parse("pkcs11:token=my%20agents;object=partner;type=private;id=%01a?pin-source=file:/run/pin")
            .unwrap();
        assert_eq!(uri.token.as_deref(), Some("my agents"));
        assert_eq!(uri.object.as_deref(), Some("partner"));
        assert_eq!(uri.id.as_deref(), Some(&b"\x01a"[..]));
        assert_eq!(uri.pin_source.as_deref(), Some(Path::new("/run/pin")));
    }

    #[test]
    fn what_is_wrong_with_a_uri_is_said() {
        for (text, part) in [
            ("pkcs11:token=a", "names no key"),
            ("pkcs11:object=a;object=b", "twice"),
            ("pkcs11:object=a;type=public", "a private key is wanted"),
            ("pkcs11:object=a?pin-value=1234", "no secret"),
            ("pkcs11:object=a?pin-source=|cat", "a command"),
            ("pkcs11:object=a;slot-id=x", "no number"),
            ("pkcs11:object", "no value"),
            ("pkcs11:object=%ff", "no text"),
            ("pkcs11:object=a;colour=red", "not known"),
        ] {
            let why = Uri::parse(text).unwrap_err();
            assert!(why.contains(part), "{text}: {why}");
        }
    }
}
