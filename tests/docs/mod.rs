//! README.md and docs/*.md are true: each fenced block is run or checked, page by page and in their order.
//!
//! | block | what is done |
//! |---|---|
//! | `sh` with `$` prompts | each command is run, and must print what follows it ([`output::agree`]) |
//! | `sh` without | each line is run, and must succeed |
//! | `js`, `ts` … | is parsed: as a module, or the inside of a function, object or class |
//! | `toml` | must fit the schema of `workerd-lite.toml` |
//! | `json`, `jsonc` | is parsed |
//! | others | are shown, and counted |
//!
//! A block that a page names ("`worker.js`, the agent:") is written to that file of the page's folder. Comments before a block
//! say more: [`page::Comment`]. What has `<!-- not run: why -->` is listed.

mod output;
mod page;
mod scripts;
mod session;
mod tables;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::harness::{Project, peers};
use page::{Block, Comment};
use session::Session;

/// What became of the blocks.
#[derive(Default)]
struct Report {
    commands: usize,
    checked: usize,
    shown: usize,
    not_run: Vec<String>,
    wrong: Vec<String>,
    /// Files of TOML for the schema, and where they stand on a page.
    tables: Vec<(String, String)>,
}

#[test]
fn what_stands_there_is_so() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let pages = pages(repository);
    let programs = tempfile::tempdir().unwrap();
    let program = programs.path().join("workerd-lite");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_workerd-lite"), program).unwrap();
    let mut report = Report::default();
    for page in &pages {
        let name = page.strip_prefix(repository).unwrap().display().to_string();
        let text = std::fs::read_to_string(page).unwrap();
        match page::blocks(&text) {
            Ok(blocks) => run(&name, &blocks, programs.path(), &mut report),
            Err(error) => report.wrong.push(format!("{name}: {error}")),
        }
    }
    if let Some(peers) = peers::npm() {
        report.wrong.extend(tables::check(&peers, &report.tables));
    }
    println!(
        "{} pages: {} commands ran, {} blocks were checked, {} are shown as they are, {} were not run:",
        pages.len(),
        report.commands,
        report.checked,
        report.shown,
        report.not_run.len()
    );
    for not_run in &report.not_run {
        println!("  {not_run}");
    }
    assert!(report.wrong.is_empty(), "{}", report.wrong.join("\n\n"));
    assert!(report.commands > 10 && report.checked > 10, "the pages were not read");
}

fn run(name: &str, blocks: &[Block], programs: &Path, report: &mut Report) {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), programs);
    for block in blocks {
        let place = format!("{name}:{}", block.line);
        let mut wrong = String::new();
        if let Err(error) = one(block, &place, &mut session, report) {
            let _ = write!(wrong, "{place}: {error}");
            report.wrong.push(wrong);
        }
    }
}

fn one(block: &Block, place: &str, session: &mut Session, report: &mut Report) -> Result<(), String> {
    for comment in &block.comments {
        match comment {
            Comment::NotRun(why) => {
                report.not_run.push(format!("{place}: {why}"));
                return Ok(());
            }
            Comment::In(folder) => {
                let folder = session.folder().join(folder);
                succeed(session, &format!("mkdir -p '{0}' && cd '{0}'", folder.display()))?;
            }
            Comment::Run(commands) => succeed(session, commands)?,
            _ => {}
        }
    }
    write_file(block, session)?;
    for comment in &block.comments {
        if let Comment::OutputOf(command) = comment {
            report.commands += 1;
            let (_, printed) = session.run(command)?;
            return output::agree(&block.text, &printed).map_err(|error| format!("{command}: {error}"));
        }
    }
    match block.language.as_str() {
        "sh" | "bash" | "shell" | "console" => {
            for (command, expected) in commands(&block.text) {
                report.commands += 1;
                let (code, printed) = session.run(&command).map_err(|error| format!("{command}: {error}"))?;
                match expected {
                    Some(expected) => {
                        output::agree(&expected, &printed).map_err(|error| format!("{command}: {error}"))?;
                    }
                    None if code != 0 => return Err(format!("{command}: exit code {code}: {printed}")),
                    None => {}
                }
            }
            return Ok(());
        }
        "js" | "mjs" | "jsx" | "javascript" | "ts" | "tsx" | "typescript" => {
            scripts::parse(&block.language, &block.text)?;
        }
        "toml" => {
            toml::from_str::<toml::Table>(&block.text).map_err(|error| error.to_string())?;
            if is_ours(block) {
                report.tables.push((place.to_owned(), block.text.clone()));
            }
        }
        "json" | "jsonc" if block.text.contains('…') => {}
        "json" | "jsonc" => {
            let parsed = jsonc_parser::parse_to_ast(
                &block.text,
                &jsonc_parser::CollectOptions::default(),
                &jsonc_parser::ParseOptions::default(),
            );
            parsed.map_err(|error| error.to_string())?;
        }
        _ => {
            report.shown += 1;
            return Ok(());
        }
    }
    report.checked += 1;
    Ok(())
}

