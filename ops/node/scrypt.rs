//! scrypt's function that needs much memory: <https://www.rfc-editor.org/rfc/rfc7914>, sections 3 to 5. It can be stopped.

use super::stopping::{Look, Stopped};

/// Salsa20's words, half of a block of `blockMix`.
const WORDS: usize = 16;

/// Halves of blocks between two looks at the clock: a block may be as large as the memory that an agent may have.
const HALVES: usize = 4096;

/// What the function fills and reads again.
pub(super) struct Table {
    cost: usize,
    /// Words in one block.
    width: usize,
    words: Vec<u32>,
    mixed: Vec<u32>,
}

impl Table {
    /// For `cost` blocks (a power of two) of `size` times 128 bytes.
    pub(super) fn new(cost: usize, size: usize) -> Self {
        let width = size * 2 * WORDS;
        Self {
            cost,
            width,
            words: vec![0; width * cost],
            mixed: vec![0; width],
        }
    }

    /// `scryptROMix`, in place.
    pub(super) fn mix(&mut self, bytes: &mut [u8], look: Look<'_>) -> Result<(), Stopped> {
        let mut block: Vec<u32> = bytes
            .chunks_exact(4)
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        for step in 0..self.cost {
            self.words[step * self.width..][..self.width].copy_from_slice(&block);
            self.block_mix(&mut block, look)?;
        }
        for _ in 0..self.cost {
            // The last 64 bytes as a little-endian number, modulo the cost.
            let place = block[self.width - WORDS] as usize & (self.cost - 1);
            let row = &self.words[place * self.width..][..self.width];
            block.iter_mut().zip(row).for_each(|(word, other)| *word ^= other);
            self.block_mix(&mut block, look)?;
        }
        for (to, word) in bytes.chunks_exact_mut(4).zip(block) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        Ok(())
    }

    /// `scryptBlockMix`.
    fn block_mix(&mut self, block: &mut [u32], look: Look<'_>) -> Result<(), Stopped> {
        let halves = self.width / WORDS;
        let mut last = [0; WORDS];
        last.copy_from_slice(&block[self.width - WORDS..]);
        for half in 0..halves {
            if half % HALVES == 0 {
                look()?;
            }
            let words = &block[half * WORDS..][..WORDS];
            last.iter_mut().zip(words).for_each(|(word, other)| *word ^= other);
            salsa(&mut last);
            // Even ones first, then odd ones.
            let place = half / 2 + (half % 2) * (halves / 2);
            self.mixed[place * WORDS..][..WORDS].copy_from_slice(&last);
        }
        block.copy_from_slice(&self.mixed);
        Ok(())
    }
}

/// Which words a quarter round takes: columns, then rows.
const QUARTERS: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [5, 9, 13, 1],
    [10, 14, 2, 6],
    [15, 3, 7, 11],
    [0, 1, 2, 3],
    [5, 6, 7, 4],
    [10, 11, 8, 9],
    [15, 12, 13, 14],
];

/// Salsa20/8.
fn salsa(words: &mut [u32; WORDS]) {
    let mut x = *words;
    for _ in 0..4 {
        for [a, b, c, d] in QUARTERS {
            x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
            x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
            x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
            x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
        }
    }
    words
        .iter_mut()
        .zip(x)
        .for_each(|(word, other)| *word = word.wrapping_add(other));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7914, section 10.
    #[test]
    fn the_table_mixes_as_its_specification_has_it() {
        let input = "f7ce0b653d2d72a4108cf5abe912ffdd777616dbbb27a70e8204f3ae2d0f6fad\
            89f68f4811d1e87bcc3bd7400a9ffd29094f0184639574f39ae5a1315217bcd7\
            894991447213bb226c25b54da86370fbcd984380374666bb8ffcb5bf40c254b0\
            67d27c51ce4ad5fed829c90b505a571b7f4d1cad6a523cda770e67bceaaf7e89";
        let output = "79ccc193629debca047f0b70604bf6b62ce3dd4a9626e355fafc6198e6ea2b46\
            d58413673b99b029d665c357601fb426a0b2f4bba200ee9f0a43d19b571a9c71\
            ef1142e65d5a266fddca832ce59faa7cac0b9cf1be2bffca300d01ee387619c4\
            ae12fd4438f203a0e4e1c47ec314861f4e9087cb33396a6873e8f9d2539a4b8e";
        let mut block = hex::decode(input).unwrap();
        Table::new(16, 1).mix(&mut block, &mut || Ok(())).unwrap();
        assert_eq!(hex::encode(block), output);
    }
}
