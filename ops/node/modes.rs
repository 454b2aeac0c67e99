//! Modes of block ciphers, and ciphers of streams, behind two traits.

use aead_gcm_stream::AesGcm;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{
    BlockCipher, BlockDecryptMut, BlockEncrypt, BlockEncryptMut, BlockSizeUser, KeyInit, KeyIvInit, StreamCipher,
    consts::U16,
};
use aes::{Aes128, Aes192, Aes256};
use cbc::{Decryptor, Encryptor};
use ctr::Ctr128BE;
use deno_error::JsErrorBox;
use deno_node_crypto::cipher::{CipherContext, DecipherContext};
use des::{TdesEde2, TdesEde3};
use subtle::ConstantTimeEq as _;

/// What changes whole blocks in place, or any bytes where a block is one byte.
pub(super) trait Transform {
    fn apply(&mut self, data: &mut [u8]);
}

struct Encrypting<C>(C);
struct Decrypting<C>(C);
struct Keystream<C>(C);
struct FeedbackOut<C: BlockEncryptMut + BlockCipher>(cfb_mode::BufEncryptor<C>);
struct FeedbackIn<C: BlockEncryptMut + BlockCipher>(cfb_mode::BufDecryptor<C>);

impl<C: BlockEncryptMut> Transform for Encrypting<C> {
    fn apply(&mut self, data: &mut [u8]) {
        for block in data.chunks_exact_mut(C::block_size()) {
            self.0.encrypt_block_mut(GenericArray::from_mut_slice(block));
        }
    }
}

impl<C: BlockDecryptMut> Transform for Decrypting<C> {
    fn apply(&mut self, data: &mut [u8]) {
        for block in data.chunks_exact_mut(C::block_size()) {
            self.0.decrypt_block_mut(GenericArray::from_mut_slice(block));
        }
    }
}

impl<C: StreamCipher> Transform for Keystream<C> {
    fn apply(&mut self, data: &mut [u8]) {
        self.0.apply_keystream(data);
    }
}

impl<C: BlockEncryptMut + BlockCipher> Transform for FeedbackOut<C> {
    fn apply(&mut self, data: &mut [u8]) {
        self.0.encrypt(data);
    }
}

impl<C: BlockEncryptMut + BlockCipher> Transform for FeedbackIn<C> {
    fn apply(&mut self, data: &mut [u8]) {
        self.0.decrypt(data);
    }
}

fn boxed(cipher: impl Transform + 'static) -> Box<dyn Transform> {
    Box::new(cipher)
}

/// deno's streams, of which the one way is both.
struct ChaCha(CipherContext);

impl Transform for ChaCha {
    fn apply(&mut self, data: &mut [u8]) {
        let input = data.to_vec();
        self.0.encrypt(&input, data);
    }
}

/// A cipher with its key and IV, and the length of its blocks, which is 1 where any number of bytes can be given. Nothing where there is
/// no such cipher, or not with a key or an IV of such a length.
pub(super) fn transform(name: &str, key: &[u8], iv: &[u8], encrypts: bool) -> Option<(Box<dyn Transform>, usize)> {
    macro_rules! either {
        ($size:expr, $encryptor:ty, $decryptor:ty) => {
            if encrypts {
                (
                    boxed(Encrypting(<$encryptor>::new_from_slices(key, iv).ok()?)),
                    $size,
                )
            } else {
                (
                    boxed(Decrypting(<$decryptor>::new_from_slices(key, iv).ok()?)),
                    $size,
                )
            }
        };
    }
    macro_rules! ecb {
        ($size:expr, $cipher:ty) => {
            if encrypts {
                (
                    boxed(Encrypting(ecb::Encryptor::<$cipher>::new_from_slice(key).ok()?)),
                    $size,
                )
            } else {
                (
                    boxed(Decrypting(ecb::Decryptor::<$cipher>::new_from_slice(key).ok()?)),
                    $size,
                )
            }
        };
    }
    macro_rules! keystream {
        ($cipher:ty) => {
            (boxed(Keystream(<$cipher>::new_from_slices(key, iv).ok()?)), 1)
        };
    }
    macro_rules! feedback {
        ($cipher:ty) => {
            if encrypts {
                let cipher = cfb_mode::BufEncryptor::<$cipher>::new_from_slices(key, iv).ok()?;
                (boxed(FeedbackOut(cipher)), 1)
            } else {
                let cipher = cfb_mode::BufDecryptor::<$cipher>::new_from_slices(key, iv).ok()?;
                (boxed(FeedbackIn(cipher)), 1)
            }
        };
    }
    Some(match name {
        "aes-128-cbc" => either!(16, Encryptor<Aes128>, Decryptor<Aes128>),
        "aes-192-cbc" => either!(16, Encryptor<Aes192>, Decryptor<Aes192>),
        "aes-256-cbc" => either!(16, Encryptor<Aes256>, Decryptor<Aes256>),
        "des-ede3-cbc" => either!(8, Encryptor<TdesEde3>, Decryptor<TdesEde3>),
        "des-ede-cbc" => either!(8, Encryptor<TdesEde2>, Decryptor<TdesEde2>),
        "aes-128-cfb8" => either!(1, cfb8::Encryptor<Aes128>, cfb8::Decryptor<Aes128>),
        "aes-192-cfb8" => either!(1, cfb8::Encryptor<Aes192>, cfb8::Decryptor<Aes192>),
        "aes-256-cfb8" => either!(1, cfb8::Encryptor<Aes256>, cfb8::Decryptor<Aes256>),
        "aes-128-ecb" => ecb!(16, Aes128),
        "aes-192-ecb" => ecb!(16, Aes192),
        "aes-256-ecb" => ecb!(16, Aes256),
        "des-ede3" => ecb!(8, TdesEde3),
        "des-ede" => ecb!(8, TdesEde2),
        "aes-128-ctr" => keystream!(Ctr128BE<Aes128>),
        "aes-192-ctr" => keystream!(Ctr128BE<Aes192>),
        "aes-256-ctr" => keystream!(Ctr128BE<Aes256>),
        "aes-128-ofb" => keystream!(ofb::Ofb<Aes128>),
        "aes-192-ofb" => keystream!(ofb::Ofb<Aes192>),
        "aes-256-ofb" => keystream!(ofb::Ofb<Aes256>),
        "aes-128-cfb" => feedback!(Aes128),
        "aes-192-cfb" => feedback!(Aes192),
        "aes-256-cfb" => feedback!(Aes256),
        "chacha20" => (boxed(ChaCha(CipherContext::new(name, key, iv, None).ok()?)), 1),
        _ => return None,
    })
}

