//! Where a field of wrangler's file has the names of what it binds.

use serde_json::{Map, Value};

/// How a kind of binding is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// A list of objects that have their name in this field.
    List(&'static str),
    /// An object that has its name in this field.
    One(&'static str),
    /// An object of lists: the list's field, and the field of an item's name.
    Inner(&'static [(&'static str, &'static str)]),
    /// An object whose fields are the names.
    Names,
    /// An object that binds this name.
    Whole(&'static str),
}

/// Something that is bound.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// The path of the field that names it, such as `kv_namespaces[0].binding`.
    pub(super) field: String,
    /// Its name, where it has one.
    pub(super) name: Option<String>,
    /// Whether that is a name of `env`. Otherwise it is what calls the script, or is called of it, such as a queue.
    pub(super) in_env: bool,
}

impl Shape {
    /// What a value of this shape binds. Nothing is bound by an empty list or object. What has another shape than
    /// wrangler takes is something without a name.
    pub(super) fn bound(self, path: &str, value: &Value) -> Vec<Bound> {
        match (self, value) {
            (Self::List(key), value) => items(path, value, key),
            (Self::One(_) | Self::Inner(_) | Self::Names | Self::Whole(_), Value::Object(map)) if map.is_empty() => {
                Vec::new()
            }
            (Self::One(key), Value::Object(map)) => vec![named(path, map, key)],
            (Self::Inner(lists), Value::Object(map)) => lists
                .iter()
                .filter_map(|(list, key)| Some(items(&format!("{path}.{list}"), map.get(*list)?, key)))
                .flatten()
                .collect(),
            (Self::Names, Value::Object(map)) => map
                .keys()
                .map(|name| Bound {
                    field: format!("{path}.{name}"),
                    name: Some(name.clone()),
                    in_env: true,
                })
                .collect(),
            (Self::Whole(name), Value::Object(_)) => vec![Bound {
                field: path.to_owned(),
                name: Some(name.to_owned()),
                in_env: true,
            }],
            _ => vec![nameless(path)],
        }
    }
}

fn items(path: &str, value: &Value, key: &str) -> Vec<Bound> {
    let Value::Array(items) = value else {
        return vec![nameless(path)];
    };
    let items = items.iter().enumerate().map(|(index, item)| {
        let path = format!("{path}[{index}]");
        match item {
            Value::Object(map) => named(&path, map, key),
            _ => nameless(&path),
        }
    });
    items.collect()
}

fn named(path: &str, map: &Map<String, Value>, key: &str) -> Bound {
    match map.get(key).and_then(Value::as_str) {
        Some(name) => Bound {
            field: format!("{path}.{key}"),
            name: Some(name.to_owned()),
            in_env: matches!(key, "binding" | "name"),
        },
        None => nameless(path),
    }
}

fn nameless(path: &str) -> Bound {
    Bound {
        field: path.to_owned(),
        name: None,
        in_env: false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Shape;

    #[test]
    fn names_are_found_by_shape() {
        let queues = Shape::Inner(&[("producers", "binding"), ("consumers", "queue")]);
        let cases = [
            (Shape::List("binding"), json!([]), ""),
            (
                Shape::List("binding"),
                json!([{ "binding": "A" }, { "id": 1 }, 5]),
                "x[0].binding=A x[1] x[2]",
            ),
            (
                Shape::List("name"),
                json!([{ "binding": "A", "name": "B" }]),
                "x[0].name=B",
            ),
            (Shape::List("binding"), json!({ "binding": "A" }), "x"),
            (Shape::One("binding"), json!({}), ""),
            (Shape::One("binding"), json!({ "binding": "A" }), "x.binding=A"),
            (Shape::One("binding"), json!({ "remote": true }), "x"),
            (Shape::One("binding"), json!(true), "x"),
            (queues, json!({ "producers": [], "consumers": [] }), ""),
            (
                queues,
                json!({ "producers": [{ "binding": "A" }], "consumers": [{ "queue": "q" }] }),
                "x.producers[0].binding=A x.consumers[0].queue=q",
            ),
            (Shape::Names, json!({ "A": "a.wasm", "B": "b.wasm" }), "x.A=A x.B=B"),
            (Shape::Whole("S"), json!({ "bucket": "b" }), "x=S"),
        ];
        for (shape, value, expected) in cases {
            let bound = shape.bound("x", &value);
            let shown: Vec<_> = bound
                .iter()
                .map(|bound| {
                    bound
                        .name
                        .as_ref()
                        .map_or(bound.field.clone(), |name| format!("{}={name}", bound.field))
                })
                .collect();
            assert_eq!(shown.join(" "), expected, "{value}");
        }
    }
}
