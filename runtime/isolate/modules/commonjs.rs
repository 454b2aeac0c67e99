//! CommonJS modules for who imports them: an ES module in each one's place that has it loaded and gives its exports by name.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use deno_core::url::Url;
use serde_json::Value;

/// The folder that scripts see their files in.
pub(in crate::isolate) const BUNDLE: &str = "/bundle/";

/// The module of ours that those of this file import.
pub(in crate::isolate) const LOADER: &str = "workerd-lite:commonjs";

const NODE: &str = "commonjs-default";

/// The module whose default export is `module.exports` in any case.
pub(super) fn node_url(url: &Url) -> Url {
    with_query(url, NODE)
}

/// The URL without what [`node_url`] put there, and whether it did.
pub(super) fn without_node(url: &Url) -> (Url, bool) {
    let mut plain = url.clone();
    let query = url.query().unwrap_or_default();
    let Some(before) = query.strip_suffix(NODE) else {
        return (plain, false);
    };
    let before = before.strip_suffix('&').unwrap_or(before);
    plain.set_query((!before.is_empty()).then_some(before));
    (plain, true)
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

/// The exports of the file `name` by their names. `node`: whether the default export is all of them in any case, as for
/// Node.js. Debuggers and coverage see it under a name of ours, for its URL is the file's.
pub(super) fn facade(name: &str, names: &BTreeSet<String>, node: bool) -> String {
    let mut code = format!(
        "import {{ load }} from {}; const loaded = load({}); const all = loaded.exports; export {{ all as \"module.exports\" }};",
        literal(LOADER),
        literal(name)
    );
    code.push_str(if node {
        "export default all;"
    } else {
        "const value = loaded.interop; export default value;"
    });
    let names = names
        .iter()
        .filter(|name| !matches!(name.as_str(), "default" | "module.exports"));
    for (index, name) in names.enumerate() {
        let name = literal(name);
        let _ = write!(
            code,
            "const name{index} = loaded.get({name}); export {{ name{index} as {name} }};"
        );
    }
    code.push_str("\n//# sourceURL=ext:commonjs\n");
    code
}

fn literal(text: &str) -> String {
    Value::from(text).to_string()
}
