//! Modules: whatever a script imports, nothing is read that is outside of its folder, hidden, or its owner's.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::kept;
use crate::isolate::modules::{Confinement, Graph};

fn specifier() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just(String::new()),
        Just("lib".to_owned()),
        Just("up".to_owned()),
        Just("out".to_owned()),
        Just("secret.txt".to_owned()),
        Just(".dev.vars".to_owned()),
        Just("policy.js".to_owned()),
        Just("a.js".to_owned()),
        Just("%2e%2e".to_owned()),
        Just("%2Fetc%2Fpasswd".to_owned()),
        Just("etc/passwd".to_owned()),
        Just("node_modules/x".to_owned()),
        "\\PC{0,3}",
    ];
    let start = prop_oneof![
        Just("./"),
        Just("../"),
        Just("/"),
        Just(""),
        Just("file:///"),
        Just("file://localhost/"),
        Just("node:"),
        Just("https://a.test/"),
        Just("data:,"),
        Just("#"),
    ];
    (start, prop::collection::vec(part, 1..5)).prop_map(|(start, parts)| format!("{start}{}", parts.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: kept().cases / 4, ..kept() })]

    #[test]
    fn nothing_of_others_is_read(imports in prop::collection::vec((specifier(), any::<bool>()), 1..6)) {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("project");
        for folder in ["lib", "node_modules/x"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::fs::write(outside.path().join("secret.txt"), "outside").unwrap();
        std::fs::write(outside.path().join("a.js"), "export const outside = 1;").unwrap();
        for (name, text) in [("secret.txt", "fine"), (".dev.vars", "KEY=1"), ("policy.js", "export const policy = 1;"), ("lib/a.js", "export const a = 1;"), ("node_modules/x/package.json", r#"{ "name": "x", "main": "../../../a.js" }"#)] {
            std::fs::write(root.join(name), text).unwrap();
        }
        symlink(outside.path(), root.join("up")).unwrap();
        symlink(outside.path().join("secret.txt"), root.join("out")).unwrap();
        let mut main = String::new();
        for (specifier, text) in &imports {
            let with = if *text { ", { with: { type: 'text' } }" } else { "" };
            let _ = writeln!(main, "import({}{with});", serde_json::to_string(specifier).unwrap());
        }
        std::fs::write(root.join("main.js"), &main).unwrap();
        let confinement = Confinement {
            root: root.clone(),
            forbidden: HashSet::from([root.join("policy.js").canonicalize().unwrap()]),
            ..Confinement::default()
        };
        if let Ok(graph) = Graph::load(&root.join("main.js"), &confinement) {
            let real = root.canonicalize().unwrap();
            for file in graph.files() {
                let file = file.canonicalize().unwrap();
                prop_assert!(file.starts_with(&real), "{}", file.display());
                prop_assert!(!file.ends_with("policy.js") && !file.ends_with(".dev.vars"), "{}", file.display());
            }
            for module in graph.modules() {
                prop_assert!(!module.text().contains("outside") && !module.text().contains("KEY=1"));
            }
        }
    }
}