/// Each command and flag that is named within a line is one: `workerd-lite test --coverage`, or with its `[--flags]`.
#[test]
fn commands_that_are_named_are_there() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let project = Project::new(&[]);
    let help = |command: &str| {
        let arguments: Vec<&str> = command
            .split(' ')
            .filter(|word| !word.is_empty())
            .chain(["--help"])
            .collect();
        project.run(&arguments)
    };
    let flags = regex::Regex::new("--[a-z][a-z-]+").unwrap();
    let mut named = 0;
    for page in pages(repository) {
        let text = std::fs::read_to_string(&page).unwrap();
        for code in page::named_commands(&text) {
            let command = code.split([' ', '[', '|']).nth(1).unwrap_or_default();
            let command = if command.starts_with('-') { "" } else { command };
            let (status, told, error) = help(command);
            assert_eq!(status, Some(0), "{}: {code}: {error}", page.display());
            for flag in flags.find_iter(&code) {
                assert!(
                    told.contains(flag.as_str()),
                    "{}: {code}: no {}",
                    page.display(),
                    flag.as_str()
                );
            }
            named += 1;
        }
    }
    assert!(named > 20, "{named}");
}

fn pages(repository: &Path) -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = std::fs::read_dir(repository.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages.insert(0, repository.join("README.md"));
    pages
}

fn succeed(session: &mut Session, command: &str) -> Result<(), String> {
    match session.run(command)? {
        (0, _) => Ok(()),
        (code, printed) => Err(format!("{command}: exit code {code}: {printed}")),
    }
}

/// Whether TOML is of `workerd-lite.toml`, whole or in part. What goes into a file is checked in that file.
fn is_ours(block: &Block) -> bool {
    block.comments.iter().all(|comment| match comment {
        Comment::File(name) => name.ends_with("workerd-lite.toml"),
        Comment::Merge(_) => false,
        _ => true,
    })
}

/// Writes the file that the block is, or is a part of, in the folder where the page's shell is.
fn write_file(block: &Block, session: &mut Session) -> Result<(), String> {
    for comment in &block.comments {
        let (Comment::File(name) | Comment::Append(name) | Comment::Merge(name) | Comment::Replace(name, ..)) = comment
        else {
            continue;
        };
        let (_, at) = session.run("pwd")?;
        let path = Path::new(at.trim()).join(name);
        let text = session.here(&block.text);
        let before = match comment {
            Comment::File(_) => String::new(),
            _ => std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?,
        };
        let after = match comment {
            Comment::Replace(_, from, to) => {
                let lines: Vec<&str> = before.lines().collect();
                let (Some(start), Some(end)) = (lines.get(..from - 1), lines.get(*to..)) else {
                    return Err(format!("{name} has no lines {from}-{to}"));
                };
                format!("{}\n{text}{}\n", start.join("\n"), end.join("\n"))
            }
            Comment::Merge(_) => tables::merge(&before, &text)?,
            _ => before + &text,
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
        }
        std::fs::write(&path, after).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Each command, and what must come of it where the page shows that. A line that ends in `\` goes on.
fn commands(text: &str) -> Vec<(String, Option<String>)> {
    let prompts = text.lines().any(|line| line.starts_with("$ "));
    let mut commands: Vec<(String, Option<String>)> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        if goes_on {
            if let Some((command, _)) = commands.last_mut() {
                command.push('\n');
                command.push_str(line.strip_prefix("> ").unwrap_or(line));
            }
        } else if let Some(command) = line.strip_prefix("$ ") {
            commands.push((command.to_owned(), None));
        } else if prompts {
            if let Some((_, expected)) = commands.last_mut() {
                let expected = expected.get_or_insert_default();
                expected.push_str(line);
                expected.push('\n');
            }
            continue;
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            commands.push((line.to_owned(), None));
        } else {
            continue;
        }
        goes_on = line.ends_with('\\');
    }
    commands
}