/// What encrypts and authenticates, piece by piece.
pub(super) trait Aead {
    /// Once, before the first piece.
    fn authenticate(&mut self, aad: &[u8]);
    fn apply(&mut self, data: &mut [u8]) -> Result<(), JsErrorBox>;
    /// So many bytes of the tag.
    fn tag(self: Box<Self>, length: usize) -> Result<Vec<u8>, JsErrorBox>;
    fn proves(self: Box<Self>, tag: &[u8]) -> bool;
}

struct Gcm<C>
where
    C: BlockCipher + BlockSizeUser<BlockSize = U16> + BlockEncrypt + KeyInit,
{
    cipher: AesGcm<C>,
    encrypts: bool,
}

impl<C> Aead for Gcm<C>
where
    C: BlockCipher + BlockSizeUser<BlockSize = U16> + BlockEncrypt + KeyInit,
{
    fn authenticate(&mut self, aad: &[u8]) {
        self.cipher.set_aad(aad);
    }

    fn apply(&mut self, data: &mut [u8]) -> Result<(), JsErrorBox> {
        if self.encrypts {
            self.cipher.encrypt(data);
        } else {
            self.cipher.decrypt(data);
        }
        Ok(())
    }

    fn tag(self: Box<Self>, length: usize) -> Result<Vec<u8>, JsErrorBox> {
        let tag = self.cipher.finish();
        Ok(tag.get(..length).unwrap_or(&tag).to_vec())
    }

    fn proves(self: Box<Self>, tag: &[u8]) -> bool {
        let found = self.cipher.finish();
        !tag.is_empty() && found.get(..tag.len()).is_some_and(|found| bool::from(found.ct_eq(tag)))
    }
}

struct Poly1305(Option<CipherContext>, Option<DecipherContext>);

impl Aead for Poly1305 {
    fn authenticate(&mut self, aad: &[u8]) {
        self.0.iter().for_each(|cipher| cipher.set_aad(aad));
        self.1.iter().for_each(|cipher| cipher.set_aad(aad));
    }

    fn apply(&mut self, data: &mut [u8]) -> Result<(), JsErrorBox> {
        let input = data.to_vec();
        self.0.iter().for_each(|cipher| cipher.encrypt(&input, data));
        self.1.iter().for_each(|cipher| cipher.decrypt(&input, data));
        Ok(())
    }

    fn tag(self: Box<Self>, length: usize) -> Result<Vec<u8>, JsErrorBox> {
        let tag = self.0.and_then(CipherContext::take_tag).unwrap_or_default();
        Ok(tag.get(..length).unwrap_or(&tag).to_vec())
    }

    fn proves(self: Box<Self>, tag: &[u8]) -> bool {
        self.1
            .is_some_and(|cipher| cipher.r#final(false, &[], &mut [], tag).is_ok())
    }
}

fn authenticating(cipher: impl Aead + 'static) -> Box<dyn Aead> {
    Box::new(cipher)
}

/// A cipher that authenticates, with its key and nonce. Nothing where there is no such cipher.
pub(super) fn aead(name: &str, key: &[u8], iv: &[u8], tag_length: usize, encrypts: bool) -> Option<Box<dyn Aead>> {
    if iv.is_empty() {
        return None;
    }
    Some(match (name, key.len()) {
        ("aes-128-gcm", 16) => authenticating(Gcm {
            cipher: AesGcm::<Aes128>::new(key.into(), iv),
            encrypts,
        }),
        ("aes-192-gcm", 24) => authenticating(Gcm {
            cipher: AesGcm::<Aes192>::new(key.into(), iv),
            encrypts,
        }),
        ("aes-256-gcm", 32) => authenticating(Gcm {
            cipher: AesGcm::<Aes256>::new(key.into(), iv),
            encrypts,
        }),
        ("chacha20-poly1305", 32) if encrypts => {
            authenticating(Poly1305(CipherContext::new(name, key, iv, Some(tag_length)).ok(), None))
        }
        ("chacha20-poly1305", 32) => authenticating(Poly1305(
            None,
            DecipherContext::new(name, key, iv, Some(tag_length)).ok(),
        )),
        _ => return None,
    })
}
