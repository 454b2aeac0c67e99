//! What somebody who mistyped a name probably meant.

/// A name that is longer, in bytes, is near to none.
const LONGEST: usize = 128;

/// The nearest of `known` names to one that is unknown, if any is near.
pub(crate) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if unknown.len() > LONGEST {
        return None;
    }
    known
        .into_iter()
        .filter(|known| *known != unknown)
        .map(|known| (strsim::jaro_winkler(unknown, known), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// The same as a hint to append to a message, or nothing.
pub(super) fn hint<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(unknown, known).map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
}
