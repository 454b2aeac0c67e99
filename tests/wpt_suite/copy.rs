//! The copies of web-platform-tests that there are: Node's sources have some areas, Firefox's all of them and the tests' own server.

use std::path::{Path, PathBuf};

use super::server::Server;
use crate::harness::archive::Archive;
use crate::harness::peers;
use crate::harness::suite::Choice;
use crate::node_suite::source;

/// 680 MB, which is why `make test` does without.
const FIREFOX: Archive = Archive {
    what: "the source package of Firefox",
    folder: "wpt-suite",
    version: "140.12.0esr",
    urls: &[
        "https://deb.debian.org/debian/pool/main/f/firefox-esr/firefox-esr_140.12.0esr.orig.tar.xz",
        "http://deb.debian.org/debian/pool/main/f/firefox-esr/firefox-esr_140.12.0esr.orig.tar.xz",
        "https://snapshot.debian.org/file/82cbe121b83b5c4c6723181001bbe4136939e4fc",
    ],
    sha256: "5c72347381233dcc97cbd02c0324116258769d8b9b0f869fd0c6f1d59519ce2a",
    members: &[
        "*/testing/web-platform/tests/FileAPI",
        "*/testing/web-platform/tests/WebCryptoAPI",
        "*/testing/web-platform/tests/common",
        "*/testing/web-platform/tests/compression",
        "*/testing/web-platform/tests/console",
        "*/testing/web-platform/tests/dom",
        "*/testing/web-platform/tests/encoding",
        "*/testing/web-platform/tests/eventsource",
        "*/testing/web-platform/tests/fetch",
        "*/testing/web-platform/tests/hr-time",
        "*/testing/web-platform/tests/html/webappapis",
        "*/testing/web-platform/tests/images",
        "*/testing/web-platform/tests/interfaces",
        "*/testing/web-platform/tests/media",
        "*/testing/web-platform/tests/mimesniff",
        "*/testing/web-platform/tests/performance-timeline",
        "*/testing/web-platform/tests/resources",
        "*/testing/web-platform/tests/service-workers/cache-storage",
        "*/testing/web-platform/tests/streams",
        "*/testing/web-platform/tests/tools",
        "*/testing/web-platform/tests/url",
        "*/testing/web-platform/tests/urlpattern",
        "*/testing/web-platform/tests/user-timing",
        "*/testing/web-platform/tests/wasm",
        "*/testing/web-platform/tests/webidl",
        "*/testing/web-platform/tests/webmessaging",
        "*/testing/web-platform/tests/websockets",
        "*/testing/web-platform/tests/xhr",
    ],
    seconds: "1800",
};

pub struct Copy {
    pub folder: PathBuf,
    /// The file of what fails.
    pub expected: PathBuf,
    /// Node's copy is run without.
    pub server: Option<Server>,
}

impl Copy {
    /// What `make test` takes, or `WPT_COPY=node` says: Node's; else Firefox's. None, with a loud word, where nobody has it.
    pub fn of(choice: &Choice) -> Option<Self> {
        let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/wpt");
        if *choice == Choice::Ci || std::env::var("WPT_COPY").as_deref() == Ok("node") {
            return Some(Self {
                folder: source::folder()?.join("fixtures/wpt"),
                expected: lists.join("node.txt"),
                server: None,
            });
        }
        if !peers::has("python3", "apt-get install python3") || !peers::has("openssl", "apt-get install openssl") {
            return None;
        }
        let folder = FIREFOX.unpacked()?.join("testing/web-platform/tests");
        Some(Self {
            server: Some(Server::start(&folder)),
            expected: lists.join("firefox.txt"),
            folder,
        })
    }
}
