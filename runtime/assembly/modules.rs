//! Where each agent's modules may come from: its own folder, and never another agent's.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSetBuilder};

use crate::config::files::{Files, parent};
use crate::config::nearest;
use crate::config::tables::Agent as Section;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::isolate::modules::{Confinement, Data};

/// The script of a section and the folder that is its own, as far as they are named.
struct Place {
    main: Option<PathBuf>,
    config: Option<PathBuf>,
    folder: PathBuf,
}

impl Place {
    fn of(files: &Files, section: &Section) -> Self {
        let whole = |path: &PathBuf| {
            let path = files.folder.join(path);
            path.canonicalize().unwrap_or(path)
        };
        let (main, config) = (section.main.as_ref().map(whole), section.config.as_ref().map(whole));
        let named = main.as_ref().or(config.as_ref());
        Self {
            folder: named.map_or_else(|| files.folder.clone(), |path| parent(path)),
            main,
            config,
        }
    }

    /// What of this agent's another one may not import.
    fn kept_from(&self, other: &Self) -> impl Iterator<Item = PathBuf> {
        let files = [&self.main, &self.config].into_iter().flatten().cloned();
        let files = files.filter(|file| Some(file) != other.main.as_ref() && Some(file) != other.config.as_ref());
        let is_within = self.folder != other.folder && self.folder.starts_with(&other.folder);
        let holds_it = other.main.as_ref().is_some_and(|main| main.starts_with(&self.folder));
        let folder = (is_within && !holds_it).then(|| self.folder.clone());
        files.collect::<Vec<_>>().into_iter().chain(folder)
    }
}

/// Fails where there is no such script. `complain` says who named it, and gets what to do about it.
pub(super) fn check_script(main: &Path, complain: impl FnOnce(&str) -> ConfigError) -> Result<(), ConfigError> {
    let why = match main.metadata() {
        Ok(found) if found.is_file() => return Ok(()),
        Ok(_) => "it is not a file".to_owned(),
        Err(error) => error.to_string(),
    };
    let error = complain(&format!("the script {} can not be read: {why}", main.display()));
    let folder = parent(main);
    let beside = folder.read_dir().into_iter().flatten().flatten();
    let scripts: Vec<String> = beside
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| SCRIPTS.iter().any(|extension| name.ends_with(extension)))
        .collect();
    let name = main.file_name().unwrap_or_default().to_string_lossy();
    Err(match nearest(&name, scripts.iter().map(String::as_str)) {
        Some(near) => error.with_help(format!("Did you mean {}?", folder.join(near).display())),
        None => error,
    })
}

const SCRIPTS: [&str; 6] = [".js", ".mjs", ".cjs", ".ts", ".mts", ".jsx"];

/// What the patterns of a list match. `field` is the list's name.
pub(super) fn data(files: &Files, field: &str, patterns: &[String]) -> Result<Data, ConfigError> {
    let failed = |error: globset::Error| {
        files
            .complain(field, &format!("not a pattern: {error}"))
            .with_help("Write them as in modules = [\"*.csv\", \"prompts/**\"]")
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        set.add(GlobBuilder::new(pattern).build().map_err(failed)?);
    }
    Ok(Data::Listed(set.build().map_err(failed)?))
}

/// Where the modules of the agent of a section come from, whose script is in this folder or below.
pub(super) fn confinement(
    files: &Files,
    sections: &[Section],
    index: usize,
    script_folder: &Path,
    forbidden: &HashSet<PathBuf>,
) -> Result<Confinement, ConfigError> {
    let section = &sections[index];
    let field = |name: &str| format!("agents[{index}].{name}");
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let data = data(files, &field("modules"), &section.modules)?;
    let folder = whole(&files.folder);
    let mut forbidden = forbidden.clone();
    let place = Place::of(files, section);
    let own = match &section.root {
        Some(root) => {
            let named = place.folder.join(root);
            let found = named.canonicalize().map_err(|error| {
                files.complain(&field("root"), &format!("{} can not be read: {error}", named.display()))
            })?;
            Some(found)
        }
        // The only agent has all of its project.
        None if sections.len() == 1 => None,
        None => {
            for (other, section) in sections.iter().enumerate() {
                if other != index {
                    forbidden.extend(Place::of(files, section).kept_from(&place));
                }
            }
            Some(whole(&place.folder))
        }
    };
    let root = match &own {
        Some(own) if own.starts_with(&folder) => folder,
        Some(own) => own.clone(),
        None => script_folder.to_owned(),
    };
    Ok(Confinement {
        root,
        own,
        forbidden,
        data,
        without_node: false,
        overlay: None,
    })
}
