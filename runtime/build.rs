//! What `workerd-lite --version` says of the commit, and how the program is linked.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rustc-check-cfg=cfg(git)");
    println!("cargo:rerun-if-changed=build.rs");
    commit();
    link();
}

/// The commit of a repository is read from a file of git's when `main.rs` is compiled: this script would have to run at
/// each commit, and the whole crate to be compiled after it. Without a repository (an archive of the source, or a crate's
/// package) the commit is what was written down when that was made, and does not change.
fn commit() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    if let Some(file) = here.parent().and_then(head) {
        println!("cargo:rustc-cfg=git");
        println!("cargo:rustc-env=WORKERD_LITE_COMMIT_FILE={}", file.display());
        println!(
            "cargo:rustc-env=WORKERD_LITE_COMMIT={}",
            dated(&here).unwrap_or_default()
        );
        return;
    }
    println!("cargo:rerun-if-changed=commit.txt");
    println!(
        "cargo:rustc-env=WORKERD_LITE_COMMIT={}",
        exported(&here).or_else(|| packaged(&here)).unwrap_or_default()
    );
}

/// The file that holds the hash of the commit that is checked out: `HEAD`, or the branch that it names.
fn head(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    // A worktree's is a file that says where its own files are.
    let folder = match fs::read_to_string(&dot_git) {
        Ok(text) => root.join(text.strip_prefix("gitdir:")?.trim()),
        Err(_) => dot_git,
    };
    let head = folder.join("HEAD");
    let text = fs::read_to_string(&head).ok()?;
    println!("cargo:rerun-if-changed={}", head.display());
    let Some(branch) = text.strip_prefix("ref:") else {
        return Some(head);
    };
    let shared = fs::read_to_string(folder.join("commondir")).map_or(folder.clone(), |at| folder.join(at.trim()));
    let file = shared.join(branch.trim());
    if file.is_file() {
        return Some(file);
    }
    // It is packed, until the next commit writes its file.
    let packed = shared.join("packed-refs");
    println!("cargo:rerun-if-changed={}", packed.display());
    if let Some(parent) = file.ancestors().skip(1).find(|parent| parent.is_dir()) {
        println!("cargo:rerun-if-changed={}", parent.display());
    }
    let line = format!(" {}", branch.trim());
    let text = fs::read_to_string(packed).ok()?;
    let hash = text.lines().find_map(|packed| packed.strip_suffix(&line))?;
    let copy = PathBuf::from(env::var_os("OUT_DIR")?).join("commit");
    fs::write(&copy, hash).ok()?;
    Some(copy)
}

/// Hash and day of the commit, where git is at hand to tell.
fn dated(here: &Path) -> Option<String> {
    let output = Command::new("git")
        .args(["log", "-1", "--format=%H %cs"])
        .current_dir(here)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `git archive` writes hash and day into this file, as `.gitattributes` asks.
fn exported(here: &Path) -> Option<String> {
    let text = fs::read_to_string(here.join("commit.txt")).ok()?;
    let text = text.trim();
    (!text.starts_with('$')).then(|| text.to_owned())
}

/// `cargo package` writes the hash into this one.
fn packaged(here: &Path) -> Option<String> {
    let text = fs::read_to_string(here.join(".cargo_vcs_info.json")).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    rest.split('"').nth(1).map(str::to_owned)
}

/// The program alone, and not tests or the snapshot's maker: without symbols, which are a fifth of it, and with one copy of
/// functions whose machine code is the same and whose address nobody takes. `WORKERD_LITE_SYMBOLS=1` keeps the symbols, for
/// profilers and backtraces.
fn link() {
    println!("cargo:rerun-if-env-changed=WORKERD_LITE_SYMBOLS");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let mut options = vec!["-Wl,--icf=safe"];
    if env::var_os("WORKERD_LITE_SYMBOLS").is_none_or(|symbols| symbols.is_empty()) {
        options.push("-Wl,--strip-all");
    }
    for option in options {
        if linker_takes(option).unwrap_or(false) {
            println!("cargo:rustc-link-arg-bins={option}");
        }
    }
}

/// GNU's linker does not know each option that LLVM's does, and which one it is the toolchain decides.
fn linker_takes(option: &str) -> Option<bool> {
    let folder = PathBuf::from(env::var_os("OUT_DIR")?);
    let source = folder.join("empty.rs");
    fs::write(&source, "fn main() {}").ok()?;
    let mut rustc = Command::new(env::var_os("RUSTC")?);
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        rustc.args(["-C", &format!("linker={}", linker.to_string_lossy())]);
    }
    rustc
        .args(["--crate-name", "empty", "--target", &env::var("TARGET").ok()?])
        .args(["-C", &format!("link-arg={option}"), "-o"])
        .arg(folder.join("empty"))
        .arg(source);
    Some(rustc.output().ok()?.status.success())
}
