//! The scripts of Node's modules, out of the crate deno_node, which is a source of text here and never compiled: types are
//! stripped, ES modules become functions, and specifiers that ours take the place of are named anew.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oxc_allocator::Allocator;
use oxc_codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use oxc_transformer::{TransformOptions, Transformer};

use crate::node_changes::CHANGES;
use crate::node_errors;
use crate::node_names::{MODULES, PATCHES, REPLACED};
use crate::node_script;
use crate::node_speed::SPEED;
use crate::node_words::WORDS;

pub(crate) const SCHEME: &str = "ext:deno_node/";

/// Scripts by their specifiers.
pub(crate) type Scripts = BTreeMap<String, String>;

/// The folder of deno_node's scripts, as cargo fetched it by the lock file.
fn folder() -> PathBuf {
    let cargo = env::var_os("CARGO").expect("cargo sets CARGO");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let package = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "deno_node")
        .expect("deno_node is in the lock file");
    let manifest = package["manifest_path"].as_str().expect("a package has a manifest");
    Path::new(manifest).with_file_name("polyfills")
}

/// All scripts that `ours`, the text of scripts of our own, load, and those that these load.
pub(crate) fn scripts<'a>(ours: impl Iterator<Item = &'a str>) -> Scripts {
    let folder = folder();
    let mut scripts = Scripts::new();
    let mut errors = BTreeSet::new();
    let mut wanted = Vec::new();
    for text in ours {
        wanted.extend(specifiers(text));
        errors.extend(node_errors::names(text).map(ToOwned::to_owned));
    }
    while let Some(specifier) = wanted.pop() {
        if scripts.contains_key(&specifier) {
            continue;
        }
        let file = folder.join(&specifier[SCHEME.len()..]);
        let script = script(&file, &specifier);
        wanted.extend(specifiers(&script));
        scripts.insert(specifier, script);
    }
    let others = scripts
        .iter()
        .filter(|(specifier, _)| *specifier != node_errors::ERRORS);
    errors.extend(others.flat_map(|(_, text)| node_errors::names(text).map(ToOwned::to_owned)));
    if let Some(script) = scripts.get_mut(node_errors::ERRORS) {
        *script = node_errors::named(script, errors);
    }
    for (specifier, ..) in PATCHES.iter().chain(CHANGES).chain(SPEED).chain(WORDS) {
        assert!(scripts.contains_key(*specifier), "{specifier} is not loaded");
    }
    scripts
}

/// The specifiers of deno_node's scripts in a text.
fn specifiers(text: &str) -> Vec<String> {
    let found = text.split('"').skip(1).filter(|part| part.starts_with(SCHEME));
    found.map(ToOwned::to_owned).collect()
}

fn script(file: &Path, specifier: &str) -> String {
    let mut source = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    for (of, from, to) in PATCHES.iter().chain(CHANGES).chain(SPEED).chain(WORDS) {
        if *of == specifier {
            let found = source.matches(from).count();
            assert!(found == 1, "{specifier}: {found} times:\n{from}");
            source = source.replacen(from, to, 1);
        }
    }
    let plain = node_script::of(&javascript(file, &source), specifier);
    // Whichever of the two functions is called with a name.
    let mut named = plain;
    for (from, to) in MODULES {
        for function in ["createLazyLoader", "loadExtScript"] {
            named = named.replace(
                &format!("{function}(\"{from}\")"),
                &format!("{function}(\"{SCHEME}{to}\")"),
            );
        }
    }
    for (from, to) in REPLACED {
        named = named.replace(
            &format!("\"{SCHEME}{from}\""),
            &format!("\"ext:workerd_lite/node/{to}\""),
        );
    }
    ascii(&named)
}

/// The script without types and comments.
fn javascript(file: &Path, source: &str) -> String {
    let kind = SourceType::from_path(file)
        .expect("a script has an extension that is known")
        .with_module(true);
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, kind).parse();
    assert!(
        !parsed.panicked,
        "{}: {:?}",
        file.display(),
        parsed.diagnostics.iter().next()
    );
    let mut program = parsed.program;
    if kind.is_typescript() {
        let scoping = SemanticBuilder::new().build(&program).semantic.into_scoping();
        let options = TransformOptions::default();
        Transformer::new(&allocator, file, &options).build_with_scoping(scoping, &mut program);
    }
    let options = CodegenOptions {
        comments: CommentOptions::disabled(),
        ..CodegenOptions::default()
    };
    Codegen::new().with_options(options).build(&program).code
}

/// Extension scripts are 7-bit ASCII. What is not stands in literals, where an escape means the same.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for unit in text.chars() {
        if unit.is_ascii() {
            out.push(unit);
            continue;
        }
        let mut units = [0; 2];
        for unit in unit.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}
