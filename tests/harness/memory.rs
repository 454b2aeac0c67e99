//! What is in the memory of another process.

use std::fmt::Write as _;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use regex::bytes::Regex;

/// Bytes that are read at once, and how many of them are read twice, for what lies across.
const PIECE: u64 = 1 << 20;
const TWICE: u64 = 4096;

/// Whether a process's memory holds these bytes. Nothing where it may not be read.
pub fn holds(process: u32, needle: &[u8]) -> Option<bool> {
    Some(!found(process, &[needle])?.is_empty())
}

/// Which of these bytes are in a process's memory, by their places. Nothing where it may not be read.
pub fn found(process: u32, needles: &[&[u8]]) -> Option<Vec<usize>> {
    let mut any = String::new();
    for needle in needles {
        any.push_str(if any.is_empty() { "(?s-u)" } else { "|" });
        for byte in *needle {
            write!(any, "\\x{byte:02x}").unwrap();
        }
    }
    let any = Regex::new(&any).unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let memory = File::open(format!("/proc/{process}/mem")).ok()?;
    let pagemap = File::open(format!("/proc/{process}/pagemap")).ok()?;
    let mut pages = vec![0; usize::try_from(PIECE + TWICE).unwrap()];
    let mut all = std::collections::BTreeSet::new();
    for line in maps.lines() {
        let mut fields = line.split(' ');
        let (place, mode) = (fields.next()?, fields.next()?);
        if !mode.starts_with('r') || line.contains("[v") {
            continue;
        }
        // The program's own text is no secret, and is mapped from its file.
        if !mode.starts_with("rw") && line.contains('/') {
            continue;
        }
        let (from, to) = place.split_once('-')?;
        let (mut at, to) = (u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?);
        while at < to {
            let size = usize::try_from((to - at).min(PIECE + TWICE)).ok()?;
            // Most of what V8 has reserved was never touched.
            let mut entries = vec![0; size / 4096 * 8];
            pagemap.read_exact_at(&mut entries, at / 4096 * 8).ok()?;
            if entries.chunks(8).any(|entry| entry[7] & 0xc0 != 0)
                && memory.read_exact_at(&mut pages[..size], at).is_ok()
            {
                for hit in any.find_iter(&pages[..size]) {
                    all.extend(needles.iter().position(|needle| *needle == hit.as_bytes()));
                }
            }
            at += PIECE;
        }
    }
    Some(all.into_iter().collect())
}
