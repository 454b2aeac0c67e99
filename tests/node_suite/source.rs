//! Node's sources, of which Debian's package has the tests.

use std::path::PathBuf;

use crate::harness::archive::Archive;

/// The version that is tested against.
pub const VERSION: &str = "22.22.2";

const SOURCE: Archive = Archive {
    what: "the source package of Node.js",
    folder: "node-suite",
    version: VERSION,
    urls: &[
        "https://deb.debian.org/debian/pool/main/n/nodejs/nodejs_22.22.2+dfsg+~cs22.19.15.orig.tar.xz",
        "http://deb.debian.org/debian/pool/main/n/nodejs/nodejs_22.22.2+dfsg+~cs22.19.15.orig.tar.xz",
        "https://snapshot.debian.org/file/1b5116240fc3a1934ae2c87da45a3615e92dbbe9",
    ],
    sha256: "f1a6dfca7ffe7f9f42942274adf9f0a12733977a4744a53f41b20836907c449b",
    members: &["*/test/parallel", "*/test/common", "*/test/fixtures"],
    seconds: "300",
};

/// The folder `test` of Node's sources. None, with a loud word, where nobody has them.
pub fn folder() -> Option<PathBuf> {
    Some(SOURCE.unpacked()?.join("test"))
}
