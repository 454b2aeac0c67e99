//! Which agent answers a request: it must be known from the configuration alone, whatever the order of the agents.

use std::collections::HashMap;

use http::HeaderName;

use crate::config::files::Files;
use crate::config::project_file::ProjectFile;
use crate::config::tables::Agent as Section;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::rules::RoutePattern;

/// Headers that say something else already.
const TAKEN: [&str; 12] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "forwarded",
    "cookie",
    "accept",
    "authorization",
    "cf-connecting-ip",
];

/// The header by which a request may name its agent.
pub(super) fn match_header(files: &Files, project: &ProjectFile) -> Result<Option<HeaderName>, ConfigError> {
    let Some(text) = &project.match_header else {
        return Ok(None);
    };
    let header = text
        .parse::<HeaderName>()
        .map_err(|_| files.complain("match_header", &format!("{text:?} is no name of a header")))?;
    if TAKEN.contains(&header.as_str()) || header.as_str().starts_with("x-forwarded-") {
        return Err(files
            .complain("match_header", &format!("the header {header} has another meaning"))
            .with_help("Choose one of your own, such as \"x-agent\""));
    }
    Ok(Some(header))
}

/// One pattern, and where it is.
struct Place<'a> {
    agent: usize,
    field: String,
    pattern: &'a RoutePattern,
}

/// Refuses patterns of which neither is more specific where both fit.
pub(super) fn distinct(files: &Files, sections: &[Section]) -> Result<(), ConfigError> {
    // A pattern of one host has rivals only among those of the same host and those of several.
    let mut literal: HashMap<String, Vec<Place<'_>>> = HashMap::new();
    let mut several: Vec<Place<'_>> = Vec::new();
    for (agent, section) in sections.iter().enumerate() {
        for (index, pattern) in section.matches.iter().enumerate() {
            let place = Place {
                agent,
                field: format!("agents[{agent}].match[{index}]"),
                pattern,
            };
            let host = pattern.host.literal();
            let known = match &host {
                Some(host) => literal.get(host).map_or(&[][..], Vec::as_slice),
                None => &[],
            };
            let of_one = host.is_none().then(|| literal.values().flatten()).into_iter().flatten();
            if let Some(rival) = known
                .iter()
                .chain(&several)
                .chain(of_one)
                .find(|other| clash(&place, other))
            {
                return Err(refusal(files, sections, &place, rival));
            }
            match host {
                Some(host) => literal.entry(host).or_default().push(place),
                None => several.push(place),
            }
        }
    }
    Ok(())
}

/// Patterns of one agent may overlap: it is asked either way.
fn clash(one: &Place<'_>, other: &Place<'_>) -> bool {
    if one.agent == other.agent {
        one.pattern.is_same(other.pattern)
    } else {
        one.pattern.rivals(other.pattern)
    }
}

fn refusal(files: &Files, sections: &[Section], place: &Place<'_>, rival: &Place<'_>) -> ConfigError {
    let name = |agent: usize| {
        let name = sections.get(agent).and_then(|section| section.name.as_deref());
        name.map_or_else(|| format!("agents[{agent}]"), |name| format!("{name:?}"))
    };
    let (pattern, other) = (place.pattern, rival.pattern);
    let (known, at) = (name(rival.agent), files.location(&rival.field));
    if pattern.is_same(other) {
        return files
            .complain(
                &place.field,
                &format!("\"{pattern}\" is matched twice: by {known} at {at} too"),
            )
            .with_help("Leave out one of them, or give each a path of its own, such as \"example.com/scout/*\"");
    }
    files
        .complain(
            &place.field,
            &format!(
                "\"{pattern}\" and \"{other}\" of {known} at {at} fit the same requests, and neither is more specific"
            ),
        )
        .with_help("Write one of them so that it fits less, for example with more labels of the host")
}
