//! The lines of `_headers` and `_redirects`, and paths in them.

use std::io::ErrorKind;
use std::path::Path;

use deno_core::url::Url;

/// The most lines that say something.
const MOST: usize = 4096;

/// The most letters of a line.
const LONGEST: usize = 2000;

/// The lines of a file of a folder that say something, with their numbers. None where there is no such file.
pub(super) fn read(folder: &Path, file: &Path, wrong: &mut Vec<String>) -> Result<Vec<(usize, String)>, String> {
    let text = match crate::text_file::read_settings_within(folder, file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("{} can not be read: {error}", file.display())),
    };
    let mut lines = Vec::new();
    let mut too_long = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if lines.len() + too_long == MOST {
            let why = format!("there are more than {MOST} lines, and those from here on are passed over");
            wrong.push(complaint(file, number, &why));
            break;
        }
        if line.len() > LONGEST {
            too_long += 1;
            wrong.push(complaint(
                file,
                number,
                &format!("the line has more than {LONGEST} letters"),
            ));
            continue;
        }
        lines.push((number, line.to_owned()));
    }
    Ok(lines)
}

/// What is wrong with a line, which is passed over.
pub(super) fn complaint(file: &Path, number: usize, why: &str) -> String {
    format!("{}:{number}: ignored: {why}", file.display())
}

/// The host of an `https:` URL, and what follows it.
pub(super) fn split_host(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("https://")?.trim_start_matches('/');
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (!host.is_empty()).then_some((host, path))
}

/// A path as URLs have it: without what is redundant, and encoded. `whole` says whether its query and fragment are kept.
pub(super) fn normal(path: &str, whole: bool) -> Option<String> {
    let base = Url::parse("http://x/").ok()?;
    let url = base.join(&format!("http://x/{}", path.trim_start_matches('/'))).ok()?;
    let mut normal = url.path().to_owned();
    if whole {
        if let Some(query) = url.query() {
            normal.push('?');
            normal.push_str(query);
        }
        if let Some(fragment) = url.fragment() {
            normal.push('#');
            normal.push_str(fragment);
        }
    }
    Some(normal)
}
