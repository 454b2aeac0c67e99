//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), for code hosts: a rule for each class, a
//! result for each finding, at its line.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::board::{Board, Finding};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Value>,
    partial_fingerprints: Value,
}

/// The log of a run.
pub(super) fn log(board: &Board) -> Value {
    let rules: Vec<Value> = board
        .classes
        .iter()
        .map(|class| {
            json!({
                "id": id(&class.name),
                "name": class.name,
                "shortDescription": { "text": class.name },
                "helpUri": "https://github.com/workerd-lite/workerd-lite/blob/main/docs/testing.md#--attack",
                "defaultConfiguration": { "level": "error" },
            })
        })
        .collect();
    let results: Vec<SarifResult> = board
        .classes
        .iter()
        .enumerate()
        .flat_map(|(index, class)| class.findings.iter().map(move |finding| result(index, finding)))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "workerd-lite",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(rule_index: usize, finding: &Finding) -> SarifResult {
    let mut text = format!("{}: {}", finding.case, finding.message);
    if let (Some(method), Some(url), Some(agent)) = (&finding.method, &finding.url, &finding.agent) {
        let _ = write!(text, " ({method} {url}, agent {agent})");
    }
    let location = finding.place.as_ref().map(|place| {
        json!({ "physicalLocation": {
            "artifactLocation": { "uri": place.file.replace(' ', "%20"), "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": place.line, "startColumn": place.column },
        } })
    });
    SarifResult {
        rule_id: id(&finding.class),
        rule_index,
        level: "error",
        message: json!({ "text": text }),
        locations: location.into_iter().collect(),
        partial_fingerprints: json!({
            "attack/v1": format!("{}|{}|{}|{}", finding.class, finding.case, finding.agent.as_deref().unwrap_or_default(), finding.url.as_deref().unwrap_or_default()),
        }),
    }
}

/// A class as a rule's id.
fn id(class: &str) -> String {
    let mut id = String::from("attack/");
    id.extend(class.to_lowercase().chars().map(|character| {
        if character.is_ascii_alphanumeric() {
            character
        } else {
            '-'
        }
    }));
    id
}
