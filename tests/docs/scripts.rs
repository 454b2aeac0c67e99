//! Whether a block of a script can be parsed.

use oxc_allocator::Allocator;
use oxc_parser::Parser;
use oxc_span::SourceType;

/// A page shows whole modules, and lines from the inside of a function, an object or a class.
pub fn parse(language: &str, text: &str) -> Result<(), String> {
    let source_type = match language {
        "ts" | "typescript" => SourceType::ts(),
        "tsx" => SourceType::tsx(),
        _ => SourceType::jsx(),
    };
    let text = text.replace('…', " ");
    let forms = [
        text.clone(),
        format!("async function* inside() {{\n{text}\n}}"),
        format!("({{\n{text}\n}})"),
        format!("class Inside {{\n{text}\n}}"),
    ];
    let mut first = None;
    for form in &forms {
        match errors(form, source_type) {
            None => return Ok(()),
            Some(errors) => first = first.or(Some(errors)),
        }
    }
    Err(first.unwrap_or_default())
}

fn errors(text: &str, source_type: SourceType) -> Option<String> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, source_type).parse();
    let errors: Vec<String> = parsed.diagnostics.iter().map(ToString::to_string).collect();
    (parsed.panicked || !errors.is_empty()).then(|| errors.join("; "))
}

#[test]
fn what_is_no_script_is_told() {
    for text in [
        "await x;\nreturn deny('a');",
        "fetch(request) { return fetch(request); },",
        "import a from 'b';",
        "const a = { … };",
    ] {
        assert_eq!(parse("js", text), Ok(()), "{text}");
    }
    for text in ["const a = ;", "fetch(request) {", "return }"] {
        assert!(parse("js", text).is_err(), "{text}");
    }
    assert!(parse("ts", "const a: number = 1;").is_ok() && parse("js", "const a: number = 1;").is_err());
}
