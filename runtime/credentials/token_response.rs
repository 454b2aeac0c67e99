//! What a token endpoint answers (RFC 6749, sections 5.1 and 5.2), as servers send it: with numbers in quotes, without a
//! `token_type`, as JSON or a form under many a content type, and with errors under the status 200.

use std::time::Duration;

use deno_core::url::{Url, form_urlencoded};
use http::{StatusCode, header};
use serde_json::{Map, Value};

use super::expiry;
use super::redact::Redactor;

/// How much of an answer an error quotes, in characters.
const QUOTED: usize = 200;

/// What an answer gives.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TokenResponse {
    /// The access token.
    pub(super) token: String,
    /// How long it holds, where the server says so. Zero is for one use.
    pub(super) lifetime: Option<Duration>,
    /// The refresh token to use next.
    pub(super) refresh_token: Option<String>,
}

/// Why an answer gives no token. What it quotes of the answer is printable, short, and without secrets and tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenResponseError {
    #[error(
        "the token endpoint answered {status} with a redirect{to}, which is not followed: name the URL that gives tokens"
    )]
    Redirect { status: StatusCode, to: String },
    #[error("the token endpoint answered {status}{said}")]
    Refused { status: StatusCode, said: String },
    #[error("the token endpoint's answer ({0}) has no body")]
    Empty(StatusCode),
    #[error("the token endpoint's answer is in the content coding {0}, which was not asked for")]
    Coding(String),
    #[error("the token endpoint's answer is {0}, and neither JSON nor a form")]
    ContentType(String),
    #[error("the token endpoint's answer is no valid JSON")]
    Json,
    #[error("the token endpoint's answer is JSON, but no object")]
    NoObject,
    #[error("the token endpoint's answer holds no {0}")]
    Missing(&'static str),
    #[error("the token endpoint's answer holds a {0} that is no text")]
    NoText(&'static str),
    #[error("the token endpoint's answer holds a {0} that can not be sent in a header")]
    Unsendable(&'static str),
    #[error("the token endpoint issued a token of the type {0:?}, and only bearer tokens are attached")]
    TokenType(String),
    #[error("the token endpoint's answer holds an {0} that is no time")]
    Expiry(&'static str),
}

/// Reads an answer whose token is in `field`. `secrets` were sent with the request.
pub(super) fn read(
    response: &http::Response<Vec<u8>>,
    field: &'static str,
    secrets: &[String],
) -> Result<TokenResponse, TokenResponseError> {
    let status = response.status();
    let fields = fields(response, secrets);
    let quote = |text: &str| quoted(text, fields.as_ref().ok(), secrets);
    let said = || fields.as_ref().ok().and_then(|fields| said(fields, &quote));
    if status.is_redirection() {
        let location = response.headers().get(header::LOCATION);
        let to = location.and_then(|location| Some(format!(" to {}", quote(&without_query(location.to_str().ok()?)))));
        return Err(TokenResponseError::Redirect {
            status,
            to: to.unwrap_or_default(),
        });
    }
    if !status.is_success() {
        let said = said().unwrap_or_default();
        return Err(TokenResponseError::Refused { status, said });
    }
    let answer = match &fields {
        Ok(answer) => answer,
        Err(why) => return Err(why.clone()),
    };
    // GitHub and Slack, among others, answer 200 to a request that they refuse.
    if is_said(answer.get("error")) {
        let said = said().unwrap_or_default();
        return Err(TokenResponseError::Refused { status, said });
    }
    let token = text(answer, field)?.ok_or(TokenResponseError::Missing(field))?;
    // RFC 6749, appendix A.12.
    if !token.bytes().all(|byte| matches!(byte, b' '..=b'~')) || token.trim().is_empty() {
        return Err(TokenResponseError::Unsendable(field));
    }
    match text(answer, "token_type")? {
        Some(kind) if !kind.trim().eq_ignore_ascii_case("bearer") => {
            return Err(TokenResponseError::TokenType(quote(kind)));
        }
        _ => {}
    }
    Ok(TokenResponse {
        token: token.to_owned(),
        lifetime: expiry::lifetime(answer).map_err(TokenResponseError::Expiry)?,
        refresh_token: text(answer, "refresh_token")?.map(ToOwned::to_owned),
    })
}

/// The refresh token of an answer that grants something, whatever else is in it.
pub(super) fn refresh_token(response: &http::Response<Vec<u8>>) -> Option<String> {
    if !response.status().is_success() {
        return None;
    }
    let fields = fields(response, &[]).ok()?;
    let token = text(&fields, "refresh_token").ok()??;
    (!token.is_empty()).then(|| token.to_owned())
}

/// The answer's fields, or why there are none.
fn fields(response: &http::Response<Vec<u8>>, secrets: &[String]) -> Result<Map<String, Value>, TokenResponseError> {
    let header = |name| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()))
    };
    if let Some(coding) = header(header::CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(TokenResponseError::Coding(quoted(&coding, None, secrets)));
    }
    let body = String::from_utf8_lossy(response.body());
    let body = body.trim_start_matches('\u{feff}').trim();
    if body.is_empty() {
        return Err(TokenResponseError::Empty(response.status()));
    }
    let media_type = header(header::CONTENT_TYPE).unwrap_or_default();
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_json = essence.ends_with("json") || essence.ends_with("javascript");
    // No form begins like this, whatever its type says.
    if body.starts_with(['{', '[', '"']) || is_json {
        return match serde_json::from_str(body) {
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(_) => Err(TokenResponseError::NoObject),
            Err(_) => Err(TokenResponseError::Json),
        };
    }
    let is_form = essence == "application/x-www-form-urlencoded";
    if is_form || (is_vague(&essence) && body.contains('=') && !body.contains('<')) {
        let pairs = form_urlencoded::parse(body.as_bytes());
        return Ok(pairs
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect());
    }
    let named = if is_vague(&essence) { "text" } else { &essence };
    Err(TokenResponseError::ContentType(quoted(named, None, secrets)))
}

