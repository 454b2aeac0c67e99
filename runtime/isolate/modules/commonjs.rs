//! CommonJS modules as ES modules: a body that runs when it is first required, and a facade that gives its exports by
//! name. Its code is strict, as all of a worker's.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use deno_core::url::Url;
use serde_json::Value;

/// What a `require()` gives.
pub(super) enum Required {
    /// The exports of a module of the same kind, by the URL of its body.
    CommonJs(Url),
    /// An ES module.
    Namespace(Url),
    /// The default export: of JSON, text and the modules of ours.
    Default(String),
    /// An exception.
    Failure(String),
}

/// The module that holds the code.
pub(super) fn body_url(url: &Url) -> Url {
    with_query(url, "commonjs")
}

/// The facade whose default export is `module.exports` in any case.
pub(super) fn node_url(url: &Url) -> Url {
    with_query(url, "commonjs-default")
}

pub(super) fn with_query(url: &Url, word: &str) -> Url {
    let mut url = url.clone();
    let query = match url.query() {
        Some(query) => format!("{query}&{word}"),
        None => word.to_owned(),
    };
    url.set_query(Some(&query));
    url
}

/// The code in a function. Its lines stay where they are.
pub(super) fn body<'a>(source: &str, name: &str, required: impl Iterator<Item = (&'a str, Required)>) -> String {
    let (mut imports, mut cases) = (String::new(), String::new());
    let mut seen = BTreeSet::new();
    for (index, (specifier, required)) in required.enumerate() {
        if !seen.insert(specifier) {
            continue;
        }
        let local = format!("workerdLiteRequired{index}");
        let (import, value) = match required {
            Required::CommonJs(url) => (
                format!(
                    "import {{ workerdLiteLoad as {local} }} from {};",
                    literal(url.as_str())
                ),
                format!("return {local}();"),
            ),
            Required::Namespace(url) => (
                format!("import * as {local} from {};", literal(url.as_str())),
                format!("return workerdLiteExports({local});"),
            ),
            Required::Default(url) => (
                format!("import {local} from {};", literal(&url)),
                format!("return {local};"),
            ),
            Required::Failure(message) => (
                String::new(),
                format!("throw workerdLiteMissing({});", literal(&message)),
            ),
        };
        imports.push_str(&import);
        let _ = write!(cases, "case {}: {value} ", literal(specifier));
    }
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    // The first line of a program for a shell.
    let source = source
        .strip_prefix("#!")
        .map_or_else(|| source.to_owned(), |rest| format!("//{rest}"));
    format!(
        "{imports}var workerdLiteModule; export function workerdLiteLoad() {{ if (workerdLiteModule === undefined) {{ \
         const module = workerdLiteModule = {{ exports: {{}} }}; try {{ (function (exports, require, module, __filename, __dirname) {{{source}\n}}).call(\
         module.exports, module.exports, workerdLiteRequire, module, {}, {}); }} catch (error) {{ workerdLiteModule = undefined; throw error; }} }} \
         return workerdLiteModule.exports; }}\n\
         function workerdLiteExports(namespace) {{ const exports = {{ ...namespace }}; \
         if (!(\"__esModule\" in exports)) Object.defineProperty(exports, \"__esModule\", {{ value: true }}); return exports; }}\n\
         function workerdLiteRequire(name) {{ switch (name) {{ {cases}default: throw workerdLiteMissing(`${{name}} can not be \
         required: only what modules require by a literal name is part of a worker`); }} }}\n\
         function workerdLiteMissing(message) {{ const error = Object.assign(new Error(message), {{ code: \"MODULE_NOT_FOUND\" }}); \
         Error.captureStackTrace(error, workerdLiteRequire); return error; }}\n",
        literal(&format!("/{name}")),
        literal(&format!("/{folder}")),
    )
}

/// The exports by their names. `node`: whether the default export is all of them in any case, as for Node.js.
pub(super) fn facade(body: &Url, names: &BTreeSet<String>, node: bool) -> String {
    let mut code = format!(
        "import {{ workerdLiteLoad }} from {}; const all = workerdLiteLoad(); const named = Object(all ?? {{}});",
        literal(body.as_str())
    );
    code.push_str(if node {
        "export default all;"
    } else {
        "const value = named.__esModule && \"default\" in named ? named.default : all; export default value;"
    });
    for (index, name) in names.iter().filter(|name| *name != "default").enumerate() {
        let name = literal(name);
        let _ = write!(
            code,
            "const name{index} = named[{name}]; export {{ name{index} as {name} }};"
        );
    }
    code
}

fn literal(text: &str) -> String {
    Value::from(text).to_string()
}
