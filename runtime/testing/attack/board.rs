//! What was tried, and what got through.

use regex::Regex;
use serde::Serialize;

use super::ask::Ask;
use super::probe::Plain;
use crate::testing::source::Place;

/// Something that got through.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    pub(super) class: String,
    pub(super) case: String,
    /// In whose name; nobody's where the text alone shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    /// What happened.
    pub(super) message: String,
    /// The host that the attack plays on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    /// What of the policy's text is concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
}

/// One class of attacks.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: String,
    pub(super) attacks: usize,
    /// How many of them got through.
    pub(super) through: usize,
    /// The last that is counted there, by its number.
    counted: usize,
    /// Its cases in their order, with how many attacks each is.
    pub(super) cases: Vec<(String, usize)>,
    pub(super) findings: Vec<Finding>,
}

/// All classes.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) classes: Vec<Class>,
    /// Which attacks are run, by class and case.
    pub(super) filter: Option<Regex>,
    /// Whether the first finding ends the run.
    pub(super) bail: bool,
    /// How many combinations were left out.
    pub(super) left_out: usize,
    /// How the policy behaves when nothing is wrong.
    pub(super) plain: Plain,
    /// What is not looked at, as sentences.
    pub(super) notes: Vec<String>,
}

impl Board {
    /// Whether a case is to be run.
    pub(super) fn wants(&self, class: &str, case: &str) -> bool {
        let matches = |filter: &Regex| filter.is_match(&format!("{class} > {case}"));
        self.filter.as_ref().is_none_or(matches)
    }

    /// Whether enough is known.
    pub(super) fn is_over(&self) -> bool {
        self.bail && self.classes.iter().any(|class| !class.findings.is_empty())
    }

    fn class(&mut self, name: &str) -> &mut Class {
        let at = self
            .classes
            .iter()
            .position(|class| class.name == name)
            .unwrap_or_else(|| {
                self.classes.push(Class {
                    name: name.to_owned(),
                    attacks: 0,
                    through: 0,
                    counted: 0,
                    cases: Vec::new(),
                    findings: Vec::new(),
                });
                self.classes.len() - 1
            });
        &mut self.classes[at]
    }

    /// Notes that an attack was tried.
    pub(super) fn tried(&mut self, class: &str, case: &str) {
        let class = self.class(class);
        class.attacks += 1;
        match class.cases.iter_mut().find(|(name, _)| name == case) {
            Some((_, attacks)) => *attacks += 1,
            None => class.cases.push((case.to_owned(), 1)),
        }
    }

    /// Notes what got through.
    pub(super) fn found(
        &mut self,
        (class, case): (&str, &str),
        asked: Option<(&Ask, &str)>,
        message: String,
        place: Option<Place>,
    ) {
        let finding = Finding {
            class: class.to_owned(),
            case: case.to_owned(),
            agent: asked.map(|(_, agent)| agent.to_owned()),
            method: asked.map(|(ask, _)| ask.method.to_string()),
            url: asked.map(|(ask, _)| ask.url.to_string()),
            message,
            subject: None,
            place,
        };
        let class = self.class(class);
        if class.counted != class.attacks {
            class.counted = class.attacks;
            class.through += 1;
        }
        class.findings.push(finding);
    }

    /// Says of the last finding which host it plays on.
    pub(super) fn about(&mut self, class: &str, host: &str) {
        if let Some(finding) = self.class(class).findings.last_mut() {
            finding.subject = Some(host.to_owned());
        }
    }

    /// All that a reader has to know before a run without findings is taken for a good one: sentences.
    pub(super) fn cautions(&self) -> Vec<String> {
        let mut cautions = self.notes.clone();
        if self.left_out > 0 {
            cautions.push(format!("{} combinations of paths were left out", self.left_out));
        }
        let Plain {
            asked,
            failed,
            passed,
            why,
        } = &self.plain;
        if *failed > 0 {
            let why = why.as_deref().unwrap_or_default();
            cautions.push(format!(
                "{failed} of {asked} requests for hosts that are named ended in a failure of the policy: {why}"
            ));
        }
        if *asked > 0 && *passed == 0 {
            cautions.push(format!(
                "the policy let nothing pass: none of {asked} requests for hosts that are named reached one, so nothing is known of what it makes of those that pass"
            ));
        }
        cautions
    }

    /// How many attacks there were.
    pub(super) fn attacks(&self) -> usize {
        self.classes.iter().map(|class| class.attacks).sum()
    }

    /// How many of them got through.
    pub(super) fn through(&self) -> usize {
        self.classes.iter().map(|class| class.through).sum()
    }

    /// All findings.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.classes.iter().flat_map(|class| &class.findings)
    }
}
