//! The folder that workers are read from: Node's tests as they are, with our shim in the place of `common/index.js`, and a worker for each.

use std::path::{Path, PathBuf};

use super::fixtures;
use super::modules::extension;

/// How long one file may take.
const LIMIT_MS: u32 = 6000;

pub struct Tree {
    folder: tempfile::TempDir,
}

fn shim(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fixtures/node/suite")
        .join(name)
}

impl Tree {
    pub fn make(source: &Path, files: &[String]) -> Self {
        // Beside the sources, so that what is the same is a hard link.
        let folder = tempfile::tempdir_in(source.parent().unwrap()).unwrap();
        let root = folder.path();
        link(&source.join("common"), &root.join("test/common"));
        link(&source.join("fixtures"), &root.join("test/fixtures"));
        for (name, to) in [
            ("common.js", "index.js"),
            ("common.mjs", "index.mjs"),
            ("node_test.js", "node_test.js"),
            ("drive.mjs", "drive.mjs"),
        ] {
            let to = root.join("test/common").join(to);
            let _ = std::fs::remove_file(&to);
            std::fs::copy(shim(name), to).unwrap();
        }
        fixtures::lead_to_memory(&root.join("test/common/fixtures.js"));
        for folder in ["run", "test/parallel"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in files {
            let text = std::fs::read(source.join("parallel").join(file)).unwrap();
            let text = String::from_utf8_lossy(&text);
            fixtures::write_named(root, file, &text);
            write_worker(root, file, &text);
        }
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join("test/parallel").join(file)).unwrap()
    }
}

/// The test, and a worker that runs it within an event.
fn write_worker(root: &Path, file: &str, text: &str) {
    // Workers have `node:test` in tests of their own only.
    let mut text = text.to_owned();
    for quote in ['\'', '"'] {
        for (from, to) in [("require(", "../common/node_test"), ("from ", "../common/node_test.js")] {
            text = text.replace(
                &format!("{from}{quote}node:test{quote}"),
                &format!("{from}{quote}{to}{quote}"),
            );
        }
    }
    std::fs::write(root.join("test/parallel").join(file), text).unwrap();
    let run = if extension(file) == "mjs" {
        format!("const run = () => import('../test/parallel/{file}');\n")
    } else {
        let loads = format!("exports.run = () => {{ require('../test/parallel/{file}'); }};\n");
        std::fs::write(root.join(format!("run/{file}.cjs")), loads).unwrap();
        format!("import body from './{file}.cjs';\nconst run = () => body.run();\n")
    };
    let worker = format!(
        "import {{ drive }} from '../test/common/drive.mjs';\nimport fixtures from './{file}.fixtures.cjs';\n\
         {run}export default {{ fetch: () => drive(run, {LIMIT_MS}, fixtures) }};\n"
    );
    std::fs::write(root.join(format!("run/{file}.worker.mjs")), worker).unwrap();
}

/// The folder's files under another name.
fn link(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, to) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            link(&entry.path(), &to);
        } else if kind.is_file() {
            std::fs::hard_link(entry.path(), to).unwrap();
        }
    }
}
