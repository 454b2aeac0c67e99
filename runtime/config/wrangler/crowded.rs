//! How many things a wrangler file in an agent's folder may name. It is read on a thread that serves others.

use serde_json::Value;

use crate::config::document::Document;
use crate::config::places::join;
use crate::diagnostic::SourceDiagnostic as ConfigError;

/// The most fields of a table, and items of a list: as many as Cloudflare's Workers have variables
/// (<https://developers.cloudflare.com/workers/platform/limits/>).
const MOST: usize = 128;

/// Fields whose values are the script's own data.
const DATA: [&str; 2] = ["vars", "props"];

/// The value of a file, unless it is an agent's and has more of anything.
pub(super) fn refuse(document: &Document, value: Value) -> Result<Value, ConfigError> {
    let crowded = document.is_agents.then(|| crowded("", &value)).flatten();
    match crowded {
        None => Ok(value),
        Some((path, count)) => {
            let why = format!("there are {count}, and an agent of `agents_dir` may have {MOST}");
            Err(document.complain(&path, &why))
        }
    }
}

/// Where there are too many, and how many there are.
fn crowded(path: &str, value: &Value) -> Option<(String, usize)> {
    let count = match value {
        Value::Object(map) => map.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    };
    if count > MOST {
        return Some((path.to_owned(), count));
    }
    match value {
        Value::Object(map) => map.iter().find_map(|(name, value)| {
            let path = join(path, name);
            match value {
                Value::Object(data) if DATA.contains(&&**name) => (data.len() > MOST).then(|| (path, data.len())),
                _ => crowded(&path, value),
            }
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, value)| crowded(&format!("{path}[{index}]"), value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::crowded;

    #[test]
    fn what_has_many_things_is_named() {
        let many: Vec<u8> = vec![0; 129];
        let names: serde_json::Map<_, _> = (0..129).map(|name| (name.to_string(), json!(1))).collect();
        let cases = [
            (
                json!({ "vars": { "LIST": many }, "services": [{ "props": { "a": { "b": many } } }] }),
                None,
            ),
            (json!({ "rules": [{ "globs": many }] }), Some("rules[0].globs")),
            (json!({ "env": { "a": { "vars": names } } }), Some("env.a.vars")),
            (json!(names), Some("")),
        ];
        for (value, expected) in cases {
            let found = crowded("", &value).map(|(path, _)| path);
            assert_eq!(found.as_deref(), expected);
        }
    }
}
