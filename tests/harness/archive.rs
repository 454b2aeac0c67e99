//! Source packages of Debian, which suites of others are taken from: fetched and unpacked once, below `target`, and never committed.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use super::peers;

pub struct Archive {
    /// What it is called where it is missing.
    pub what: &'static str,
    /// The folder below `target/tmp`, and the one in it for this version.
    pub folder: &'static str,
    pub version: &'static str,
    /// Where the `tar.xz` is. Debian's pool keeps what a suite has, its snapshots keep all.
    pub urls: &'static [&'static str],
    pub sha256: &'static str,
    /// What of it is unpacked, as `tar --wildcards` takes it.
    pub members: &'static [&'static str],
    /// How long a download may take.
    pub seconds: &'static str,
}

impl Archive {
    /// Where it is unpacked, without its topmost folder. None, with a loud word, where nobody has it.
    pub fn unpacked(&self) -> Option<PathBuf> {
        if !peers::has("xz", "apt-get install xz-utils") || !peers::has("curl", "apt-get install curl") {
            return None;
        }
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.folder);
        std::fs::create_dir_all(&cache).unwrap();
        let lock = File::create(cache.join("lock")).unwrap();
        lock.lock().unwrap();
        let unpacked = cache.join(self.version);
        if unpacked.join("complete").is_file() {
            return Some(unpacked);
        }
        let archive = cache.join("source.tar.xz");
        if !self.intact(&archive) && !self.urls.iter().any(|url| self.fetch(url, &archive)) {
            let why = format!("none of {:#?} gives the file with SHA-256 {}", self.urls, self.sha256);
            peers::skip(self.what, &why);
            return None;
        }
        let _ = std::fs::remove_dir_all(&unpacked);
        std::fs::create_dir_all(&unpacked).unwrap();
        let status = Command::new("tar")
            .args(["--extract", "--strip-components=1", "--wildcards", "--file"])
            .arg(&archive)
            .arg("--directory")
            .arg(&unpacked)
            .args(self.members)
            .status()
            .unwrap();
        assert!(status.success(), "{} can not be unpacked", archive.display());
        std::fs::write(unpacked.join("complete"), "").unwrap();
        // Some are large.
        std::fs::remove_file(&archive).unwrap();
        Some(unpacked)
    }

    fn fetch(&self, url: &str, to: &Path) -> bool {
        let status = Command::new("curl")
            .args([
                "--fail",
                "--silent",
                "--location",
                "--retry",
                "2",
                "--max-time",
                self.seconds,
                "--output",
            ])
            .arg(to)
            .arg(url)
            .status();
        status.is_ok_and(|status| status.success()) && self.intact(to)
    }

    fn intact(&self, file: &Path) -> bool {
        let Ok(mut file) = File::open(file) else { return false };
        let mut digest = Sha256::new();
        io::copy(&mut file, &mut digest).is_ok() && hex::encode(digest.finalize()) == self.sha256
    }
}
