//! The two files of a project, and the folder that they are in.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::document::Document;
use super::flags::Flags;
use super::problems::Problems;
use super::wrangler::{Owner, Wrangler, read};
use crate::diagnostic::SourceDiagnostic as ConfigError;

/// In the order in which wrangler looks for them.
pub(crate) const WRANGLER: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];
const PROJECT: &str = "workerd-lite.toml";

/// What was found.
pub(crate) struct Files {
    pub(crate) folder: PathBuf,
    pub(crate) wrangler: Option<Document>,
    pub(crate) project: Option<Document>,
    /// What is wrong with them.
    pub(crate) problems: Problems,
}

impl Files {
    pub(crate) fn find(flags: &Flags) -> Result<Self, ConfigError> {
        let folder = match (&flags.config, &flags.script) {
            (Some(config), _) => parent(config),
            (None, Some(script)) => parent(script),
            (None, None) => PathBuf::from("."),
        };
        let named = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let mut all = WRANGLER.iter().filter_map(|name| named(name));
        let mut wrangler = all.next();
        if flags.config.is_none() {
            for other in all {
                let taken = wrangler.as_deref().unwrap_or(Path::new("")).display();
                tracing::warn!("{} is not read: {taken} is", other.display());
            }
        }
        let mut project = named(PROJECT);
        if let Some(config) = &flags.config {
            let is_wrangler = config
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("wrangler"));
            if is_wrangler || config.extension().is_none_or(|extension| extension != "toml") {
                wrangler = Some(config.clone());
            } else {
                project = Some(config.clone());
            }
        }
        if let (None, None) = (&flags.config, &flags.script) {
            if let Some(built) = built(&folder)? {
                tracing::info!("{} is served, which a build wrote", built.display());
                wrangler = Some(built);
            }
        }
        Ok(Self {
            wrangler: wrangler.as_deref().map(Document::read).transpose()?,
            project: project.as_deref().map(Document::read).transpose()?,
            folder,
            problems: Problems::default(),
        })
    }

    /// A worker's own wrangler file, where its section names one, and what that says, as far as it could be read.
    pub(crate) fn own_wrangler(
        &self,
        config: Option<&PathBuf>,
        flags: &Flags,
        owner: Owner,
    ) -> Result<(Option<Document>, Wrangler), ConfigError> {
        let Some(config) = config else {
            return Ok((None, Wrangler::none(flags)));
        };
        let document = Document::read(&self.folder.join(config))?;
        let wrangler = read(&document, flags, owner, &self.problems);
        Ok((Some(document), wrangler))
    }

    /// Where a field of the project's file is written, as `workerd-lite.toml:3`.
    pub(crate) fn location(&self, field: &str) -> String {
        let written = self.project.as_ref().map(|document| document.location(field));
        written.unwrap_or_else(|| field.to_owned())
    }

    /// An error about a field of the project's file.
    pub(crate) fn complain(&self, field: &str, message: &str) -> ConfigError {
        match &self.project {
            Some(document) => document.complain(field, message),
            None => ConfigError::new(format!("{field}: {message}")),
        }
    }

    /// The same of what a worker's own file could say too. It follows where that could not be read.
    pub(crate) fn missing(&self, field: &str, message: &str, own: Option<&Document>, own_field: &str) -> ConfigError {
        let error = self.complain(field, message);
        match own {
            Some(own) => error.about(own.subject(own_field)),
            None => error,
        }
    }

    /// A field of the project's file, for what is wrong elsewhere only because that could not be read.
    pub(crate) fn subject(&self, field: &str) -> String {
        self.project
            .as_ref()
            .map_or_else(String::new, |document| document.subject(field))
    }
}

/// Whether a folder has a configuration of a project.
pub(crate) fn has_configuration(folder: &Path) -> bool {
    let mut names = WRANGLER.iter().chain([&PROJECT]);
    names.any(|name| folder.join(name).is_file())
}

/// Where a build of the project has told wrangler which file to take in the place of the project's own.
const BUILT: &str = ".wrangler/deploy/config.json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Built {
    config_path: PathBuf,
}

/// The wrangler file that a build wrote, where one says so.
fn built(folder: &Path) -> Result<Option<PathBuf>, ConfigError> {
    let told = folder.join(BUILT);
    let text = match crate::text_file::read(&told) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::new(format!("{} can not be read: {error}", told.display()))),
    };
    let again = "Build the project again, or remove that file";
    let built: Built = serde_json::from_str(&text)
        .map_err(|error| ConfigError::new(format!("{}: {error}", told.display())).with_help(again))?;
    let path = parent(&told).join(built.config_path);
    // Its folder may be named by steps up.
    let path = path.canonicalize().map_err(|error| {
        ConfigError::new(format!("{} names {}: {error}", told.display(), path.display())).with_help(again)
    })?;
    let whole = folder.canonicalize().unwrap_or_default();
    let within = path.strip_prefix(&whole).map(|within| folder.join(within));
    within.map(Some).map_err(|_| {
        let why = format!(
            "{} names {}, which is outside of the project",
            told.display(),
            path.display()
        );
        ConfigError::new(why).with_help(again)
    })
}

/// The folder of a file: `.` where only its name is given.
pub(crate) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A file's name without its extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem()
        .map_or_else(|| "worker".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
