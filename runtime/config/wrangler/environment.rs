//! Which fields hold: those of the top level, or those of an environment with what it inherits.

use serde_json::{Map, Value};

use super::fields::{Inheritance, field, names};
use crate::config::document::Document;
use crate::config::nearest::{hint, nearest};
use crate::config::places::join;
use crate::diagnostic::SourceDiagnostic as ConfigError;

/// A field that holds.
#[derive(Debug, PartialEq)]
pub(super) struct Selected {
    pub(super) name: String,
    /// Where it is written: `vars`, or `env.staging.vars`.
    pub(super) path: String,
    pub(super) value: Value,
}

/// The fields that hold, in the file's order. Warns of what an environment probably misses.
pub(super) fn select(document: &Document, file: Value, wanted: Option<&str>) -> Result<Vec<Selected>, ConfigError> {
    let Value::Object(mut top) = file else {
        return Err(document.complain("", "expected an object"));
    };
    let environments = match top.remove("env") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(document.complain("env", "expected a table of environments")),
    };
    let Some(name) = wanted.filter(|name| !name.is_empty()) else {
        return Ok(fields("", top));
    };
    if environments.is_empty() {
        document.warn(format_args!(
            "{}: there is no environment `{name}`, and no other: the top level holds",
            document.path.display()
        ));
        return Ok(suffixed(fields("", top), name));
    }
    let path = format!("env.{name}");
    let own = match environments.get(name) {
        Some(Value::Object(own)) => own.clone(),
        Some(_) => return Err(document.complain(&path, "expected a table of fields")),
        None => {
            let known: Vec<&str> = environments.keys().map(String::as_str).collect();
            let error = document.complain("env", &format!("there is no environment `{name}`"));
            let near = nearest(name, known.iter().copied())
                .map_or_else(String::new, |near| format!("Did you mean `{near}`? "));
            return Err(error.with_help(format!("{near}There are: {}", known.join(", "))));
        }
    };
    missed_vars(document, &path, &top, &own);
    let mut selected = Vec::new();
    for inherited in fields("", top) {
        let is_own = own.get(&inherited.name).is_some_and(|value| !value.is_null());
        match field(&inherited.name).map(|field| field.inheritance) {
            // An unknown field of the top level is told of in any case.
            Some(Inheritance::TopLevel) | None => selected.push(inherited),
            Some(Inheritance::Inherited) if !is_own => selected.extend(suffixed(vec![inherited], name)),
            Some(Inheritance::Separate) if !is_own && !is_empty(&inherited.value) => document.warn(format_args!(
                "{}: `{}` is at the top level, but not in `{path}`, which does not inherit it",
                document.location(&inherited.path),
                inherited.name
            )),
            Some(_) => {}
        }
    }
    for own in fields(&path, own) {
        match field(&own.name).map(|field| field.inheritance) {
            Some(Inheritance::TopLevel) => document.warn(format_args!(
                "{}: `{}` is a field of the top level only, and is ignored here",
                document.location(&own.path),
                own.path
            )),
            _ => selected.push(own),
        }
    }
    Ok(selected)
}

/// Says that a field is not known.
pub(super) fn unknown(document: &Document, path: &str, name: &str) {
    document.warn(format_args!(
        "{}: `{path}` is no field that wrangler knows, and is ignored{}",
        document.location(path),
        hint(name, names().chain(["env"]))
    ));
}

fn fields(path: &str, map: Map<String, Value>) -> Vec<Selected> {
    map.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| Selected {
            path: join(path, &name),
            name,
            value,
        })
        .collect()
}

/// The top level's name belongs to its own deployment: an environment's is `<name>-<environment>`.
fn suffixed(mut fields: Vec<Selected>, environment: &str) -> Vec<Selected> {
    for field in &mut fields {
        if let (Value::String(name), "name") = (&mut field.value, field.name.as_str()) {
            *name = format!("{name}-{environment}");
        }
    }
    fields
}

/// Variables of the top level that an environment with variables of its own does not have.
fn missed_vars(document: &Document, path: &str, top: &Map<String, Value>, own: &Map<String, Value>) {
    let (Some(Value::Object(top)), Some(Value::Object(own))) = (top.get("vars"), own.get("vars")) else {
        return;
    };
    for name in top.keys().filter(|name| !own.contains_key(*name)) {
        document.warn(format_args!(
            "{}: `vars.{name}` is at the top level, but not in `{path}`, which does not inherit it",
            document.location(&format!("vars.{name}"))
        ));
    }
}

pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        _ => false,
    }
}
