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
        let word = |half: &[u8], place: usize| {
            let at = 4 * place;
            u32::from_le_bytes([half[at], half[at + 1], half[at + 2], half[at + 3]])
        };
        let mut block: Vec<u32> = bytes
            .chunks_exact(4 * WORDS)
            .flat_map(|half| DIAGONALS.map(|place| word(half, place)))
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
        for (half, words) in bytes.chunks_exact_mut(4 * WORDS).zip(block.chunks_exact(WORDS)) {
            for (place, word) in DIAGONALS.into_iter().zip(words) {
                half[4 * place..][..4].copy_from_slice(&word.to_le_bytes());
            }
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

/// The order in which the words of a half are kept: its diagonals, so that four quarter rounds are one over lists of four, which
/// processors have instructions for.
const DIAGONALS: [usize; WORDS] = [0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11];

type Lanes = [u32; 4];

fn add_turned(to: Lanes, a: Lanes, b: Lanes, bits: u32) -> Lanes {
    std::array::from_fn(|lane| to[lane] ^ a[lane].wrapping_add(b[lane]).rotate_left(bits))
}

fn rounds([mut a, mut b, mut c, mut d]: [Lanes; 4]) -> [Lanes; 4] {
    b = add_turned(b, a, d, 7);
    c = add_turned(c, b, a, 9);
    d = add_turned(d, c, b, 13);
    a = add_turned(a, d, c, 18);
    [a, b, c, d]
}

/// Columns have become rows, or the other way round.
fn turned([a, b, c, d]: [Lanes; 4]) -> [Lanes; 4] {
    [
        a,
        [d[1], d[2], d[3], d[0]],
        [c[2], c[3], c[0], c[1]],
        [b[3], b[0], b[1], b[2]],
    ]
}

/// Salsa20/8, of words in the order of [`DIAGONALS`].
fn salsa(words: &mut [u32; WORDS]) {
    let mut x: [Lanes; 4] = std::array::from_fn(|row| std::array::from_fn(|lane| words[4 * row + lane]));
    for _ in 0..4 {
        x = turned(rounds(turned(rounds(x))));
    }
    words
        .iter_mut()
        .zip(x.as_flattened())
        .for_each(|(word, other)| *word = word.wrapping_add(*other));
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
