//! Node's sources, of which Debian's package has the tests. They are fetched once, into `target`, and never committed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::harness::peers;

/// The version that is tested against.
pub const VERSION: &str = "22.22.2";
const SHA256: &str = "f1a6dfca7ffe7f9f42942274adf9f0a12733977a4744a53f41b20836907c449b";

/// Where the file is. Debian's pool keeps what a suite has, its snapshots keep all.
const URLS: &[&str] = &[
    "https://deb.debian.org/debian/pool/main/n/nodejs/nodejs_22.22.2+dfsg+~cs22.19.15.orig.tar.xz",
    "http://deb.debian.org/debian/pool/main/n/nodejs/nodejs_22.22.2+dfsg+~cs22.19.15.orig.tar.xz",
    "https://snapshot.debian.org/file/1b5116240fc3a1934ae2c87da45a3615e92dbbe9",
];

/// The folder `test` of Node's sources. None, with a loud word, where nobody has them.
pub fn folder() -> Option<PathBuf> {
    if !peers::has("xz", "apt-get install xz-utils") || !peers::has("curl", "apt-get install curl") {
        return None;
    }
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node-suite");
    std::fs::create_dir_all(&cache).unwrap();
    let lock = File::create(cache.join("lock")).unwrap();
    lock.lock().unwrap();
    let unpacked = cache.join(VERSION);
    let test = unpacked.join("test");
    if unpacked.join("complete").is_file() {
        return Some(test);
    }
    let archive = cache.join("node.tar.xz");
    if !intact(&archive) && !URLS.iter().any(|url| fetch(url, &archive)) {
        peers::skip(
            "the source package of Node.js",
            &format!("none of {URLS:#?} gives the file with SHA-256 {SHA256}"),
        );
        return None;
    }
    let _ = std::fs::remove_dir_all(&unpacked);
    std::fs::create_dir_all(&unpacked).unwrap();
    let status = Command::new("tar")
        .args(["--extract", "--strip-components=1", "--wildcards", "--file"])
        .arg(&archive)
        .arg("--directory")
        .arg(&unpacked)
        .args(["*/test/parallel", "*/test/common", "*/test/fixtures"])
        .status()
        .unwrap();
    assert!(status.success(), "{} can not be unpacked", archive.display());
    std::fs::write(unpacked.join("complete"), "").unwrap();
    Some(test)
}

fn fetch(url: &str, to: &Path) -> bool {
    let status = Command::new("curl")
        .args([
            "--fail",
            "--silent",
            "--location",
            "--retry",
            "2",
            "--max-time",
            "300",
            "--output",
        ])
        .arg(to)
        .arg(url)
        .status();
    status.is_ok_and(|status| status.success()) && intact(to)
}

fn intact(file: &Path) -> bool {
    std::fs::read(file).is_ok_and(|bytes| hex::encode(Sha256::digest(bytes)) == SHA256)
}
