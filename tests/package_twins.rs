//! Packages that have their code twice: who imports them and who requires them share one instance where wrangler's bundler has them share it.

use crate::harness::{Project, json};

const AGENT: &str = r#"
import state, { id } from "state";
import * as all from "@scope/state/deep";
import { seen, seenDeep } from "user";
import { id as ofExports } from "exported";
import { id as alone } from "alone";
import { id as mapped } from "mapped";
export default { fetch: () => Response.json({ id, same: state.box === seen.box, deep: all.box === seenDeep.box, ofExports, alone, mapped }) };
"#;

/// A package's file, by which of the two it is.
fn twin(kind: &str) -> String {
    match kind {
        "main" => "exports.id = 'main'; exports.box = {};".to_owned(),
        _ => format!("export const id = '{kind}'; export const box = {{}}; export default {{ id, box }};"),
    }
}

fn project(user: &str) -> Project {
    let (main, module) = (twin("main"), twin("module"));
    Project::new(&[
        ("agent.js", AGENT),
        (
            "node_modules/state/package.json",
            r#"{ "name": "state", "main": "./main.js", "module": "./module.js" }"#,
        ),
        ("node_modules/state/main.js", &main),
        ("node_modules/state/module.js", &module),
        (
            "node_modules/@scope/state/package.json",
            r#"{ "name": "@scope/state" }"#,
        ),
        (
            "node_modules/@scope/state/deep/package.json",
            r#"{ "main": "../main", "module": "../es/module.mjs" }"#,
        ),
        ("node_modules/@scope/state/main.js", &main),
        ("node_modules/@scope/state/es/module.mjs", &module),
        (
            "node_modules/exported/package.json",
            r#"{ "name": "exported", "main": "./main.js", "module": "./module.mjs", "exports": { "import": "./module.mjs", "require": "./main.js" } }"#,
        ),
        ("node_modules/exported/main.js", &main),
        ("node_modules/exported/module.mjs", &module),
        (
            "node_modules/alone/package.json",
            r#"{ "name": "alone", "main": "./main.js", "module": "./module.js" }"#,
        ),
        ("node_modules/alone/main.js", &main),
        ("node_modules/alone/module.js", &module),
        (
            "node_modules/mapped/package.json",
            r#"{ "name": "mapped", "main": "./main.js", "module": "./module.js", "browser": "./browser.js" }"#,
        ),
        ("node_modules/mapped/main.js", &main),
        ("node_modules/mapped/module.js", &module),
        ("node_modules/mapped/browser.js", &twin("browser")),
        (
            "node_modules/user/package.json",
            r#"{ "name": "user", "main": "./index.js" }"#,
        ),
        ("node_modules/user/index.js", user),
    ])
}

#[test]
fn what_is_required_is_imported_too() {
    let project = project(
        "exports.seen = require('state'); exports.seenDeep = require('@scope/state/deep'); require('exported'); require('mapped');",
    );
    let server = project.serve(&["agent.js"]);
    let expected = serde_json::json!({
        "id": "main", "same": true, "deep": true, "ofExports": "module", "alone": "module", "mapped": "main",
    });
    assert_eq!(json(&server.ok("/")), expected, "{}", server.log());
}

#[test]
fn what_nobody_requires_is_the_module() {
    let project = project("exports.seen = {}; exports.seenDeep = {};");
    let server = project.serve(&["agent.js"]);
    let expected = serde_json::json!({
        "id": "module", "same": false, "deep": false, "ofExports": "module", "alone": "module", "mapped": "main",
    });
    assert_eq!(json(&server.ok("/")), expected, "{}", server.log());
}
