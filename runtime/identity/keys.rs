//! The keys that tokens are signed by: P-256, in files of mode 0600, replaced in time with an overlap.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use rustix::fs::{Access, access};
use rustls_pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::keys::pkcs11::TokenKey;
use crate::keys::process::{HeldKey, KeyProcess};
use crate::keys::{JwtKey, KeyKind, RemoteKey, permissions, read_private_key, signing_key};

/// How long a new key is published before it signs, so that verifiers have fetched it.
const ANNOUNCED: Duration = Duration::from_mins(10);

/// Where keys are kept, and how long each of them signs.
#[derive(Debug, Clone)]
pub enum KeyStore {
    /// One file that the owner looks after.
    File(PathBuf),
    /// A key on a token.
    Token(Arc<TokenKey>),
    /// A folder of ours. A key older than this is replaced.
    Folder(PathBuf, Duration),
}

/// One key.
#[derive(Clone)]
pub(crate) struct Key {
    /// Its RFC 7638 thumbprint.
    pub(crate) id: String,
    pub(crate) signing: JwtKey,
    public: Value,
    made: SystemTime,
}

/// The keys that hold now.
pub struct KeyRing {
    store: KeyStore,
    /// What reads and makes the keys of files, where this process does not.
    process: Option<Arc<KeyProcess>>,
    /// How long a token holds, and so a key after its last signature.
    ttl: Duration,
    keys: RwLock<Arc<[Key]>>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Opens a store; an empty folder gets its first key. Fails where a key is unreadable or of another kind.
    pub fn open(store: KeyStore, ttl: Duration, process: Option<Arc<KeyProcess>>) -> Result<Self, String> {
        let ring = Self {
            store,
            process,
            ttl,
            keys: RwLock::new(Arc::from([])),
        };
        ring.refresh()?;
        Ok(ring)
    }

    /// The same for who only looks: nothing is made, and a folder that has no key yet gives one that is nobody's. Fails where none could be made.
    pub fn look(store: KeyStore, ttl: Duration, process: Option<Arc<KeyProcess>>) -> Result<Self, String> {
        let KeyStore::Folder(folder, _) = &store else {
            return Self::open(store, ttl, process);
        };
        let folder = folder.clone();
        let ring = Self {
            store,
            process,
            ttl,
            keys: RwLock::new(Arc::from([])),
        };
        let mut keys = if folder.is_dir() {
            for folder in [Some(folder.as_path()), folder.parent()].into_iter().flatten() {
                permissions::check_as(folder, permissions::Who::Looks)?;
            }
            ring.all(&folder)?.into_iter().map(|(key, _)| key).collect()
        } else {
            may_be_made(&folder)?;
            Vec::new()
        };
        if keys.is_empty() {
            let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| error.to_string())?;
            let private = PrivateKeyDer::try_from(pair.serialize_der()).map_err(ToOwned::to_owned)?;
            keys.push(of_software(&private, || "a key could not be made".to_owned())?);
        }
        if let Ok(mut held) = ring.keys.write() {
            *held = keys.into();
        }
        Ok(ring)
    }

    /// The keys of a folder, the oldest first.
    fn all(&self, folder: &Path) -> Result<Vec<(Key, PathBuf)>, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        let mut keys = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "pem") {
                keys.push((self.read(&path)?, path));
            }
        }
        keys.sort_by_key(|(key, _)| key.made);
        Ok(keys)
    }

    /// Reads the store again, and replaces and retires keys whose time has come. What fails leaves the old keys.
    pub fn refresh(&self) -> Result<(), String> {
        let keys = match &self.store {
            KeyStore::File(path) => vec![self.read(path)?],
            KeyStore::Token(key) => vec![of_owner(Arc::clone(key) as Arc<dyn RemoteKey>)],
            KeyStore::Folder(folder, rotate) => self.keep(folder, *rotate)?,
        };
        if let Ok(mut held) = self.keys.write() {
            *held = keys.into();
        }
        Ok(())
    }

    fn keep(&self, folder: &Path, rotate: Duration) -> Result<Vec<Key>, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        // Who may write the folder above may put another in its place.
        for folder in [Some(folder), folder.parent()].into_iter().flatten() {
            permissions::check(folder)?;
        }
        let mut keys = self.all(folder)?;
        if keys.last().is_none_or(|(newest, _)| age(newest) > rotate) {
            let path = self.make(folder)?;
            keys.push((self.read(&path)?, path));
        }
        // A key goes once the next one has signed for longer than any token of it can hold.
        let retire = self.ttl.saturating_add(ANNOUNCED + Duration::from_mins(5));
        while keys.len() > 1 && age(&keys[1].0) > retire {
            let (_, path) = keys.remove(0);
            std::fs::remove_file(path).map_err(failed)?;
        }
        Ok(keys.into_iter().map(|(key, _)| key).collect())
    }

    fn make(&self, folder: &Path) -> Result<PathBuf, String> {
        let path = folder.join(format!("{}.pem", uuid::Uuid::new_v4().simple()));
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        // A crash in the middle leaves no half of a key under the name that is read.
        let part = path.with_extension("part");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .map_err(failed)?;
        if let Some(process) = &self.process {
            HeldKey::make_into(process, KeyKind::P256, &file)?;
        } else {
            let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| error.to_string())?;
            file.write_all(pair.serialize_pem().as_bytes()).map_err(failed)?;
        }
        file.sync_all().map_err(failed)?;
        std::fs::rename(&part, &path).map_err(failed)?;
        Ok(path)
    }

    fn read(&self, path: &Path) -> Result<Key, String> {
        let failed = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let other = || failed(&"it is no P-256 key, which ES256 wants");
        let key = match &self.process {
            Some(process) => {
                let key = HeldKey::load(process, path)?;
                if key.public().kind != KeyKind::P256 {
                    return Err(other());
                }
                of_owner(key)
            }
            None => software(path, other)?,
        };
        let made = std::fs::metadata(path).and_then(|metadata| metadata.modified());
        Ok(Key {
            made: made.map_err(|error| failed(&error))?,
            ..key
        })
    }

    /// The key that signs now: the newest that verifiers can have seen.
    pub(crate) fn signing(&self) -> Key {
        let keys = self.held();
        let announced = keys.iter().rev().find(|key| age(key) > ANNOUNCED);
        announced
            .or(keys.first())
            .cloned()
            .unwrap_or_else(|| unreachable!("a ring opens with a key"))
    }

    /// The public keys as JSON Web Keys.
    pub(crate) fn public(&self) -> Vec<Value> {
        self.held().iter().map(|key| key.public.clone()).collect()
    }

    /// What tokens are signed by, as JWTs name it.
    pub(crate) fn algorithms(&self) -> Vec<Value> {
        let mut all: Vec<Value> = self.held().iter().map(|key| key.public["alg"].clone()).collect();
        all.dedup();
        all
    }

    fn held(&self) -> Arc<[Key]> {
        match self.keys.read() {
            Ok(keys) => Arc::clone(&keys),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }
}

