//! Where each agent's modules may come from: its own folder, and never another agent's.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::files::{Files, parent};
use crate::config::nearest;
use crate::config::tables::Agent as Section;
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::isolate::modules::{Bundling, Confinement, Data, NodeModules, Patterns};

/// The script of a section and the folder that is its own, as far as they are named.
#[derive(Debug)]
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

/// The scripts and folders of all agents, by where they are: an agent's files are kept from those in whose folders they are.
#[derive(Debug)]
pub(super) struct Places {
    each: Vec<Place>,
    /// By their paths, those below a folder one after another: scripts, configurations and folders.
    sorted: BTreeMap<PathBuf, Vec<usize>>,
    /// Those that are in some package, which agents read above their own folders too.
    packaged: Vec<usize>,
}

impl Places {
    pub(super) fn of(files: &Files, sections: &[Section]) -> Self {
        let each: Vec<Place> = sections.iter().map(|section| Place::of(files, section)).collect();
        let mut sorted: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        let mut packaged = Vec::new();
        for (index, place) in each.iter().enumerate() {
            let named = place.main.iter().chain(&place.config);
            if named.clone().any(|path| path.iter().any(|part| part == "node_modules")) {
                packaged.push(index);
            }
            for path in named.chain([&place.folder]) {
                sorted.entry(path.clone()).or_default().push(index);
            }
        }
        Self { each, sorted, packaged }
    }

    /// What the agent of a section may not read of the others', where its modules come from `folder`.
    fn kept_from(&self, index: usize, folder: &Path) -> HashSet<PathBuf> {
        let place = &self.each[index];
        let mut kept = HashSet::new();
        let below = self.sorted.range(folder.to_owned()..);
        let below = below
            .take_while(|(path, _)| path.starts_with(folder))
            .flat_map(|(_, of)| of);
        for other in below.chain(&self.packaged).filter(|other| **other != index) {
            kept.extend(self.each[*other].kept_from(place));
        }
        kept
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
    let patterns = patterns
        .iter()
        .map(|pattern| pattern.strip_prefix("./").unwrap_or(pattern).to_owned());
    let patterns: Vec<String> = patterns.collect();
    Ok(Data::Listed(Patterns::try_from(patterns).map_err(failed)?))
}

/// Where the modules of the agent of a section come from, whose script is in this folder or below. What is kept from it is found when
/// its modules are read.
pub(super) fn confinement(
    files: &Files,
    (index, sections): (usize, &[Section]),
    places: &Arc<Places>,
    script_folder: &Path,
    forbidden: &Arc<HashSet<PathBuf>>,
) -> Result<impl Fn() -> Confinement + Send + Sync + 'static, ConfigError> {
    let section = &sections[index];
    let field = |name: &str| format!("agents[{index}].{name}");
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let data = if section.modules.is_empty() {
        Data::default()
    } else {
        data(files, &field("modules"), &section.modules)?
    };
    let folder = whole(&files.folder);
    let place = &places.each[index];
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
        None => Some(whole(&place.folder)),
    };
    let root = match &own {
        Some(own) if own.starts_with(&folder) => folder,
        Some(own) => own.clone(),
        None => script_folder.to_owned(),
    };
    let keeps = section.root.is_none();
    let (places, forbidden) = (Arc::clone(places), Arc::clone(forbidden));
    Ok(move || {
        let mut forbidden = (*forbidden).clone();
        if let Some(own) = own.as_ref().filter(|_| keeps) {
            forbidden.extend(places.kept_from(index, own));
        }
        Confinement {
            root: root.clone(),
            own: own.clone(),
            forbidden,
            data: data.clone(),
            node: NodeModules::default(),
            bundling: Bundling::default(),
            links: false,
            sealed: false,
            overlay: None,
        }
    })
}
