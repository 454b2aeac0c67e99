//! What was freed and the allocator keeps goes back to the system, some seconds later: bodies of many clients at once leave several times of what
//! is in use.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use super::resident;

/// Looks now and then, for as long as the process is there.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn start() {
    let look = || {
        let mut looks = Looks::default();
        loop {
            std::thread::sleep(LOOK);
            if looks.is_due(resident("self").unwrap_or(0), kept()) {
                let before = resident("self").unwrap_or(0);
                trim();
                looks.trimmed(before, resident("self").unwrap_or(0));
            }
        }
    };
    // Without it the process has more memory than it needs, and works.
    let _ = std::thread::Builder::new().name("free-memory".into()).spawn(look);
}

/// Other allocators decide that for themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn start() {}

/// How often it is looked.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LOOK: std::time::Duration = std::time::Duration::from_secs(2);

/// What is worth giving back, in bytes.
const WORTH: u64 = 16 << 20;

/// How often in vain doubles the pause, at most.
const MOST: u32 = 6;

/// When it is worth trying.
#[derive(Debug, Default)]
struct Looks {
    /// Resident bytes after the last try.
    floor: u64,
    /// Looks that pass before the next try.
    left: u32,
    vain: u32,
}

impl Looks {
    /// Whether to try now, with so many bytes resident, and so many that the allocator keeps. It may have given those back before: it does not say.
    fn is_due(&mut self, resident: u64, kept: u64) -> bool {
        if kept < WORTH {
            return false;
        }
        if resident < self.floor.saturating_add(WORTH) && self.left > 0 {
            self.left -= 1;
            return false;
        }
        true
    }

    /// It was tried.
    fn trimmed(&mut self, before: u64, after: u64) {
        self.vain = if before.saturating_sub(after) >= WORTH / 4 {
            0
        } else {
            (self.vain + 1).min(MOST)
        };
        self.left = (1 << self.vain) - 1;
        self.floor = after;
    }
}

/// Bytes that the allocator has and nobody uses.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator is asked")]
fn kept() -> u64 {
    // SAFETY: it takes the allocator's own locks, and gives numbers.
    unsafe { nix::libc::mallinfo2() }.fordblks as u64
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator gives back what it keeps")]
fn trim() {
    // SAFETY: it takes the allocator's own locks, and touches only what is free.
    unsafe { nix::libc::malloc_trim(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_where_it_is_worth_it_and_seldom_in_vain() {
        let mut looks = Looks::default();
        assert!(!looks.is_due(10 * WORTH, WORTH - 1), "little is kept");
        assert!(looks.is_due(10 * WORTH, 5 * WORTH));
        looks.trimmed(10 * WORTH, 5 * WORTH);
        assert!(looks.is_due(5 * WORTH, 5 * WORTH), "there may be more");
        let mut tries = 0;
        for _ in 0..200 {
            if looks.is_due(5 * WORTH, 5 * WORTH) {
                looks.trimmed(5 * WORTH, 5 * WORTH);
                tries += 1;
            }
        }
        assert_eq!(tries, 8, "after 1, 2, 4 and so on up to 64");
        assert!(looks.is_due(6 * WORTH, 5 * WORTH), "it has grown");
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn what_is_free_goes_back() {
        let all: Vec<Vec<u8>> = (0..2000).map(|_| vec![7; 100_000]).collect();
        // One of many stays, so that the heap has holes.
        let stay: Vec<_> = all.into_iter().step_by(50).collect();
        assert!(kept() > 100 << 20, "the allocator keeps them");
        let before = resident("self").unwrap();
        trim();
        // Other tests run beside this one.
        let given = before.saturating_sub(resident("self").unwrap());
        assert!(given > 64 << 20, "{given}");
        assert_eq!(stay.len(), 40);
    }
}
