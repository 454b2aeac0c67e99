//! CommonJS modules: the same tree in a worker and in Node.js.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Project, json, peers};

/// The files of a folder, `packages` as the `node_modules` that git does not keep.
fn tree(folder: &Path, within: &str, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let name = if name == "packages" {
            "node_modules".to_owned()
        } else {
            name
        };
        let name = format!("{within}{name}");
        if entry.file_type().unwrap().is_dir() {
            tree(&entry.path(), &format!("{name}/"), files);
        } else {
            files.push((name, std::fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

fn project(more: &[(&str, &str)]) -> Project {
    let mut files = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/node/commonjs");
    tree(&folder, "", &mut files);
    let mut all: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    all.extend_from_slice(more);
    Project::new(&all)
}

/// Node's output for a script of the project, as JSON.
fn node(project: &Project, script: &str) -> Option<Value> {
    let folder = peers::npm()?;
    let script = project.path().join(script);
    let node = peers::node(&folder, script.to_str().unwrap(), &[]);
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    Some(json(&String::from_utf8(node.stdout).unwrap()))
}

fn same(ours: &Value, theirs: &Value) {
    let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
    let mut different = Vec::new();
    for (name, theirs) in theirs {
        let ours = &ours[name];
        if ours != theirs {
            different.push(format!("{name}\n  ours:   {ours}\n  Node's: {theirs}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(ours.len(), theirs.len());
}

#[test]
fn what_a_module_sees_is_what_it_sees_in_node() {
    let project = project(&[
        (
            "worker.js",
            "import checks from './checks.cjs'; export default { async fetch() { return Response.json(await checks.run()); } };",
        ),
        (
            "node.mjs",
            "import checks from './checks.cjs'; console.log(JSON.stringify(await checks.run()));",
        ),
    ]);
    let server = project.serve(&["worker.js"]);
    let ours = server.get("/");
    assert_eq!(ours.status, 200, "{} {}", ours.body, server.log());
    if let Some(theirs) = node(&project, "node.mjs") {
        same(&json(&ours.body), &theirs);
    }
}

/// Modules whose named exports are to be found, one a line.
const EXPORTS: &str = r#"
exports.a = exports.b = 1; module.exports.c = 2; exports['d'] = 3; if (0) { (() => { exports.e = 1; })(); }
module.exports = { a, b: c, 'd': c, e: 1, f: 2 }; var a, c;
module.exports = { a: require('./x0.js'), b: 1 };
module.exports = { a, ...require('./x0.js'), b }; var a, b;
module.exports = { a, ...b, c }; var a, b, c;
module.exports = { a() {}, b: 1 };
module.exports = { get a() { return 1; }, b: 1 };
module.exports = { async a() {}, b: 1 };
module.exports = { a: -1, b: 1 }; module.exports.z = 1;
module.exports = { 'x y': 1, b: 2 };
module.exports = { [1]: 1, b: 2 };
module.exports = { 1: 1, b: 2 };
module.exports = { a: function () {}, b: 2 };
module.exports = { 'a': b, c: b, 'default': b }; var b;
module.exports = require('./x0.js');
module.exports = require('./x0.js'); module.exports = require('./x1.js');
module.exports = require('./x0.js'); module.exports.late = 1;
module.exports = Object.assign({}, require('./x0.js')); exports.f = 1;
0 && (module.exports = { a, b }); exports.a = 1; exports.b = 2;
Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 5; exports.x = 1;
Object.defineProperty(exports, 'a', { enumerable: true, get: function () { return q.p; } }); var q = { p: 1 };
Object.defineProperty(exports, 'a', { enumerable: true, get: function get() { return q['p']; } }); var q = { p: 1 };
Object.defineProperty(exports, 'a', { enumerable: true, get() { return q; } }); var q = 1;
Object.defineProperty(exports, 'a', { enumerable: true, get: () => 1 });
Object.defineProperty(exports, 'a', { get: function () { return f(); } }); function f() { return 1; }
Object.defineProperty(module.exports, 'a', { enumerable: true, value: 1 }); Object.defineProperty(exports, 'b', { value: 2 });
function __exportStar(m, e) { for (var k in m) if (k !== 'default') e[k] = m[k]; } __exportStar(require('./x0.js'), exports); exports.own = 1;
var tslib_1 = { __exportStar(m, e) { Object.assign(e, m); } }; tslib_1.__exportStar(require("./x0.js"), exports);
function __export(m) { for (var p in m) if (!exports.hasOwnProperty(p)) exports[p] = m[p]; } __export(require("./x0.js"));
var _x = require("./x0.js"); Object.keys(_x).forEach(function (key) { if (key === "default" || key === "__esModule") return; if (key in exports && exports[key] === _x[key]) return; Object.defineProperty(exports, key, { enumerable: true, get: function () { return _x[key]; } }); });
var _x = require("./x0.js"); Object.keys(_x).forEach(function (k) { if (k !== 'default' && !exports.hasOwnProperty(k)) exports[k] = _x[k]; });
(function (root, factory) { if (typeof exports === 'object') factory(exports); })(this, function (e) { e.hidden = 1; });
module.exports = class A { static s = 1; }; module.exports.A = module.exports;
module.exports = function f() {}; module.exports.g = 1;
exports.a = 1; Object.defineProperty(exports, 'bad', { enumerable: true, get: function () { throw new Error(); } }); exports.bad2 = 1;
module.exports = 5; exports.gone = 1;
exports['module.exports'] = 1; exports.if = 1; exports['a-b'] = 2;
exports.asyncs = async () => await import('./x0.js'); /* exports.comment = 1 */ var text = "exports.text = 1";
"#;

#[test]
fn imports_have_the_names_that_nodes_lexer_finds() {
    let lines: Vec<&str> = EXPORTS.trim().lines().collect();
    let mut files: Vec<(String, String)> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| (format!("x{index}.js"), format!("{line}\n")))
        .collect();
    files.push(("package.json".to_owned(), "{}".to_owned()));
    let mut imports = String::new();
    for index in 0..lines.len() {
        let _ = writeln!(
            imports,
            "import * as m{index} from './x{index}.js'; all.x{index} = told(m{index});"
        );
    }
    files.push((
        "all.mjs".to_owned(),
        format!(
            "const told = (m) => Object.keys(m).filter((name) => name !== 'module.exports').sort().map((name) => [name, name === 'default' ? typeof m[name] : typeof m[name] === 'function' ? 0 : m[name]]);\n\
             export const all = {{}};\n{imports}"
        ),
    ));
    files.push((
        "worker.js".to_owned(),
        "import { all } from './all.mjs'; export default { fetch: () => Response.json(all) };".to_owned(),
    ));
    files.push((
        "node.mjs".to_owned(),
        "import { all } from './all.mjs'; console.log(JSON.stringify(all));".to_owned(),
    ));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let project = Project::new(&files);
    let server = project.serve(&["worker.js"]);
    let ours = server.get("/");
    assert_eq!(ours.status, 200, "{} {}", ours.body, server.log());
    if let Some(theirs) = node(&project, "node.mjs") {
        same(&json(&ours.body), &theirs);
    }
}

#[test]
fn es_modules_are_required_as_node_22_does() {
    let project = Project::new(&[
        (
            "worker.js",
            "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nconst order = globalThis.order = [];\nconst code = (does) => { try { return does(); } catch (error) { return error.code ?? `${error}`; } };\n\
             export default { async fetch() {\n  const told = {};\n  told.before = order.join();\n  const all = require('./all.mjs');\n  told.namespace = [Object.keys(all), all.default, all.__esModule, order.join(), Object.prototype.toString.call(all)];\n  \
             told.same = require('./named.mjs') === await import('./named.mjs');\n  told.once = [require('./all.mjs') === all, order.join()];\n  told.chosen = require('./chosen.mjs')();\n  told.marked = require('./marked.mjs').default;\n  \
             told.waits = [code(() => require('./waits.mjs')), code(() => require('./waits-below.mjs'))];\n  told.cycle = require('./cycle.cjs').seen;\n  \
             const first = code(() => { try { require('./throws.mjs'); } catch (error) { return error === globalThis.thrown && error.mine; } });\n  told.throws = [first, code(() => { try { require('./throws.mjs'); } catch (error) { return error === globalThis.thrown; } })];\n  \
             told.syntax = code(() => require('./broken.mjs')).split(':')[0];\n  told.missing = [code(() => require('./none.mjs')), code(() => require('none'))];\n  told.cjs = (await import('./uses.cjs')).default;\n  \
             const spins = code(() => require('./spins.mjs'));\n  return Response.json(told);\n} };",
        ),
        (
            "all.mjs",
            "import './below.mjs'; globalThis.order.push('all'); export default 1; export const other = 2;",
        ),
        ("below.mjs", "globalThis.order.push('below');"),
        ("named.mjs", "export const a = 1;"),
        (
            "chosen.mjs",
            "const chosen = () => 'chosen'; export { chosen as 'module.exports' }; export default 1;",
        ),
        ("marked.mjs", "export const __esModule = true; export default 'marked';"),
        ("waits.mjs", "await 1; export const a = 1;"),
        ("waits-below.mjs", "import './waits.mjs';"),
        (
            "cycle.cjs",
            "try { require('./cycle.mjs'); } catch (error) { exports.seen = error.code; } exports.seen ??= globalThis.cycleSeen;",
        ),
        ("cycle.mjs", "import './cycle-back.cjs'; export const a = 1;"),
        (
            "cycle-back.cjs",
            "try { require('./cycle.mjs'); } catch (error) { globalThis.cycleSeen = error.code; }",
        ),
        (
            "throws.mjs",
            "globalThis.thrown = Object.assign(new Error('x'), { mine: 'mine' }); throw globalThis.thrown;",
        ),
        ("broken.mjs", "export const = 1;"),
        ("spins.mjs", "export const a = 1;"),
        (
            "uses.cjs",
            "module.exports = [require('./named.mjs').a, typeof require('./all.mjs').default];",
        ),
    ]);
    let server = project.serve(&["worker.js"]);
    let answer = server.get("/");
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    let told = json(&answer.body);
    let expected = serde_json::json!({
        "before": "",
        "namespace": [["__esModule", "default", "other"], 1, true, "below,all", "[object Module]"],
        "same": true,
        "once": [true, "below,all"],
        "chosen": "chosen",
        "marked": "marked",
        "waits": ["ERR_REQUIRE_ASYNC_MODULE", "ERR_REQUIRE_ASYNC_MODULE"],
        "cycle": "ERR_REQUIRE_CYCLE_MODULE",
        "throws": ["mine", true],
        "syntax": "SyntaxError",
        "missing": ["MODULE_NOT_FOUND", "MODULE_NOT_FOUND"],
        "cjs": [1, "number"],
    });
    same(&told, &expected);
}

/// A module that never ends is stopped wherever it is required.
#[test]
fn what_is_required_is_within_the_limits() {
    let project = Project::new(&[
        (
            "worker.js",
            "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n\
             () => [require('./spins.mjs'), require('./spins.cjs'), require('./grows.mjs'), require('./grows.cjs'), require('./below.mjs')];\n\
             export default { async fetch(request) { const { pathname } = new URL(request.url); return new Response(pathname === '/' ? 'fine' : require('.' + pathname).a); } };",
        ),
        ("spins.mjs", "export const a = 1; for (;;);"),
        ("spins.cjs", "for (;;);"),
        (
            "grows.mjs",
            "export const a = []; for (;;) a.push(new Array(1e5).fill(1));",
        ),
        ("grows.cjs", "const a = []; for (;;) a.push(new Array(1e5).fill(1));"),
        ("below.mjs", "import './spins.mjs'; export const a = 1;"),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\n[limits]\ncpu_ms = 200\nmemory_mb = 32\n",
        ),
    ]);
    let server = project.serve(&[]);
    for name in ["spins.mjs", "spins.cjs", "grows.mjs", "grows.cjs", "below.mjs"] {
        assert_eq!(server.get("/").body, "fine", "before {name}");
        assert_eq!(server.get(&format!("/{name}")).status, 503, "{name} {}", server.log());
    }
    assert_eq!(server.get("/").body, "fine");
}
