//! Files of Node's `test/fixtures` that a test names: a worker reads nothing of the machine, so they come with its script and are written to its files in memory.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Of a folder that a test names at most so many files are taken, and so many bytes of a file.
const MOST: usize = 200;
const LARGEST: u64 = 1 << 20;

/// Has Node's `common/fixtures.js` look where the driver has put them.
pub fn lead_to_memory(script: &Path) {
    const BEFORE: &str = "path.join(__dirname, '..', 'fixtures')";
    const AFTER: &str = "globalThis[Symbol.for('workerd-lite.node-suite')].fixtures()";
    let text = std::fs::read_to_string(script).unwrap();
    assert!(text.contains(BEFORE), "common/fixtures.js is another");
    // It is a link to the source.
    std::fs::remove_file(script).unwrap();
    std::fs::write(script, text.replace(BEFORE, AFTER)).unwrap();
}

/// Writes the script that has the files which a test's text names, by their paths.
pub fn write_named(root: &Path, file: &str, text: &str) {
    let folder = root.join("test/fixtures");
    let mut found = BTreeMap::new();
    if text.contains("fixtures") {
        for name in names(text) {
            for candidate in [folder.join(&name), folder.join("keys").join(&name)] {
                add(&folder, &candidate, &mut found);
            }
        }
        // Names of keys that are put together.
        if text.contains("readKey(`")
            || text.contains("readKeys(")
            || text.contains("path('keys',")
            || text.contains("keys/")
        {
            add(&folder, &folder.join("keys"), &mut found);
        }
    }
    let script = format!("module.exports = {};\n", serde_json::to_string(&found).unwrap());
    std::fs::write(root.join(format!("run/{file}.fixtures.cjs")), script).unwrap();
}

/// Texts in quotes, and what those of one call are when they are joined.
fn names(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let quoted: Vec<&str> = line.split(['\'', '"', '`']).skip(1).step_by(2).collect();
        found.extend(quoted.iter().map(|name| name.trim_start_matches('/').to_owned()));
        for start in 0..quoted.len() {
            for end in start + 2..=quoted.len().min(start + 4) {
                found.push(quoted[start..end].join("/"));
            }
        }
    }
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    found.retain(|name| name.split('/').all(is_plain));
    found
}

fn add(folder: &Path, path: &Path, found: &mut BTreeMap<String, String>) {
    let Ok(about) = path.metadata() else { return };
    if about.is_dir() && path != folder {
        let mut entries: Vec<_> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for entry in entries.iter().take(MOST) {
            add(folder, entry, found);
        }
    } else if about.is_file() && about.len() <= LARGEST {
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        found.insert(name, STANDARD.encode(std::fs::read(path).unwrap()));
    }
}
