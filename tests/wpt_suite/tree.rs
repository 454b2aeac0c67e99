//! The folder that workers are read from: web-platform-tests as they are, and a worker for each run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::areas::{Run, beside, meta};
use super::copy::Copy;

/// How long one file may take, in milliseconds: keys of RSA take their time to be made, and so does a server that is slow for the test's sake.
fn limit(run: &Run) -> u32 {
    if ["WebCryptoAPI/", "fetch/"]
        .iter()
        .any(|slow| run.file.starts_with(slow))
    {
        17_000
    } else {
        8000
    }
}

/// The largest file that a test may fetch, in bytes.
const LARGEST: u64 = 4 << 20;

/// Where tests are that no server has.
const NOWHERE: &str = "https://web-platform.test:8000/";

/// Workers' names for what the standards say and Workers do not, unless they are told.
const FLAGS: &[&str] = &["streams_no_default_auto_allocate_chunk_size"];

pub struct Tree {
    folder: tempfile::TempDir,
}

fn shim(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures/wpt/suite")
        .join(name)
}

impl Tree {
    pub fn make(copy: &Copy, runs: &[Run]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = Self { folder };
        for name in ["prelude.cjs", "drive.mjs", "policy.mjs"] {
            std::fs::copy(shim(name), tree.path().join(name)).unwrap();
        }
        std::fs::copy(
            copy.folder.join("resources/testharness.js"),
            tree.path().join("testharness.cjs"),
        )
        .unwrap();
        for run in runs {
            tree.write(copy, run);
        }
        tree
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, copy: &Copy, run: &Run) {
        let text = read(copy, &copy.folder.join(&run.file));
        let mut scripts = String::new();
        for script in meta(&text, "script") {
            scripts += &read(copy, &beside(&copy.folder, &run.file, script));
            scripts.push('\n');
        }
        scripts += &text;
        let title = meta(&text, "title").next().unwrap_or_default();
        let about = serde_json::json!({
            "path": run.file,
            "variant": run.variant,
            "title": if title.is_empty() { &run.file } else { title },
            "server": copy.server.as_ref().map_or_else(|| NOWHERE.to_owned(), |server| server.origin(&run.file)),
            "files": if copy.server.is_some() { BTreeMap::new() } else { files(&copy.folder, &run.file, &scripts) },
        });
        let name = worker(run);
        // The body of a sloppy function is what comes nearest to a script, of which workers have none. A module's own names are
        // not a script's.
        let globals = functions(&scripts)
            .map(|name| format!("if (typeof {name} === 'function') globalThis.{name} = {name};"))
            .collect::<Vec<_>>()
            .concat();
        let body = format!(
            "exports.run = (ready) => {{\n  const restore = require('./prelude.cjs')({about});\n  require('./testharness.cjs');\n  restore();\n  ready();\n  body().call(globalThis);\n}};\nfunction body(exports, module, require, __filename, __dirname) {{\nreturn function () {{\n{globals}\n{scripts}\n}};\n}}\n"
        );
        std::fs::write(self.path().join(format!("{name}.cjs")), body).unwrap();
        let worker = format!(
            "import {{ drive }} from './drive.mjs';\nimport body from './{name}.cjs';\nexport default {{ fetch: () => drive(body.run, {}) }};\n",
            limit(run)
        );
        std::fs::write(self.path().join(format!("{name}.mjs")), worker).unwrap();
        let wrangler = serde_json::json!({ "main": format!("{name}.mjs"), "compatibility_flags": FLAGS });
        std::fs::write(self.path().join(format!("{name}.json")), wrangler.to_string()).unwrap();
    }
}

/// The name of a run's files, without what they end in.
pub fn worker(run: &Run) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() {
            character
        } else {
            '_'
        }
    };
    run.name().chars().map(plain).collect()
}

/// A script, which has variables of the server's where its name says so.
fn read(copy: &Copy, path: &Path) -> String {
    if let Some(server) = &copy.server
        && path.to_string_lossy().contains(".sub.")
    {
        let file = path.strip_prefix(&copy.folder).unwrap();
        return server
            .get(&format!("/{}", file.display()))
            .unwrap_or_else(|| panic!("the server has no {}", file.display()));
    }
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Functions of a script's top level, where they are the global object's; and some that are within others, which nobody sees.
fn functions(scripts: &str) -> impl Iterator<Item = &str> {
    scripts.lines().filter_map(|line| {
        let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("function ")?;
        let (name, _) = rest.split_once('(')?;
        let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '$');
        (!name.is_empty() && name.chars().all(plain)).then_some(name)
    })
}

/// What a script names that is a file of data beside it, as base64 by its path from the top.
fn files(source: &Path, file: &str, scripts: &str) -> BTreeMap<String, String> {
    let top = source.canonicalize().unwrap();
    let mut files = BTreeMap::new();
    for named in scripts.split(['"', '\'', '`']) {
        let code = [".js", ".html"].iter().any(|end| named.ends_with(end));
        if code || !named.contains('.') || named.contains(char::is_whitespace) {
            continue;
        }
        let Ok(path) = beside(source, file, named).canonicalize() else {
            continue;
        };
        let Ok(inside) = path.strip_prefix(&top) else { continue };
        if path
            .metadata()
            .is_ok_and(|about| about.is_file() && about.len() <= LARGEST)
        {
            files.insert(
                format!("/{}", inside.display()),
                STANDARD.encode(std::fs::read(&path).unwrap()),
            );
        }
    }
    // `idl_test()` names the interfaces only.
    if scripts.contains("idl_test(") {
        for entry in std::fs::read_dir(source.join("interfaces")).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = format!("/interfaces/{}", path.file_name().unwrap().to_string_lossy());
            files.insert(name, STANDARD.encode(std::fs::read(&path).unwrap()));
        }
    }
    files
}
