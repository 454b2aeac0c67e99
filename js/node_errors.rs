//! The classes of Node's errors, without those that no script here names: each costs every isolate that imports anything of Node's.

use std::collections::BTreeSet;

/// Where they are.
pub(crate) const ERRORS: &str = "ext:deno_node/internal/errors.ts";

/// The names of errors in a text.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|unit: char| !unit.is_ascii_alphanumeric() && unit != '_')
        .filter(|word| word.starts_with("ERR_"))
}

/// The script of that specifier, as oxc printed it, with the classes that are in `named` and those that these name.
pub(crate) fn named(script: &str, named: BTreeSet<String>) -> String {
    let statements = statements(script);
    let mut kept = named;
    loop {
        let more: BTreeSet<String> = statements
            .iter()
            .filter(|(name, _)| name.is_none_or(|name| kept.contains(name)))
            .filter(|(_, text)| !text.starts_with("\tcodes.") && !text.starts_with("\treturn {"))
            .flat_map(|(_, text)| names(text).map(ToOwned::to_owned))
            .collect();
        let before = kept.len();
        kept.extend(more);
        if kept.len() == before {
            break;
        }
    }
    let mut out = String::with_capacity(script.len());
    for (name, text) in statements {
        if name.is_some_and(|name| !kept.contains(name)) {
            continue;
        }
        let lists = text.starts_with("\treturn {");
        for line in text.split_inclusive('\n') {
            let item = line.trim().trim_end_matches(',');
            if !(lists && item.starts_with("ERR_") && !kept.contains(item)) {
                out.push_str(line);
            }
        }
    }
    // All of them a second time, which nobody asks for.
    let from = out.find("\t\tdefault: {\n").expect("the errors are listed twice");
    let length = out[from..].find("\n\t\t}\n").expect("a list has an end") + 5;
    out.replace_range(from..from + length, "");
    out
}

/// The script's statements, each with the error that it is about, where it is about one.
fn statements(script: &str) -> Vec<(Option<&str>, &str)> {
    let mut starts: Vec<usize> = vec![0];
    let mut at = 0;
    for line in script.split_inclusive('\n') {
        // One of the function's own.
        let own = line
            .strip_prefix('\t')
            .is_some_and(|rest| rest.starts_with(|unit: char| unit.is_ascii_alphabetic()));
        if own {
            starts.push(at);
        }
        at += line.len();
    }
    starts.push(script.len());
    let texts = starts.windows(2).map(|pair| &script[pair[0]..pair[1]]);
    texts
        .map(|text| {
            let about = ["\tclass ", "\tconst ", "\tcodes."]
                .iter()
                .find_map(|start| text.strip_prefix(start));
            let name = about.and_then(|rest| names(rest).next().filter(|name| rest.starts_with(name)));
            (name, text)
        })
        .collect()
}
