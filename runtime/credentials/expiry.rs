//! When an access token ends: `expires_in` (RFC 6749, section 5.1), or `expires_at` as GitHub says it.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Map, Value};
use workerd_lite_ops::clock;

/// No token is kept for longer than this.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// How long the token of an answer holds, where the answer says so. A token that has ended already holds for no time.
/// Fails with the field that is no time.
pub(super) fn lifetime(answer: &Map<String, Value>) -> Result<Option<Duration>, &'static str> {
    for (field, read) in [
        ("expires_in", seconds as fn(&Value) -> Option<f64>),
        ("expires_at", until),
    ] {
        match answer.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.trim().is_empty() => {}
            Some(value) => {
                let seconds = read(value).filter(|seconds| seconds.is_finite()).ok_or(field)?;
                let lifetime = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST);
                return Ok(Some(lifetime.min(LONGEST)));
            }
        }
    }
    Ok(None)
}

/// A number, or one in quotes.
fn seconds(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Seconds from now until a time: RFC 3339's, or seconds since 1970.
fn until(value: &Value) -> Option<f64> {
    let now = clock::since_epoch().as_secs_f64();
    if let Some(end) = seconds(value) {
        return Some(end - now);
    }
    let text = value.as_str()?.trim();
    // `humantime` reads UTC alone: an offset is taken off before.
    let (time, offset) = match text.len().checked_sub(6).and_then(|at| text.split_at_checked(at)) {
        Some((time, offset)) if offset.starts_with(['+', '-']) => (format!("{time}Z"), minutes(offset)? * 60.0),
        _ => (text.to_owned(), 0.0),
    };
    let end = humantime::parse_rfc3339_weak(&time)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()?;
    Some(end.as_secs_f64() - offset - now)
}

/// `+02:00` as minutes.
fn minutes(offset: &str) -> Option<f64> {
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let sum = hours.parse::<u8>().ok().map(f64::from)? * 60.0 + minutes.parse::<u8>().ok().map(f64::from)?;
    Some(if offset.starts_with('-') { -sum } else { sum })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: &Value) -> Result<Option<u64>, &'static str> {
        let lifetime = lifetime(answer.as_object().unwrap())?;
        Ok(lifetime.map(|lifetime| lifetime.as_secs()))
    }

    #[test]
    fn numbers_come_in_many_forms() {
        for (value, expected) in [
            (json!(3600), Ok(Some(3600))),
            (json!(3599.9), Ok(Some(3599))),
            (json!(3.6e3), Ok(Some(3600))),
            (json!("3600"), Ok(Some(3600))),
            (json!(" 3600.5 "), Ok(Some(3600))),
            (json!(0), Ok(Some(0))),
            (json!(-1), Ok(Some(0))),
            (json!("-3600"), Ok(Some(0))),
            (json!(u64::MAX), Ok(Some(LONGEST.as_secs()))),
            (json!(1e300), Ok(Some(LONGEST.as_secs()))),
            (json!(null), Ok(None)),
            (json!(""), Ok(None)),
            (json!("soon"), Err("expires_in")),
            (json!("NaN"), Err("expires_in")),
            (json!("inf"), Err("expires_in")),
            (json!([3600]), Err("expires_in")),
            (json!(true), Err("expires_in")),
        ] {
            assert_eq!(read(&json!({ "expires_in": value })), expected, "{value}");
        }
        assert_eq!(read(&json!({})), Ok(None));
    }

    #[test]
    fn times_are_told_from_now() {
        let now = clock::since_epoch();
        let at = |seconds: u64| {
            humantime::format_rfc3339_seconds(UNIX_EPOCH + now + Duration::from_secs(seconds)).to_string()
        };
        let in_berlin = at(3600 + 7200).replace('Z', "+02:00");
        let in_new_york = at(3600).replace('Z', ".500-00:00");
        for value in [
            json!(at(3600)),
            json!(in_berlin),
            json!(in_new_york),
            json!(now.as_secs() + 3600),
        ] {
            let lifetime = read(&json!({ "expires_at": value })).unwrap().unwrap();
            assert!((3595..=3600).contains(&lifetime), "{value}: {lifetime}");
        }
        assert_eq!(read(&json!({ "expires_at": "2016-07-11T22:14:10Z" })), Ok(Some(0)));
        assert_eq!(read(&json!({ "expires_at": "tomorrow" })), Err("expires_at"));
    }
}