fn age(key: &Key) -> Duration {
    SystemTime::now().duration_since(key.made).unwrap_or_default()
}

/// It signs from the first moment: its owner has published it, or nobody can have seen another.
fn of_owner(key: Arc<dyn RemoteKey>) -> Key {
    let (id, public) = key.public().jwk();
    Key {
        id,
        signing: JwtKey::Remote(key),
        public,
        made: SystemTime::UNIX_EPOCH,
    }
}

/// Fails where a folder could not be made, by whoever asks.
fn may_be_made(folder: &Path) -> Result<(), String> {
    let nearest = folder.ancestors().skip(1).find(|folder| folder.exists());
    let nearest = nearest
        .filter(|folder| *folder != Path::new(""))
        .unwrap_or(Path::new("."));
    access(nearest, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| format!("{} can not be made: {}: {error}", folder.display(), nearest.display()))
}

fn software(path: &Path, other: impl Fn() -> String) -> Result<Key, String> {
    let private = read_private_key(path).map_err(|error| format!("it is no PKCS #8 private key in PEM: {error}"))?;
    of_software(&private, other)
}

fn of_software(private: &PrivateKeyDer<'_>, other: impl Fn() -> String) -> Result<Key, String> {
    let pair = KeyPair::try_from(private).map_err(|_| other())?;
    let point = pair.der_bytes();
    if !pair.is_compatible(&PKCS_ECDSA_P256_SHA256) || point.len() != 65 {
        return Err(other());
    }
    let Some((Algorithm::ES256, encoding)) = signing_key(private) else {
        return Err(other());
    };
    let (x, y) = (
        BASE64_URL_SAFE_NO_PAD.encode(&point[1..33]),
        BASE64_URL_SAFE_NO_PAD.encode(&point[33..65]),
    );
    // RFC 7638: these members, in this order, without white space.
    let thumbprint = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let id = BASE64_URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(thumbprint.as_bytes()));
    Ok(Key {
        public: json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": "ES256", "use": "sig", "kid": id }),
        id,
        signing: JwtKey::Software(Algorithm::ES256, encoding),
        made: SystemTime::UNIX_EPOCH,
    })
}
