//! A private key in the memory of the process that holds keys, and how it signs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use rustls_pki_types::PrivateKeyDer;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::public_key::RSAPublicKey;

use crate::keys::public::{KeyKind, PublicKey};
use crate::keys::remote::Way;

/// A key that can sign.
pub(super) enum SoftwareKey {
    Rsa(RsaKeyPair),
    Curve(KeyKind, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SoftwareKey {
    /// Takes a key. Nothing where it is of another kind.
    pub(super) fn of(private: &PrivateKeyDer<'_>) -> Option<Self> {
        let der = private.secret_der();
        for (kind, algorithm) in [
            (KeyKind::P256, &ECDSA_P256_SHA256_FIXED_SIGNING),
            (KeyKind::P384, &ECDSA_P384_SHA384_FIXED_SIGNING),
        ] {
            if let Ok(pair) = EcdsaKeyPair::from_private_key_der(algorithm, der) {
                return Some(Self::Curve(kind, pair));
            }
        }
        let rsa = match private {
            PrivateKeyDer::Pkcs1(_) => RsaKeyPair::from_der(der),
            _ => RsaKeyPair::from_pkcs8(der),
        };
        if let Ok(pair) = rsa {
            return Some(Self::Rsa(pair));
        }
        let edwards = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
        edwards.ok().map(Self::Ed25519)
    }

    /// Its public half.
    pub(super) fn public(&self) -> Result<PublicKey, String> {
        match self {
            Self::Rsa(pair) => {
                let (_, public) = RSAPublicKey::from_der(pair.public_key().as_ref())
                    .map_err(|_| "its public half can not be read".to_owned())?;
                Ok(PublicKey::rsa(public.modulus.to_vec(), public.exponent.to_vec()))
            }
            Self::Curve(kind, pair) => PublicKey::point(*kind, pair.public_key().as_ref()),
            Self::Ed25519(pair) => PublicKey::point(KeyKind::Ed25519, pair.public_key().as_ref()),
        }
    }

    /// Signs as tokens do: see [`crate::keys::RemoteKey::sign`].
    pub(super) fn sign(&self, way: Way, message: &[u8]) -> Result<Vec<u8>, String> {
        const CAN_NOT: &str = "its key can not sign";
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding(way)?, &random, message, &mut signature)
                    .map_err(|_| CAN_NOT)?;
                Ok(signature)
            }
            Self::Curve(_, pair) => {
                let signature = pair.sign(&random, message).map_err(|_| CAN_NOT)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

fn encoding(way: Way) -> Result<&'static dyn RsaEncoding, String> {
    Ok(match way {
        Way::Pkcs1(256) => &RSA_PKCS1_SHA256,
        Way::Pkcs1(384) => &RSA_PKCS1_SHA384,
        Way::Pkcs1(512) => &RSA_PKCS1_SHA512,
        Way::Pss(256) => &RSA_PSS_SHA256,
        Way::Pss(384) => &RSA_PSS_SHA384,
        Way::Pss(512) => &RSA_PSS_SHA512,
        Way::Pkcs1(_) | Way::Pss(_) | Way::Curve => return Err("an RSA key does not sign so".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA384, UnparsedPublicKey, VerificationAlgorithm,
    };
    use rcgen::{
        KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData,
    };

    use super::*;

    #[test]
    fn keys_of_each_kind_sign_what_their_public_halves_verify() {
        let rows: [(_, Way, &dyn VerificationAlgorithm); 5] = [
            (&PKCS_ECDSA_P256_SHA256, Way::Curve, &ECDSA_P256_SHA256_FIXED),
            (&PKCS_ECDSA_P384_SHA384, Way::Curve, &ECDSA_P384_SHA384_FIXED),
            (&PKCS_ED25519, Way::Curve, &ED25519),
            (&PKCS_RSA_SHA256, Way::Pkcs1(256), &RSA_PKCS1_2048_8192_SHA256),
            (&PKCS_RSA_SHA256, Way::Pss(384), &RSA_PSS_2048_8192_SHA384),
        ];
        for (algorithm, way, verifies) in rows {
            let pair = KeyPair::generate_for(algorithm).unwrap();
            let private = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
            let key = SoftwareKey::of(&private).unwrap();
            let public = key.public().unwrap();
            assert_eq!(public.bits, pair.der_bytes(), "{way:?}");
            let signature = key.sign(way, b"message").unwrap();
            let verified = UnparsedPublicKey::new(verifies, &public.bits).verify(b"message", &signature);
            assert!(verified.is_ok(), "{way:?}");
        }
    }
}
