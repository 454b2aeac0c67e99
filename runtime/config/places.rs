//! Where each field of a configuration file is written.

use std::collections::HashMap;
use std::ops::Range;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::errors::ParseError;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

/// JSON with what wrangler takes besides: comments and trailing commas.
const JSONC: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Bytes of a file by the path of a field, such as `agents[1].name`: of a field's key, and of an item of a list.
#[derive(Default)]
pub(super) struct Places(HashMap<String, Range<usize>>);

impl Places {
    /// Those of a TOML file. None where it is not valid.
    pub(super) fn of_toml(text: &str) -> Self {
        let mut places = Self::default();
        if let Ok(table) = DeTable::parse(text) {
            places.table("", table.get_ref());
        }
        places
    }

    /// Those of a JSON file, and its value.
    pub(super) fn of_json(text: &str) -> Result<(Value, Self), ParseError> {
        let mut places = Self::default();
        let parsed = parse_to_ast(text, &CollectOptions::default(), &JSONC)?;
        let value = parsed.value.map_or(Value::Null, |value| places.json("", &value));
        Ok((value, places))
    }

    /// Where a field is written, or else the nearest field around it that is.
    pub(super) fn find(&self, field: &str) -> Option<Range<usize>> {
        let mut path = field;
        loop {
            if let Some(place) = self.0.get(path) {
                return Some(place.clone());
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = join(path, key.get_ref());
            self.0.insert(path.clone(), key.span());
            self.toml(&path, value.get_ref());
        }
    }

    fn toml(&mut self, path: &str, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => self.table(path, table),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.0.insert(path.clone(), item.span());
                    self.toml(&path, item.get_ref());
                }
            }
            _ => {}
        }
    }

    fn json(&mut self, path: &str, value: &ast::Value<'_>) -> Value {
        match value {
            ast::Value::Object(object) => {
                let mut map = Map::new();
                for property in &object.properties {
                    let name = property.name.as_str();
                    let path = join(path, name);
                    let range = property.name.range();
                    self.0.insert(path.clone(), range.start..range.end);
                    map.insert(name.to_owned(), self.json(&path, &property.value));
                }
                Value::Object(map)
            }
            ast::Value::Array(array) => {
                let items = array.elements.iter().enumerate().map(|(index, item)| {
                    let path = format!("{path}[{index}]");
                    self.0.insert(path.clone(), item.start()..item.end());
                    self.json(&path, item)
                });
                Value::Array(items.collect())
            }
            ast::Value::StringLit(string) => Value::String(string.value.to_string()),
            ast::Value::NumberLit(number) => number.value.parse().map_or(Value::Null, |number: Number| number.into()),
            ast::Value::BooleanLit(boolean) => boolean.value.into(),
            ast::Value::NullKeyword(_) => Value::Null,
        }
    }
}

/// The path of a field in the object at `path`.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn fields_are_found_where_they_are_written() {
        let json = r#"{ "main": "b", /* "a" */ "a": { "b": [1, { "c": "a" }, ], }, "c": 1 }"#;
        let toml = "main = 'b' # a\nc = 1\n[a]\nb = [1, { c = 'a' }]\n";
        for (text, places) in [(json, Places::of_json(json).unwrap().1), (toml, Places::of_toml(toml))] {
            let bare = text.replace(['"', '\''], " ");
            let at = |field: &str| places.find(field).map(|place| bare[place].trim().to_owned());
            assert_eq!(at("a").as_deref(), Some("a"));
            assert_eq!(
                places.find("a").unwrap().start,
                text.find("/ \"a\"")
                    .map_or_else(|| text.find("a]").unwrap(), |at| at + 2)
            );
            assert_eq!(at("a.b[0]").as_deref(), Some("1"));
            assert_eq!(places.find("a.b[1].c"), places.find("a.b[1].c.d"));
            assert!(places.find("a.b[1].c").unwrap().start > places.find("a.b[1]").unwrap().start);
            assert_eq!(places.find("a.b[7].c"), places.find("a.b"));
            assert_eq!(at("main").as_deref(), Some("main"));
            assert_eq!(places.find("zzz"), None);
        }
    }

    #[test]
    fn json_is_taken_with_comments_and_trailing_commas_only() {
        for good in ["{} // x", "{\"a\": [1, 2,],}", "/**/ null", "{\"a\": -1.5e3}"] {
            assert!(Places::of_json(good).is_ok(), "{good}");
        }
        for bad in [
            "{a: 1}",
            "{'a': 1}",
            "{\"a\": 1 \"b\": 2}",
            "{\"a\": 0x1}",
            "{",
            "[1,,2]",
            "{\"a\": .5}",
            "\"\\x41\"",
        ] {
            assert!(Places::of_json(bad).is_err(), "{bad}");
        }
    }
}
