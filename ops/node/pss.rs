//! RSASSA-PSS (RFC 8017, 8.1) with a hash for the message and one for the mask, which a key's file may tell apart.

use deno_error::JsErrorBox;
use deno_node_crypto::keys::RsaPssDetails;

use super::guard::coded;
use super::hashes;

/// Lengths of a salt that are not lengths, as OpenSSL numbers them: that of the hash, and as long as can be or as it is found.
const DIGEST: i32 = -1;
const AUTO: i32 = -2;
const MAX: i32 = -3;

/// How a signature is made and what it may be.
pub(super) struct Scheme {
    hash: String,
    mask: String,
    size: usize,
    salt: Option<usize>,
}

fn not_allowed() -> JsErrorBox {
    coded(
        "ERR_OSSL_DIGEST_NOT_ALLOWED",
        "error:1C8000AE:Provider routines::digest not allowed",
    )
}

impl Scheme {
    /// A plain hash, what a key allows, and the length of salt that is asked for. `verifies` is not to sign.
    pub(super) fn new(
        hash: &str,
        details: Option<&RsaPssDetails>,
        salt: Option<i32>,
        verifies: bool,
    ) -> Result<Self, JsErrorBox> {
        let invalid = || {
            coded(
                "ERR_OSSL_INVALID_SALT_LENGTH",
                "error:1C800070:Provider routines::invalid salt length",
            )
        };
        let small = || {
            coded(
                "ERR_OSSL_PSS_SALTLEN_TOO_SMALL",
                "error:1C8000AC:Provider routines::pss saltlen too small",
            )
        };
        let (_, size) = hashes::sizes(hash).ok_or_else(not_allowed)?;
        let least = details.map(|details| details.salt_length as usize);
        let wanted = match salt {
            None => least,
            Some(DIGEST) => Some(size),
            Some(AUTO) if verifies && details.is_some() => return Err(invalid()),
            Some(AUTO | MAX) => None,
            Some(length) => Some(usize::try_from(length).map_err(|_| invalid())?),
        };
        if wanted.zip(least).is_some_and(|(wanted, least)| wanted < least) {
            return Err(small());
        }
        if details.is_some_and(|details| details.hash_algorithm.as_str() != hash) {
            return Err(not_allowed());
        }
        let mask = details.map_or(hash, |details| details.mf1_hash_algorithm.as_str());
        Ok(Self {
            hash: hash.into(),
            mask: mask.into(),
            size,
            salt: wanted,
        })
    }

    fn hashed(&self, digest: &[u8], salt: &[u8]) -> Option<Box<[u8]>> {
        let mut hash = hashes::fixed(&self.hash)?;
        hash.update(&[0; 8]);
        hash.update(digest);
        hash.update(salt);
        Some(hash.finalize())
    }

    /// MGF1 (RFC 8017, B.2.1), over `block`.
    fn masked(&self, seed: &[u8], block: &mut [u8]) -> Option<()> {
        let (_, size) = hashes::sizes(&self.mask)?;
        for (number, part) in (0_u32..).zip(block.chunks_mut(size)) {
            let mut hash = hashes::fixed(&self.mask)?;
            hash.update(seed);
            hash.update(&number.to_be_bytes());
            part.iter_mut()
                .zip(&hash.finalize())
                .for_each(|(byte, mask)| *byte ^= mask);
        }
        Some(())
    }

    /// A digest as a block of so many bits (9.1.1). Nothing where there is no room for it.
    pub(super) fn encode(&self, digest: &[u8], bits: usize) -> Option<Vec<u8>> {
        let length = bits.div_ceil(8);
        let room = length.checked_sub(self.size + 2)?;
        let salt_length = self.salt.unwrap_or(room);
        let zeros = room.checked_sub(salt_length)?;
        let mut salt = vec![0; salt_length];
        aws_lc_rs::rand::fill(&mut salt).ok()?;
        let hashed = self.hashed(digest, &salt)?;
        let mut block = vec![0; zeros];
        block.push(1);
        block.extend(salt);
        self.masked(&hashed, &mut block)?;
        clear(&mut block, length, bits);
        block.extend(hashed);
        block.push(0xbc);
        Some(block)
    }

    /// Whether a block of so many bits is one of the digest (9.1.2).
    pub(super) fn holds(&self, digest: &[u8], block: &[u8], bits: usize) -> bool {
        self.opened(digest, block, bits).unwrap_or(false)
    }

    fn opened(&self, digest: &[u8], block: &[u8], bits: usize) -> Option<bool> {
        let length = bits.div_ceil(8);
        let room = length.checked_sub(self.size + 2)?;
        // A number may have a byte more than the block.
        let (spare, block) = block.split_at_checked(block.len().checked_sub(length)?)?;
        let (masked, rest) = block.split_at_checked(room + 1)?;
        let (hashed, trailer) = rest.split_at_checked(self.size)?;
        if spare.iter().any(|byte| *byte != 0) || trailer != [0xbc] {
            return Some(false);
        }
        let mut plain = masked.to_vec();
        clear(&mut plain, length, bits);
        if plain != masked {
            return Some(false);
        }
        self.masked(hashed, &mut plain)?;
        clear(&mut plain, length, bits);
        let zeros = plain.iter().take_while(|byte| **byte == 0).count();
        let Some([1, salt @ ..]) = plain.get(zeros..) else {
            return Some(false);
        };
        if self.salt.is_some_and(|length| length != salt.len()) {
            return Some(false);
        }
        Some(self.hashed(digest, salt)?.as_ref() == hashed)
    }
}

/// The bits of a block that are above a modulus's.
fn clear(block: &mut [u8], length: usize, bits: usize) {
    if let Some(first) = block.first_mut() {
        *first &= 0xff >> (8 * length - bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_its_own_digest_and_no_other() {
        for (salt, bits) in [(None, 1023), (Some(-1), 1024), (Some(0), 1025), (Some(20), 1031)] {
            let scheme = Scheme::new("sha256", None, salt, false).unwrap();
            let block = scheme.encode(&[7; 32], bits).unwrap();
            assert!(scheme.holds(&[7; 32], &block, bits), "{salt:?}");
            assert!(!scheme.holds(&[8; 32], &block, bits), "{salt:?}");
            let mut with_a_byte = vec![0];
            with_a_byte.extend(&block);
            assert!(scheme.holds(&[7; 32], &with_a_byte, bits), "{salt:?}");
        }
        let long = Scheme::new("sha512", None, Some(64), false).unwrap();
        assert!(long.encode(&[0; 64], 1000).is_none());
    }
}
