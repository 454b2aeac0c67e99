//! Patterns of files' paths, which can be told to another process.

use std::path::Path;

use globset::{Error, Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

/// Patterns, of which one has to match.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Patterns {
    texts: Vec<String>,
    set: GlobSet,
}

impl Patterns {
    /// Whether one of them matches.
    pub fn is_match(&self, path: &Path) -> bool {
        self.set.is_match(path)
    }
}

impl TryFrom<Vec<String>> for Patterns {
    type Error = Error;

    /// Fails with what is no pattern.
    fn try_from(texts: Vec<String>) -> Result<Self, Error> {
        let mut set = GlobSetBuilder::new();
        for text in &texts {
            set.add(Glob::new(text)?);
        }
        Ok(Self {
            set: set.build()?,
            texts,
        })
    }
}

impl From<Patterns> for Vec<String> {
    fn from(patterns: Patterns) -> Self {
        patterns.texts
    }
}
