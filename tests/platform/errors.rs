//! What ops' errors are in JavaScript.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::check;

#[test]
fn failures_of_native_code_are_the_standards_exceptions() {
    check(
        r#"
const { subtle } = crypto;
const gcm = (iv = 12) => ({ name: "AES-GCM", iv: new Uint8Array(iv) });
const key = (usages, extractable = true) => subtle.generateKey({ name: "AES-GCM", length: 256 }, extractable, usages);
const pbkdf2 = () => subtle.importKey("raw", bytes(1, 2), "PBKDF2", false, ["deriveBits"]);
"#,
        r#"
["DOMException InvalidCharacterError 5", () => atob("*")],
["DOMException InvalidCharacterError 5", () => atob("a")],
["DOMException InvalidCharacterError 5", () => btoa("\u0100")],
["DOMException TypeMismatchError 17", () => crypto.getRandomValues(new Float32Array(4))],
["DOMException TypeMismatchError 17", () => crypto.getRandomValues(new Float64Array(1))],
["DOMException QuotaExceededError 22", () => crypto.getRandomValues(new Uint8Array(65537))],
["DOMException DataError", () => subtle.importKey("raw", bytes(1, 2, 3), "AES-GCM", true, ["encrypt"])],
["DOMException DataError", () => subtle.importKey("pkcs8", bytes(1), { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"])],
["DOMException DataError", () => subtle.importKey("spki", bytes(1), { name: "RSA-PSS", hash: "SHA-1" }, true, ["verify"])],
["DOMException DataError", () => subtle.importKey("jwk", { kty: "oct" }, { name: "AES-CBC" }, true, ["encrypt"])],
["DOMException SyntaxError 12", () => subtle.importKey("raw", new Uint8Array(16), "AES-GCM", true, ["sign"])],
["DOMException NotSupportedError 9", () => subtle.generateKey({ name: "ROT13" }, true, ["sign"])],
["DOMException NotSupportedError 9", () => subtle.digest("MD4", bytes(1))],
["DOMException NotSupportedError 9", () => subtle.generateKey({ name: "ECDSA", namedCurve: "P-1" }, true, ["sign"])],
["DOMException SyntaxError 12", () => subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["sign"])],
["DOMException SyntaxError 12", () => subtle.generateKey({ name: "AES-GCM", length: 256 }, true, [])],
["DOMException OperationError", () => subtle.generateKey({ name: "AES-GCM", length: 255 }, true, ["encrypt"])],
["DOMException InvalidAccessError 15", async () => subtle.encrypt({ name: "AES-CBC", iv: new Uint8Array(16) }, await key(["encrypt"]), bytes(1))],
["DOMException InvalidAccessError 15", async () => subtle.decrypt(gcm(), await key(["encrypt"]), new Uint8Array(32))],
["DOMException OperationError", async () => subtle.decrypt(gcm(), await key(["decrypt"]), new Uint8Array(32))],
["DOMException OperationError", async () => subtle.decrypt(gcm(), await key(["decrypt"]), bytes(1))],
["DOMException InvalidAccessError 15", async () => subtle.exportKey("raw", await key(["encrypt"], false))],
["DOMException OperationError", async () => subtle.deriveBits({ name: "PBKDF2", salt: bytes(1), iterations: 1, hash: "SHA-1" }, await pbkdf2(), null)],
["DOMException OperationError", async () => subtle.deriveBits({ name: "PBKDF2", salt: bytes(1), iterations: 1, hash: "SHA-1" }, await pbkdf2(), 9)],
["DOMException OperationError", async () => subtle.deriveBits({ name: "PBKDF2", salt: bytes(1), iterations: 0, hash: "SHA-1" }, await pbkdf2(), 8)],
["DOMException NotSupportedError 9", async () => subtle.deriveBits({ name: "PBKDF2", salt: bytes(1), iterations: 1, hash: "MD5" }, await pbkdf2(), 8)],
["RangeError RangeError ERR_ENCODING_NOT_SUPPORTED", () => new TextDecoder("nope")],
["TypeError TypeError", () => new TextDecoder("utf-8", { fatal: true }).decode(bytes(255))],
["TypeError TypeError", () => new URLPattern("((")],
// The stack is the script's.
["true", () => { try { atob("*"); } catch (error) { return String(error instanceof Error && !error.stack.includes("buildCustomError")); } }],
"#,
    );
}

/// The folders of the crates whose ops scripts call.
fn crates() -> Vec<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = [
        "deno_core",
        "deno_crypto",
        "deno_error",
        "deno_web",
        "deno_webidl",
        "serde_v8",
        "workerd-lite-ops",
    ];
    let packages = metadata["packages"].as_array().unwrap();
    let found: Vec<PathBuf> = packages
        .iter()
        .filter(|package| names.contains(&package["name"].as_str().unwrap()))
        .map(|package| {
            Path::new(package["manifest_path"].as_str().unwrap())
                .parent()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(found.len(), names.len());
    found
}

fn sources(folder: &Path, texts: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.ends_with("tests") {
            continue;
        }
        if path.is_dir() {
            sources(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// Every class that the sources name has a builder: without one scripts would be thrown `undefined`.
#[test]
fn every_class_that_an_op_names_is_registered() {
    let mut texts = Vec::new();
    for folder in crates() {
        sources(&folder, &mut texts);
    }
    let pattern =
        regex::Regex::new(r#"(?:#\[class\(|JsErrorBox::new\(\s*|Cow::Borrowed\(|_ERROR: &str = )"([A-Z][A-Za-z]+)""#)
            .unwrap();
    let named: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| pattern.captures_iter(text))
        .map(|found| found.get(1).unwrap().as_str())
        // Codes of the system's errors are properties, and a test of deno_error's has a class of its own.
        .filter(|name| name.bytes().any(|byte| byte.is_ascii_lowercase()) && *name != "MyError")
        .collect();
    assert!(named.len() > 15, "{named:?}");
    let script = include_str!("../../js/worker/errors.js");
    // What deno_core registers itself.
    let engine = [
        "BadResource",
        "Error",
        "Interrupted",
        "NotCapable",
        "RangeError",
        "ReferenceError",
        "SyntaxError",
        "TypeError",
        "URIError",
    ];
    let unknown: Vec<&&str> = named
        .iter()
        .filter(|name| {
            let listed = name.strip_prefix("DOMException").unwrap_or(name);
            !engine.contains(name) && !script.contains(&format!("  \"{listed}\",\n"))
        })
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The first that an isolate complains of, before anything else has loaded what it complains with.
#[test]
fn timers_say_what_is_no_function() {
    check(
        "const code = (run) => { try { run(); } catch (error) { return `${error.name} ${error.code}`; } };",
        r#"
["TypeError ERR_INVALID_ARG_TYPE", () => code(() => setTimeout("x"))],
["TypeError ERR_INVALID_ARG_TYPE", () => code(() => setInterval({}))],
["TypeError ERR_INVALID_ARG_TYPE", () => code(() => setImmediate())],
"#,
    );
}
