//! The ES module that a file of JSON is where no attribute says what it is imported as: all of it is the default export, and its keys
//! are names of exports, as bundlers have it. `import { version } from "./package.json"` is one.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::Value;

/// The source of that module.
pub(super) fn json_module(json: &str) -> String {
    let mut lines = vec![
        format!("const json = JSON.parse({});", Value::from(json)),
        "export default json;".to_owned(),
    ];
    // What is no object has no keys.
    #[expect(clippy::zero_sized_map_values, reason = "serde reads no set of keys")]
    let keys = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(json).unwrap_or_default();
    let mut names = Vec::with_capacity(keys.len());
    for (index, key) in keys.into_keys().filter(|key| key != "default").enumerate() {
        let name = Value::from(key);
        lines.push(format!("const _{index} = json[{name}];"));
        names.push(format!("_{index} as {name}"));
    }
    if !names.is_empty() {
        lines.push(format!("export {{ {} }};", names.join(", ")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::json_module;

    #[test]
    fn keys_are_exports() {
        for (json, exports) in [
            (
                r#"{"b":1,"a-b":{"c":2},"default":3,"b":4}"#,
                "export { _0 as \"a-b\", _1 as \"b\" };",
            ),
            ("[1]", ""),
            ("5", ""),
            ("{}", ""),
            (r#"{"\ud800":1,"a":2}"#, ""),
        ] {
            let code = json_module(json);
            assert!(
                code.starts_with("const json = JSON.parse(\"") && code.ends_with(exports),
                "{json}: {code}"
            );
            assert_eq!(code.contains("export {"), !exports.is_empty(), "{json}: {code}");
        }
    }
}
