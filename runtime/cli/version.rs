//! `workerd-lite --version`.

/// Of which commit the program is, as far as its build could tell.
#[derive(Debug, Clone, Copy)]
pub struct Commit {
    /// The hash that a repository had checked out when the program was linked.
    pub checked_out: Option<&'static str>,
    /// The hash and the day that `build.rs` found, or nothing: `0123…cdef 2026-11-26`.
    pub recorded: &'static str,
}

impl Commit {
    /// The whole hash.
    pub(super) fn hash(&self) -> Option<&'static str> {
        let recorded = self.recorded.split_once(' ').map_or(self.recorded, |(hash, _)| hash);
        let hash = self.checked_out.map_or(recorded, str::trim);
        (hash.len() >= 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hash)
    }

    /// `0123456 2026-11-26`. The day is of the commit that `build.rs` saw, and belongs to no other.
    fn short(&self) -> Option<String> {
        let (recorded, day) = self.recorded.split_once(' ').unwrap_or((self.recorded, ""));
        let hash = self.hash()?;
        let short = hash.get(..7)?;
        Some(if hash == recorded && !day.is_empty() {
            format!("{short} {day}")
        } else {
            short.to_owned()
        })
    }

    /// What follows the program's name: its version, its commit and V8's version.
    pub(super) fn long(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let commit = self.short().map(|commit| commit + ", ").unwrap_or_default();
        format!("{version} ({commit}V8 {})", deno_core::v8::V8::get_version())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

    fn short(checked_out: Option<&'static str>, recorded: &'static str) -> Option<String> {
        Commit { checked_out, recorded }.short()
    }

    #[test]
    fn a_day_is_told_of_its_own_commit_alone() {
        let recorded = "0123456789abcdef0123456789abcdef01234567 2026-11-26";
        assert_eq!(short(Some(HASH), recorded).as_deref(), Some("0123456 2026-11-26"));
        assert_eq!(short(None, recorded).as_deref(), Some("0123456 2026-11-26"));
        let other = "fedcba9876543210fedcba9876543210fedcba98\n";
        assert_eq!(short(Some(other), recorded).as_deref(), Some("fedcba9"));
        assert_eq!(short(None, HASH).as_deref(), Some("0123456"));
    }

    #[test]
    fn what_is_no_hash_is_not_told() {
        assert_eq!(short(None, ""), None);
        assert_eq!(short(Some("ref: refs/heads/main"), HASH), None);
        assert_eq!(short(None, "$Format:%H %cs$"), None);
    }
}