/// Whether a media type says nothing of what the body is.
fn is_vague(essence: &str) -> bool {
    matches!(essence, "" | "text/plain" | "application/octet-stream")
}

/// Whether a field says anything: some servers send `"error": null`, `""` or `false` with a good answer.
fn is_said(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null | Value::Bool(false))) && value != Some(&Value::String(String::new()))
}

fn text<'a>(fields: &'a Map<String, Value>, field: &'static str) -> Result<Option<&'a str>, TokenResponseError> {
    match fields.get(field) {
        value if !is_said(value) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        _ => Err(TokenResponseError::NoText(field)),
    }
}

/// What an answer says of an error: its code and its description.
fn said(fields: &Map<String, Value>, quote: &dyn Fn(&str) -> String) -> Option<String> {
    const DESCRIPTIONS: [&str; 4] = ["error_description", "message", "detail", "error_summary"];
    let first = |object: &Map<String, Value>, names: &[&str]| {
        names.iter().find_map(|name| match object.get(*name)? {
            Value::String(text) if !text.trim().is_empty() => Some(quote(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let (code, description) = match fields.get("error") {
        // As Google's other interfaces answer.
        Some(Value::Object(error)) => (first(error, &["status", "code", "type"]), first(error, &DESCRIPTIONS)),
        _ => (first(fields, &["error"]), first(fields, &DESCRIPTIONS)),
    };
    match (code, description) {
        (Some(code), Some(description)) => Some(format!(": {code:?} ({description})")),
        (Some(code), None) => Some(format!(": {code:?}")),
        (None, Some(description)) => Some(format!(": {description}")),
        (None, None) => None,
    }
}

/// Part of an answer, for an error: without secrets and tokens, on one line, and not long.
fn quoted(text: &str, answer: Option<&Map<String, Value>>, secrets: &[String]) -> String {
    let tokens = ["access_token", "token", "refresh_token", "id_token"];
    let tokens = tokens.iter().filter_map(|name| answer?.get(*name)?.as_str());
    let secrets: Vec<String> = secrets.iter().cloned().chain(tokens.map(ToOwned::to_owned)).collect();
    let redactor = Redactor::new(&secrets);
    let clean = |text: &str| {
        redactor
            .as_ref()
            .map_or_else(|| text.to_owned(), |redactor| redactor.text(text))
    };
    let printable = |character: char| character.is_ascii_graphic() || character.is_alphanumeric();
    let words: String = clean(text)
        .chars()
        .map(|character| if printable(character) { character } else { ' ' })
        .collect();
    let line = clean(&words.split_whitespace().collect::<Vec<_>>().join(" "));
    if line.chars().count() <= QUOTED {
        return line;
    }
    let start: String = line.chars().take(QUOTED).collect();
    format!("{}\u{2026}", start.trim_end())
}

/// A URL as it is told: its query, its fragment and its user may be secret.
fn without_query(location: &str) -> String {
    match Url::parse(location) {
        Ok(url) => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        Err(_) => location.split(['?', '#']).next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests;
