//! How values of several tables are written: patterns, methods and durations.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::listen::ListenAddress;
use crate::rules::HostPattern;

/// No duration is longer: times that it is added to can be told.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

pub(super) fn parsed<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err: Display>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    all(texts
        .iter()
        .map(|text| text.parse::<T>().map_err(|error| error.to_string())))
}

/// All values, or all that is wrong with them.
fn all<T, E: serde::de::Error>(read: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, E> {
    let (mut values, mut wrong) = (Vec::new(), Vec::new());
    for each in read {
        match each {
            Ok(value) => values.push(value),
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() {
        Ok(values)
    } else {
        Err(E::custom(wrong.join("; ")))
    }
}

/// One text, or a list.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// No server has more listeners: a process gives all of them to the next one at once.
const LISTENERS: usize = 16;

pub(super) fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ListenAddress>, D::Error> {
    let texts = match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(text) => vec![text],
        OneOrMore::More(texts) => texts,
    };
    if texts.is_empty() || texts.len() > LISTENERS {
        return Err(serde::de::Error::custom(format!("expected 1 to {LISTENERS} addresses")));
    }
    let addresses = texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom));
    addresses.collect()
}

/// An address in a table of its own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListenTable {
    /// An address, as in a list.
    address: String,
    /// Whether TLS is spoken there; without it what `[tls]` says.
    tls: Option<bool>,
}

/// One address, or a list of addresses or of tables.
#[derive(Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected an address, a list of addresses, or [[listen]] tables with address and tls"
)]
pub(super) enum Listened {
    Texts(OneOrMore),
    Tables(Vec<ListenTable>),
}

pub(super) fn listened<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ListenAddress>, D::Error> {
    let tables = match Listened::deserialize(deserializer)? {
        Listened::Texts(OneOrMore::One(text)) => vec![(text, None)],
        Listened::Texts(OneOrMore::More(texts)) => texts.into_iter().map(|text| (text, None)).collect(),
        Listened::Tables(tables) => tables.into_iter().map(|table| (table.address, table.tls)).collect(),
    };
    if tables.is_empty() || tables.len() > LISTENERS {
        return Err(serde::de::Error::custom(format!("expected 1 to {LISTENERS} addresses")));
    }
    all(tables.into_iter().map(|(text, tls)| {
        let address: ListenAddress = text
            .parse()
            .map_err(|error: crate::listen::AddressError| error.to_string())?;
        match (address, tls) {
            (address, None) => Ok(address),
            (ListenAddress::Unix(..), Some(true)) => {
                Err(format!("{text}: TLS is not spoken over a socket that is a file"))
            }
            (address, Some(tls)) => Ok(ListenAddress::Tls(Box::new(address), tls)),
        }
    }))
}

/// The greatest integer that a script's numbers have all of: 2^53.
const GREATEST: u64 = 1 << 53;

/// How the `toml` crate hands on a date to what knows none.
const DATE: &str = "$__toml_private_datetime";

/// Data that scripts read as JSON. What JSON or a script's numbers do not have would be another value there.
pub(super) fn data<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    checked(Map::deserialize(deserializer)?, false)
}

/// The same of what a wrangler file may say too, which is JSON.
pub(super) fn data_or_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    checked(Map::deserialize(deserializer)?, true)
}

/// `nulls` tells whether there may be some: TOML has none, and what is no number becomes one.
fn checked<E: serde::de::Error>(fields: Map<String, Value>, nulls: bool) -> Result<Map<String, Value>, E> {
    for (name, value) in &fields {
        if let Some(why) = changes(value, nulls) {
            return Err(serde::de::Error::custom(format!("{name}: {why}")));
        }
    }
    Ok(fields)
}

/// Why a script would read another value.
fn changes(value: &Value, nulls: bool) -> Option<&'static str> {
    let of = |value: &Value| changes(value, nulls);
    match value {
        Value::Null if !nulls => Some("JSON has no nan and no inf: write it as text"),
        Value::Number(number) if number.as_i64().map(i64::unsigned_abs).or(number.as_u64()) > Some(GREATEST) => {
            Some("a script's numbers do not have all digits of it: write it as text")
        }
        Value::Object(fields) if fields.contains_key(DATE) => Some("JSON has no dates: write it as text"),
        Value::Array(values) => values.iter().find_map(of),
        Value::Object(fields) => fields.values().find_map(of),
        _ => None,
    }
}

/// A list that limits what is allowed. One that is empty would limit nothing, and whoever wrote it, or the tool that did, means the opposite.
pub(super) fn limiting<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    not_empty(Vec::deserialize(deserializer)?)
}

/// The same of what is parsed.
pub(super) fn limiting_parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    not_empty(parsed(deserializer)?)
}

/// Hosts, without which there is nothing that is allowed.
pub(super) fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HostPattern>, D::Error> {
    let list: Vec<HostPattern> = parsed(deserializer)?;
    if list.is_empty() {
        return Err(serde::de::Error::custom("expected at least one host"));
    }
    Ok(list)
}

fn not_empty<T, E: serde::de::Error>(list: Vec<T>) -> Result<Vec<T>, E> {
    if list.is_empty() {
        return Err(E::custom(
            "an empty list would limit nothing: leave it out where that is meant",
        ));
    }
    Ok(list)
}

/// What reads as every method, and is one that nobody sends.
const NO_METHODS: [&str; 2] = ["ALL", "ANY"];

pub(super) fn methods<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Method>, D::Error> {
    let texts: Vec<String> = limiting(deserializer)?;
    all(texts.iter().map(|text| {
        // Methods are case-sensitive; "get" would be one that nobody sends.
        let known = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        Method::from_bytes(text.as_bytes())
            .ok()
            .filter(|_| known && !text.is_empty() && !NO_METHODS.contains(&text.as_str()))
            .ok_or_else(|| format!("expected a method like \"GET\", found {text:?}; without `methods` it is every one"))
    }))
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let duration = humantime::parse_duration(&text).map_err(|error| {
        serde::de::Error::custom(format!(
            "expected a duration like \"5s\" or \"500ms\", found {text:?}: {error}"
        ))
    })?;
    if duration.is_zero() {
        return Err(serde::de::Error::custom("expected a duration above zero"));
    }
    if duration > LONGEST {
        return Err(serde::de::Error::custom("expected a duration of 100 years at most"));
    }
    Ok(duration)
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}
