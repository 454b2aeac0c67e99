//! Masks of frames (RFC 6455, section 5.3). Nobody can tell the next one, so nobody chooses what stands on the wire.

use std::cell::RefCell;

/// Bytes that are drawn at once.
const POOL: usize = 2 << 10;

/// Random bytes, and how many of them are left.
struct Pool([u8; POOL], usize);

thread_local! {
    static DRAWN: RefCell<Pool> = const { RefCell::new(Pool([0; POOL], 0)) };
}

/// A fresh mask. An error where the system has no random bytes.
pub(super) fn fresh() -> Result<[u8; 4], getrandom::Error> {
    DRAWN.with_borrow_mut(|Pool(bytes, left)| {
        if *left == 0 {
            getrandom::fill(bytes)?;
            *left = POOL;
        }
        let at = *left - 4;
        let mask = std::array::from_fn(|i| bytes[at + i]);
        *left = at;
        Ok(mask)
    })
}

/// Masks bytes, or takes the mask off.
pub(super) fn apply(bytes: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes(std::array::from_fn(|i| mask[i % 4]));
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_taken_off_by_itself_and_is_another_each_time() {
        for length in 0..40 {
            let bytes: Vec<u8> = (0..length).collect();
            let mut masked = bytes.clone();
            apply(&mut masked, [1, 2, 3, 4]);
            let expected: Vec<u8> = bytes
                .iter()
                .zip([1, 2, 3, 4].iter().cycle())
                .map(|(a, b)| a ^ b)
                .collect();
            assert_eq!(masked, expected);
            apply(&mut masked, [1, 2, 3, 4]);
            assert_eq!(masked, bytes);
        }
        let masks: std::collections::HashSet<_> = (0..1000).map(|_| fresh().unwrap()).collect();
        assert!(masks.len() > 990, "{}", masks.len());
    }
}
