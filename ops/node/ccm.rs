//! CCM of AES (RFC 3610), of which a message is one piece.

use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockEncrypt, KeyInit as _};
use deno_error::JsErrorBox;
use subtle::ConstantTimeEq as _;

const BLOCK: usize = 16;

enum Aes {
    Short(Box<aes::Aes128>),
    Middle(Box<aes::Aes192>),
    Long(Box<aes::Aes256>),
}

impl Aes {
    fn block(&self, block: &mut [u8; BLOCK]) {
        let block = GenericArray::from_mut_slice(block);
        match self {
            Self::Short(aes) => aes.encrypt_block(block),
            Self::Middle(aes) => aes.encrypt_block(block),
            Self::Long(aes) => aes.encrypt_block(block),
        }
    }
}

/// A message that is to be encrypted, or proved and decrypted.
pub(super) struct Ccm {
    aes: Aes,
    nonce: Vec<u8>,
    tag_length: usize,
    tag: Option<Vec<u8>>,
}

fn unsupported() -> JsErrorBox {
    JsErrorBox::generic("Unsupported state or unable to authenticate data")
}

impl Ccm {
    /// Nothing where the lengths are not those of the mode.
    pub(super) fn new(key: &[u8], nonce: &[u8], tag_length: usize) -> Option<Self> {
        let aes = match key.len() {
            16 => Aes::Short(Box::new(aes::Aes128::new(key.into()))),
            24 => Aes::Middle(Box::new(aes::Aes192::new(key.into()))),
            32 => Aes::Long(Box::new(aes::Aes256::new(key.into()))),
            _ => return None,
        };
        let fits = (7..=13).contains(&nonce.len()) && (4..=16).contains(&tag_length) && tag_length.is_multiple_of(2);
        fits.then(|| Self {
            aes,
            nonce: nonce.to_vec(),
            tag_length,
            tag: None,
        })
    }

    pub(super) fn is_new(&self) -> bool {
        self.tag.is_none()
    }

    /// The tag of what was encrypted.
    pub(super) fn tag(self) -> Vec<u8> {
        self.tag.unwrap_or_default()
    }

    /// The message, encrypted; or decrypted, if its tag is this one.
    pub(super) fn apply(&mut self, input: &[u8], aad: &[u8], expected: Option<&[u8]>) -> Result<Vec<u8>, JsErrorBox> {
        let width = BLOCK - 1 - self.nonce.len();
        let longest = 1_u64
            .checked_shl(u32::try_from(width * 8).unwrap_or(64))
            .unwrap_or(u64::MAX);
        if self.tag.is_some() || input.len() as u64 >= longest {
            return Err(unsupported());
        }
        let mut output = input.to_vec();
        for (number, chunk) in output.chunks_mut(BLOCK).enumerate() {
            let stream = self.keystream(number as u64 + 1);
            chunk.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
        }
        let plain = if expected.is_some() { &output[..] } else { input };
        let mut tag = self.mac(plain, aad);
        tag.iter_mut()
            .zip(self.keystream(0))
            .for_each(|(byte, key)| *byte ^= key);
        let tag = tag.get(..self.tag_length).unwrap_or(&tag).to_vec();
        if expected.is_some_and(|expected| !bool::from(tag.as_slice().ct_eq(expected))) {
            return Err(unsupported());
        }
        self.tag = Some(tag);
        Ok(output)
    }

    /// A block: flags, the nonce, and a number in what is left.
    fn numbered(&self, flags: u8, number: u64) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[BLOCK - 8..].copy_from_slice(&number.to_be_bytes());
        block[0] = flags;
        block[1..=self.nonce.len()].copy_from_slice(&self.nonce);
        block
    }

    fn keystream(&self, number: u64) -> [u8; BLOCK] {
        let width = BLOCK - 1 - self.nonce.len();
        let mut block = self.numbered(u8::try_from(width - 1).unwrap_or(0), number);
        self.aes.block(&mut block);
        block
    }

    fn mac(&self, plain: &[u8], aad: &[u8]) -> [u8; BLOCK] {
        let width = BLOCK - 1 - self.nonce.len();
        let has_aad = u8::from(!aad.is_empty()) << 6;
        let flags = has_aad | u8::try_from((self.tag_length - 2) / 2 * 8 + (width - 1)).unwrap_or(0);
        let mut sum = self.numbered(flags, plain.len() as u64);
        self.aes.block(&mut sum);
        let mut take = |bytes: &[u8]| {
            for chunk in bytes.chunks(BLOCK) {
                sum.iter_mut().zip(chunk).for_each(|(sum, byte)| *sum ^= byte);
                self.aes.block(&mut sum);
            }
        };
        if !aad.is_empty() {
            let mut head = match u16::try_from(aad.len()) {
                Ok(length) if length < 0xff00 => length.to_be_bytes().to_vec(),
                _ => [
                    &[0xff_u8, 0xfe][..],
                    &u32::try_from(aad.len()).unwrap_or(u32::MAX).to_be_bytes()[..],
                ]
                .concat(),
            };
            head.extend_from_slice(aad);
            take(&head);
        }
        take(plain);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3610, section 8, packet vector 1.
    #[test]
    fn a_packet_of_the_rfc() {
        let key: Vec<u8> = (0xc0..=0xcf).collect();
        let nonce = hex::decode("00000003020100a0a1a2a3a4a5").unwrap();
        let aad: Vec<u8> = (0..8).collect();
        let plain: Vec<u8> = (8..0x1f).collect();
        let mut cipher = Ccm::new(&key, &nonce, 8).unwrap();
        let sealed = cipher.apply(&plain, &aad, None).unwrap();
        let tag = cipher.tag();
        assert_eq!(hex::encode(&sealed), "588c979a61c663d2f066d0c2c0f989806d5f6b61dac384");
        assert_eq!(hex::encode(&tag), "17e8d12cfdf926e0");
        let open = |tag: &[u8]| Ccm::new(&key, &nonce, 8).unwrap().apply(&sealed, &aad, Some(tag));
        assert_eq!(open(&tag).unwrap(), plain);
        assert!(open(&tag[..4]).is_err() && open(&[0; 8]).is_err());
    }
}
