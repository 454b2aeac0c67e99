//! Which of several certificates a client is shown: the one that has the name which it asks for (RFC 6066, section 3).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;

use crate::egress::tls::Identity;

/// The certificates of a server by their names, and the one for whoever asks for none of them.
pub(super) struct ByName {
    default: Arc<CertifiedKey>,
    /// In small letters; `*.example.com` as `.example.com`.
    named: HashMap<String, Arc<CertifiedKey>>,
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByName").finish_non_exhaustive()
    }
}

impl ByName {
    /// The first one with a name is shown to who asks for that.
    ///
    /// # Errors
    /// Where one beside the default has no name that anybody could ask for.
    pub(super) fn new(default: &Identity, others: &[Identity]) -> Result<Self, String> {
        let mut named = HashMap::new();
        for (is_default, identity) in others.iter().map(|other| (false, other)).chain([(true, default)]) {
            let certified = identity.certified();
            let names = certified.end_entity_cert().map(names).unwrap_or_default();
            if names.is_empty() && !is_default {
                return Err(format!(
                    "the certificate of {} has no DNS name: nobody can ask for it",
                    identity.name
                ));
            }
            for name in names {
                named.entry(name).or_insert_with(|| Arc::clone(&certified));
            }
        }
        Ok(Self {
            default: default.certified(),
            named,
        })
    }

    fn of(&self, name: &str) -> &Arc<CertifiedKey> {
        let name = name.to_ascii_lowercase();
        // A wildcard is for one label (RFC 6125, section 6.4.3).
        let wild = || name.find('.').and_then(|dot| self.named.get(&name[dot..]));
        self.named.get(&name).or_else(wild).unwrap_or(&self.default)
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certified = hello.server_name().map_or(&self.default, |name| self.of(name));
        Some(Arc::clone(certified))
    }
}

/// A certificate's DNS names, as they are looked up.
fn names(der: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(der) else {
        return Vec::new();
    };
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.strip_prefix('*').unwrap_or(name).to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(folder: &std::path::Path, file: &str, names: &[&str]) -> Identity {
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let (cert, path) = (folder.join(format!("{file}.pem")), folder.join(format!("{file}.key")));
        std::fs::write(&cert, certificate.pem()).unwrap();
        std::fs::write(&path, key.serialize_pem()).unwrap();
        Identity::load(file, &cert, &crate::keys::KeySource::File(path), &[]).unwrap()
    }

    #[test]
    fn the_name_that_is_asked_for_says_which() {
        let folder = tempfile::tempdir().unwrap();
        let own = identity(folder.path(), "own", &["own.example"]);
        let wild = identity(
            folder.path(),
            "wild",
            &["*.wild.example", "own.example", "A.wild.example"],
        );
        let exact = identity(folder.path(), "exact", &["a.wild.example", "b.wild.example"]);
        let all = ByName::new(&own, &[wild.clone(), exact.clone()]).unwrap();
        for (name, expected) in [
            ("c.wild.example", &wild),
            ("C.WILD.example", &wild),
            ("a.wild.example", &wild),
            ("b.wild.example", &exact),
            ("own.example", &wild),
            ("wild.example", &own),
            ("x.c.wild.example", &own),
            ("other", &own),
            ("", &own),
        ] {
            assert!(Arc::ptr_eq(all.of(name), &expected.certified()), "{name}");
        }
        let nameless = identity(folder.path(), "nameless", &["127.0.0.1"]);
        assert!(ByName::new(&nameless, std::slice::from_ref(&own)).is_ok());
        assert!(ByName::new(&own, &[nameless]).unwrap_err().contains("no DNS name"));
    }
}
