//! Builds the snapshot: deno's scripts, our own, and the boot function, run once and frozen.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deno_core::snapshot::{CreateSnapshotOptions, create_snapshot};
use deno_core::{Extension, ExtensionFileSource};

mod eager;
mod node_changes;
mod node_errors;
mod node_lazy;
mod node_names;
mod node_script;
mod node_sources;
mod node_speed;
mod node_words;
mod patches;

/// Our scripts, by folder. They load each other as `ext:workerd_lite/<folder>/<file>`.
const FOLDERS: [&str; 15] = [
    "fetch",
    "html_rewriter",
    "loader",
    "node",
    "node/absent",
    "node/dns",
    "node/fs",
    "node/http",
    "node/http2",
    "node/net",
    "rpc",
    "sockets",
    "testing",
    "websocket",
    "worker",
];

/// Scripts of ours around Node's.
const OURS_FOR_NODE: &str = "ext:workerd_lite/node/";

/// deno's scripts that ours take the place of.
const REPLACED: [(&str, &str); 3] = [
    ("ext:deno_fetch/22_http_client.js", "fetch/http_client.js"),
    ("ext:deno_fetch/26_fetch.js", "fetch/fetch.js"),
    ("ext:deno_web/12_location.js", "fetch/location.js"),
];

fn main() {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));

    let mut extensions = workerd_lite_ops::extensions::extensions(None);
    let mut patches = patches::Patches::default();
    for extension in &mut extensions {
        extension.lazy_loaded_js_files = Cow::Owned(patches.apply(&extension.lazy_loaded_js_files));
        match extension.name {
            "deno_fetch" => {
                let scripts = deno_fetch::deno_fetch::lazy_init().lazy_loaded_js_files;
                extension.lazy_loaded_js_files = Cow::Owned(patches.apply(&with_replaced(&manifest, &scripts)));
            }
            "deno_web" => {
                let scripts = with_replaced(&manifest, &extension.lazy_loaded_js_files);
                extension.lazy_loaded_js_files = Cow::Owned(scripts);
            }
            "workerd_lite" => extension.lazy_loaded_js_files = Cow::Owned(own_scripts(&manifest)),
            _ => {}
        }
    }
    patches.finish();
    let scripts = lazy_scripts(&extensions);

    let snapshot = create_snapshot(
        CreateSnapshotOptions {
            cargo_manifest_dir: env!("CARGO_MANIFEST_DIR"),
            startup_snapshot: None,
            skip_op_registration: false,
            extensions,
            extension_transpiler: None,
            with_runtime_cb: Some(Box::new(|runtime| {
                runtime
                    .execute_script(
                        "ext:boot",
                        "__bootstrap.core.loadExtScript('ext:workerd_lite/worker/boot.js');",
                    )
                    .expect("the worker's scripts run");
            })),
        },
        None,
    )
    .expect("the snapshot is made");

    fs::write(out.join("worker.snapshot"), &snapshot.output).expect("OUT_DIR can be written");
    let ours = scripts.iter().map(|(_, source)| source.as_str());
    let node = node_sources::scripts(ours);
    // Sorted: it is searched by bisection.
    let residual: BTreeMap<String, String> = scripts
        .into_iter()
        .filter(|(specifier, _)| !snapshot.consumed_lazy_specifiers.iter().any(|used| used == specifier))
        .chain(node)
        .map(|(specifier, source)| {
            let source = if specifier.starts_with(node_sources::SCHEME) || specifier.starts_with(OURS_FOR_NODE) {
                node_lazy::of(&source, node_names::LATE)
            } else {
                source
            };
            (specifier, deno_core::wrap_lazy_ext_script(&source))
        })
        .collect();
    let stubs = residual.keys().map(|specifier| (specifier.clone(), stub(specifier)));
    write_table(&out.join("stubs.rs"), &stubs.collect());
    write_table(&out.join("residual.rs"), &residual);
    let mut digest = DefaultHasher::new();
    residual.hash(&mut digest);
    fs::write(out.join("residual_digest.txt"), format!("{:016x}", digest.finish())).expect("OUT_DIR can be written");
    for source in [
        "build.rs",
        "eager.rs",
        "node_changes.rs",
        "node_errors.rs",
        "node_lazy.rs",
        "node_names.rs",
        "node_script.rs",
        "node_sources.rs",
        "node_speed.rs",
        "node_words.rs",
        "patches",
    ] {
        println!("cargo:rerun-if-changed={source}");
    }
    for folder in FOLDERS {
        println!("cargo:rerun-if-changed={}", manifest.join(folder).display());
    }
}

/// What deno_core evaluates in a residual script's place.
fn stub(specifier: &str) -> String {
    let load = if specifier.starts_with(node_sources::SCHEME) || specifier.starts_with(OURS_FOR_NODE) {
        format!("loadNode({specifier:?})")
    } else {
        format!("load({specifier:?}, __bootstrap)")
    };
    format!("\"use strict\"; return (__bootstrap.core.loadExtScript(\"ext:workerd_lite/worker/residual.js\").{load});")
}

fn write_table(path: &Path, scripts: &BTreeMap<String, String>) {
    let mut table = String::from("&[\n");
    for (specifier, source) in scripts {
        let _ = writeln!(table, "({specifier:?}, {source:?}),");
    }
    table.push(']');
    fs::write(path, table).expect("OUT_DIR can be written");
}

fn read(path: &Path) -> Arc<str> {
    let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        source.is_ascii(),
        "{}: extension scripts must be 7-bit ASCII",
        path.display()
    );
    source.into()
}

fn own_scripts(manifest: &Path) -> Vec<ExtensionFileSource> {
    let mut scripts = Vec::new();
    for folder in FOLDERS {
        let mut files: Vec<PathBuf> = fs::read_dir(manifest.join(folder))
            .expect("the scripts' folder can be read")
            .map(|entry| entry.expect("a folder entry can be read").path())
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        for file in files {
            let name = file
                .strip_prefix(manifest)
                .expect("below the manifest")
                .to_string_lossy();
            if REPLACED.iter().any(|(_, ours)| *ours == name) {
                continue;
            }
            let specifier: &'static str = format!("ext:workerd_lite/{name}").leak();
            let source = eager::of(&read(&file), &name);
            scripts.push(ExtensionFileSource::new_computed(specifier, source.into()));
        }
    }
    scripts
}

/// deno's scripts, with ours in the place of some.
fn with_replaced(manifest: &Path, scripts: &[ExtensionFileSource]) -> Vec<ExtensionFileSource> {
    scripts
        .iter()
        .cloned()
        .map(
            |script| match REPLACED.iter().find(|(specifier, _)| *specifier == script.specifier) {
                Some((specifier, ours)) => {
                    let source = eager::of(&read(&manifest.join(ours)), ours);
                    ExtensionFileSource::new_computed(specifier, source.into())
                }
                None => script,
            },
        )
        .collect()
}

/// Every lazy script with its source, before the extensions are handed over.
fn lazy_scripts(extensions: &[Extension]) -> Vec<(String, String)> {
    extensions
        .iter()
        .flat_map(|extension| extension.lazy_loaded_js_files.iter())
        .map(|script| {
            let source = script.load().expect("an extension's script can be read");
            (script.specifier.to_owned(), source.as_str().to_owned())
        })
        .collect()
}
