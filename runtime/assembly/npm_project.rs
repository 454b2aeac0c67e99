//! The npm project that a file is in, and the workspace of that.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The folder of the npm project that a file is in, where there is one; else the file's own.
pub(super) fn npm_project(folder: &Path) -> PathBuf {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut above = whole.ancestors();
    let project = above.find(|folder| folder.join("package.json").is_file());
    project.unwrap_or(&whole).to_owned()
}

/// The folder of the npm project that a build's folder is in. Builds write a `package.json` of their own beside their scripts: it is the next
/// project around them where only that holds what `beside` names, seen from there.
pub(super) fn project_around(folder: &Path, beside: &Path) -> PathBuf {
    let project = npm_project(folder);
    let Ok(beside) = folder.join(beside).canonicalize() else {
        return project;
    };
    if beside.starts_with(&project) {
        return project;
    }
    let around = project.parent().map(npm_project);
    let around = around.filter(|around| around.join("package.json").is_file() && beside.starts_with(around));
    around.unwrap_or(project)
}

/// Where modules come from: the folder of the workspace that the npm project is a part of, and the project within it; or the project alone.
pub(super) fn workspace(folder: &Path) -> (PathBuf, Option<PathBuf>) {
    let project = npm_project(folder);
    let root = project.ancestors().skip(1).find(|above| is_workspace(above));
    match root {
        Some(root) => (root.to_owned(), Some(project)),
        None => (project, None),
    }
}

#[derive(Deserialize)]
struct Package {
    workspaces: Option<serde_json::Value>,
}

/// Whether packages of a folder are kept together, as npm, Yarn and pnpm do.
fn is_workspace(folder: &Path) -> bool {
    if folder.join("pnpm-workspace.yaml").is_file() {
        return true;
    }
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let text = crate::text_file::read_settings_within(&folder, &folder.join("package.json")).ok();
    let package = text.and_then(|text| serde_json::from_str::<Package>(&text).ok());
    package.is_some_and(|package| package.workspaces.is_some())
}
