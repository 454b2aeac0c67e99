//! Whether a command printed what the page shows.

/// `…` stands for any lines, or within a line for anything; times are not compared, and an empty line is none. A line of the
/// page may leave out how a line begins, as a log's does.
pub fn agree(page: &str, printed: &str) -> Result<(), String> {
    let page: Vec<String> = lines(page);
    let printed: Vec<String> = lines(printed);
    if matches(&page, &printed) {
        return Ok(());
    }
    Err(format!(
        "the page says\n{}\nand it printed\n{}",
        page.join("\n"),
        printed.join("\n")
    ))
}

fn lines(text: &str) -> Vec<String> {
    let colours = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    let times = regex::Regex::new(r"\b[0-9]+(\.[0-9]+)? ?(ms|s|µs)\b").unwrap();
    let text = colours.replace_all(text, "");
    times
        .replace_all(&text, "0 ms")
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

fn matches(page: &[String], printed: &[String]) -> bool {
    match page.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == "…" => (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..])),
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, others)| alike(line, first) && matches(rest, others)),
    }
}

fn alike(page: &str, printed: &str) -> bool {
    let mut left = printed;
    let mut parts = page.split('…').peekable();
    while let Some(part) = parts.next() {
        let part = part.trim();
        // The last part is at the end.
        if parts.peek().is_none() {
            return part.is_empty() || left.ends_with(part);
        }
        let Some(at) = left.find(part) else {
            return false;
        };
        left = &left[at + part.len()..];
    }
    true
}

#[test]
fn what_is_elided_may_be_anything_and_nothing_else() {
    let printed = "a\nINFO b (18 ms)\n\nc d e\n";
    for page in ["a\nb (3 ms)\nc d e", "…\nc … e", "a\n…", "…"] {
        assert!(agree(page, printed).is_ok(), "{page}");
    }
    for page in ["a\nb (3 ms)", "a\n…\nc d", "b (18 ms)\nc d e", "a\n…\nx", ""] {
        assert!(agree(page, printed).is_err(), "{page}");
    }
}
