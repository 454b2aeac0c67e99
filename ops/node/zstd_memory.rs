//! What zstd is going to allocate, known before it does: an upper bound by its parameters, and what a frame's header says.

/// Compression levels' binary logarithms of the window, the chain table and the hash table, for input of any length (zstd 1.5.7).
/// The first is for levels below 1.
const LEVELS: [(u32, u32, u32); 23] = [
    (19, 12, 13),
    (19, 13, 14),
    (20, 15, 16),
    (21, 16, 17),
    (21, 18, 18),
    (21, 18, 19),
    (21, 18, 19),
    (21, 19, 20),
    (21, 19, 20),
    (22, 20, 21),
    (22, 21, 22),
    (22, 21, 22),
    (22, 22, 23),
    (22, 22, 22),
    (22, 22, 23),
    (22, 23, 23),
    (22, 22, 22),
    (23, 23, 22),
    (23, 23, 22),
    (23, 24, 22),
    (25, 25, 23),
    (26, 26, 24),
    (27, 27, 25),
];

/// A block's size at most.
const BLOCK: u64 = 128 << 10;

/// The window that long distance matching takes where none is named, as its binary logarithm.
const LONG_WINDOW: u32 = 27;

/// What a context holds beside its tables, window and buffers: its own struct, entropy tables, sequences of a block, the optimal
/// parser's tables.
const FIXED: u64 = 2 << 20;

/// What decides how much a compression context allocates. Logarithms are binary, and 0 where the level decides.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tables {
    pub(super) level: i32,
    pub(super) window: u32,
    pub(super) hash: u32,
    pub(super) chain: u32,
    /// Long distance matching.
    pub(super) long: bool,
    pub(super) long_hash: u32,
    /// Bytes of a dictionary.
    pub(super) dictionary: usize,
}

impl Tables {
    /// Bytes at most, for input of a length that is known or not.
    pub(super) fn memory(&self, size: Option<u64>) -> usize {
        let level = match self.level {
            0 => 3,
            ..0 => 0,
            level => usize::try_from(level).unwrap_or(0).min(22),
        };
        let (window, chain, hash) = LEVELS[level];
        let named = |named: u32, level: u32| if named == 0 { level } else { named };
        let window = if self.long { window.max(LONG_WINDOW) } else { window };
        let mut window = named(self.window, window);
        let mut hash = named(self.hash, hash);
        let mut chain = named(self.chain, chain);
        if let Some(size) = size {
            let bits = size
                .saturating_add(self.dictionary as u64)
                .max(512)
                .next_power_of_two()
                .trailing_zeros();
            window = window.min(bits.max(10));
            hash = hash.min(window + 1);
            chain = chain.min(window + 1);
        }
        let power = |bits: u32| 1_u64 << bits.min(40);
        let mut bytes = FIXED + power(window) + 4 * BLOCK + 5 * power(hash) + 4 * power(chain);
        // Where the window is as large as this, zstd takes it without being asked.
        if self.long || window >= LONG_WINDOW {
            bytes += 9 * power(named(self.long_hash, window.saturating_sub(4).max(6))) + 4 * BLOCK;
        }
        if self.dictionary > 0 {
            // A copy of it, and tables of its own.
            bytes += 2 * self.dictionary as u64 + 5 * power(hash) + 4 * power(chain);
        }
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

/// What begins a frame: <https://www.rfc-editor.org/rfc/rfc8878>, section 3.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// Its first bytes do not say it yet.
    Short,
    /// Of no frame with a window.
    None,
    /// Bytes of the window.
    Window(u64),
}

/// No header is longer, in bytes.
pub(super) const LONGEST_HEADER: usize = 18;

/// Reads the first bytes of a frame.
pub(super) fn header(bytes: &[u8]) -> Header {
    let Some((magic, rest)) = bytes.split_first_chunk::<4>() else {
        return Header::Short;
    };
    if u32::from_le_bytes(*magic) != 0xfd2f_b528 {
        return Header::None;
    }
    let Some((descriptor, rest)) = rest.split_first() else {
        return Header::Short;
    };
    if descriptor & 0x20 == 0 {
        let Some(window) = rest.first() else {
            return Header::Short;
        };
        let base = 1_u64 << (10 + (window >> 3));
        return Header::Window(base + base / 8 * u64::from(window & 7));
    }
    // One segment: its window is its content.
    let skip = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let length = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let Some(field) = rest.get(skip..skip + length) else {
        return Header::Short;
    };
    let mut size = [0; 8];
    size[..length].copy_from_slice(field);
    let size = u64::from_le_bytes(size);
    Header::Window(if length == 2 { size + 256 } else { size })
}

/// What a decompression context holds for a window of so many bytes.
pub(super) fn decoding(window: u64) -> usize {
    usize::try_from(window.saturating_add(8 * BLOCK)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, zstd_sys::ZSTD_EndDirective};

    #[test]
    fn no_context_is_larger_than_it_was_counted_for() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(|i| (i % 977).to_le_bytes()).collect();
        for level in (-5..=19).chain([20]) {
            for size in [None, Some(100), Some(70_000), Some(text.len() as u64)] {
                for long in [false, true] {
                    let mut context = CCtx::create();
                    context.set_parameter(CParameter::CompressionLevel(level)).unwrap();
                    context
                        .set_parameter(CParameter::EnableLongDistanceMatching(long))
                        .unwrap();
                    context.set_pledged_src_size(size).unwrap();
                    let length = usize::try_from(size.unwrap_or(200_000)).unwrap();
                    let mut output = [0; 100];
                    let _ = context.compress_stream2(
                        &mut OutBuffer::around(&mut output[..]),
                        &mut InBuffer::around(&text[..length]),
                        ZSTD_EndDirective::ZSTD_e_continue,
                    );
                    let tables = Tables {
                        level,
                        long,
                        ..Tables::default()
                    };
                    let (counted, held) = (tables.memory(size), context.sizeof());
                    assert!(counted >= held, "level {level}, {size:?}, {long}: {counted} < {held}");
                    assert!(
                        counted < held * 2 + (6 << 20),
                        "level {level}, {size:?}, {long}: {counted} for {held}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_frame_says_its_window() {
        assert_eq!(header(&[0x28, 0xb5, 0x2f]), Header::Short);
        assert_eq!(header(&[0x28, 0xb5, 0x2f, 0xfd, 0x20]), Header::Short);
        assert_eq!(header(&[0x28, 0xb5, 0x2f, 0xfd, 0x20, 5]), Header::Window(5));
        assert_eq!(header(&[0x28, 0xb5, 0x2f, 0xfd, 0x60, 1, 0]), Header::Window(257));
        assert_eq!(
            header(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x89]),
            Header::Window((1 << 27) + (1 << 24))
        );
        assert_eq!(header(b"PK\x03\x04"), Header::None);
    }
}
