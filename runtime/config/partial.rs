//! A TOML file read as far as it can be: what is wrong is taken out, told, and the rest is read.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::places::join;

/// No more are looked for.
const MOST: usize = 50;

/// Something that could not be read.
pub(super) struct Unread {
    /// Its path, such as `outbound.main`.
    pub(super) path: String,
    pub(super) message: String,
    pub(super) span: Option<Range<usize>>,
    /// What was taken out for it, and is as if it were not written.
    pub(super) without: Option<String>,
    /// Whether it only follows from what was taken out before.
    pub(super) follows: bool,
}

/// Reads as much as can be read. Nothing where that is not even a table of the right kind.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> (Option<T>, Vec<Unread>) {
    let mut unread: Vec<Unread> = Vec::new();
    let whole = match DeTable::parse(text) {
        Ok(whole) => whole,
        Err(error) => {
            unread.push(Unread {
                path: String::new(),
                message: error.message().to_owned(),
                span: error.span(),
                without: None,
                follows: false,
            });
            return (None, unread);
        }
    };
    let mut rest = whole.clone();
    while unread.len() < MOST {
        let mut track = serde_path_to_error::Track::new();
        let toml = toml::Deserializer::from(rest.clone());
        let error = match T::deserialize(serde_path_to_error::Deserializer::new(toml, &mut track)) {
            Ok(value) => return (Some(value), unread),
            Err(error) => error,
        };
        let span = error.span();
        let found = span.as_ref().and_then(|span| find(whole.get_ref(), "", span));
        let path = found.clone().unwrap_or_else(|| track.path().to_string());
        let removed = span.as_ref().is_some_and(|span| remove(rest.get_mut(), span));
        // What is needed and was taken out is missing for no fault of its own.
        let missing = missing(error.message()).map(|name| join(&path, name));
        let mut without = unread.iter().filter_map(|each| each.without.as_deref());
        // So is a list of what is left of it.
        let is_of_it = |taken: &str| taken.strip_prefix(&path).is_some_and(|rest| rest.starts_with('['));
        let follows = without.any(|taken| missing.as_deref() == Some(taken) || is_of_it(taken));
        unread.push(Unread {
            path,
            message: error.message().to_owned(),
            span,
            without: found.filter(|_| removed),
            follows,
        });
        if !removed {
            break;
        }
    }
    (None, unread)
}

/// The field's name, out of serde's words for one that is not there.
fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// The path of the key or value that is written exactly there.
fn find(table: &DeTable<'_>, path: &str, span: &Range<usize>) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let path = join(path, key.get_ref());
        if key.span() == *span {
            return Some(path);
        }
        find_in(value, path, span)
    })
}

fn find_in(value: &Spanned<DeValue<'_>>, path: String, span: &Range<usize>) -> Option<String> {
    let inner = match value.get_ref() {
        DeValue::Table(table) => find(table, &path, span),
        DeValue::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| find_in(item, format!("{path}[{index}]"), span)),
        _ => None,
    };
    inner.or_else(|| (value.span() == *span).then_some(path))
}

/// Takes out the key or value that is written exactly there.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let found = table.iter_mut().find_map(|(key, value)| {
        if key.span() == *span {
            return Some(Some(key.clone()));
        }
        match remove_in(value, span) {
            Removed::No => None,
            Removed::Inside => Some(None),
            Removed::This => Some(Some(key.clone())),
        }
    });
    if let Some(Some(key)) = &found {
        table.remove(key);
    }
    found.is_some()
}

enum Removed {
    No,
    Inside,
    /// The value itself is it: whoever holds it takes it out.
    This,
}

fn remove_in(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Removed {
    let inside = match value.get_mut() {
        DeValue::Table(table) => remove(table, span),
        DeValue::Array(items) => {
            let found = items
                .iter_mut()
                .map(|item| remove_in(item, span))
                .enumerate()
                .find(|(_, removed)| !matches!(removed, Removed::No));
            if let Some((index, Removed::This)) = found {
                let all = std::mem::replace(items, DeArray::new()).into_iter().enumerate();
                *items = all.filter(|(other, _)| *other != index).map(|(_, item)| item).collect();
            }
            found.is_some()
        }
        _ => false,
    };
    match inside {
        true => Removed::Inside,
        false if value.span() == *span => Removed::This,
        false => Removed::No,
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::config::project_file::ProjectFile;

    /// What is told of a file, by its paths, and what only follows from it, in brackets.
    fn told(text: &str) -> String {
        let (_, unread) = read::<ProjectFile>(text);
        let told = unread.iter().map(|each| {
            if each.follows {
                format!("[{}]", each.path)
            } else {
                each.path.clone()
            }
        });
        told.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn everything_that_is_wrong_is_found_where_it_is() {
        let text = "threads = 'two'\nzebra = 1\n[outbound]\nmian = 'x'\nmain = 5\ncredentials = [{ binding = 'A', credential = 5 }, \
                    { binding = 'B', credential = 'x' }, { binding = 'C', credential = 'x', y = 1 }]\n\
                    [credentials.x]\ntype = 'bearerr'\nhosts = ['a.example']\nsecret = 'S'\n[credentials.y]\ntype = 'bearer'\n\
                    [[agents]]\nname = 'a'\nmatch = ['a', 'b c']\n[[agents]]\nnmae = 'b'\n";
        let told = told(text);
        let mut found: Vec<&str> = told.split(' ').collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                "[credentials.x]",
                "[outbound.credentials[0]]",
                "agents[0].match",
                "agents[1].nmae",
                "credentials.x.type",
                "credentials.y",
                "outbound.credentials[0].credential",
                "outbound.credentials[2].y",
                "outbound.main",
                "outbound.mian",
                "threads",
                "zebra",
            ]
        );
    }

    #[test]
    fn the_rest_is_read() {
        let (project, unread) =
            read::<ProjectFile>("threads = 2\nlisten = 5\n[limits]\ncpu = 'x'\n[outbound]\nmain = 'o.js'\n");
        let project = project.unwrap();
        assert_eq!((project.threads, unread.len()), (Some(2), 2));
        assert_eq!(project.outbound.unwrap().main.unwrap().to_str(), Some("o.js"));
        assert!(read::<ProjectFile>("= 1").0.is_none());
        assert_eq!(read::<ProjectFile>("a = 1\na = 2").1.len(), 1);
    }
}
