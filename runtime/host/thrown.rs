//! An exception of one script as another reads it that may know of it.

use deno_error::JsErrorBox;
use workerd_lite_ops::FetchError;

/// The classes of exceptions that keep theirs.
const CLASSES: [&str; 7] = [
    "Error",
    "EvalError",
    "RangeError",
    "ReferenceError",
    "SyntaxError",
    "TypeError",
    "URIError",
];

/// The error that `summary` names, with its class where that is a standard one: `TypeError: no`.
pub(super) fn thrown(summary: String) -> FetchError {
    let told = summary.split_once(": ");
    let known = told.and_then(|(name, message)| {
        let class = CLASSES.into_iter().find(|class| *class == name)?;
        Some((class, message.to_owned()))
    });
    let (class, message) = known.unwrap_or(("Error", summary));
    FetchError::Loaded(JsErrorBox::new(class, message))
}

#[cfg(test)]
mod tests {
    use deno_error::JsErrorClass as _;

    use super::*;

    #[test]
    fn standard_classes_are_kept() {
        let of = |summary: &str| match thrown(summary.to_owned()) {
            FetchError::Loaded(error) => (error.get_class().to_string(), error.get_message().to_string()),
            other => panic!("{other}"),
        };
        let is = |class: &str, message: &str| (class.to_owned(), message.to_owned());
        assert_eq!(of("TypeError: a: b"), is("TypeError", "a: b"));
        assert_eq!(of("Error: public; x = y"), is("Error", "public; x = y"));
        assert_eq!(of("MyError: no"), is("Error", "MyError: no"));
        assert_eq!(of("no"), is("Error", "no"));
    }
}
