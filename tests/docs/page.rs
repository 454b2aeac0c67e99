//! A page of Markdown as what a reader does with it, in order.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A fenced block, and what comments before it say.
pub struct Block {
    /// Of its first line, from 1.
    pub line: usize,
    /// The first word after the fence.
    pub language: String,
    pub text: String,
    pub comments: Vec<Comment>,
}

/// `<!-- word: … -->` before a block.
pub enum Comment {
    /// It cannot be run here, and why.
    NotRun(String),
    /// The block is this file.
    File(String),
    /// The block comes after what this file has.
    Append(String),
    /// The block takes the place of these lines of a file, from 1 and with the last.
    Replace(String, usize, usize),
    /// The block's tables go into a file of TOML.
    Merge(String),
    /// The block is what this command prints.
    OutputOf(String),
    /// The block is run in this folder of the page's.
    In(String),
    /// Commands that go before, and that a reader need not see.
    Run(String),
}

/// The blocks of a page, or what is wrong with a comment.
pub fn blocks(markdown: &str) -> Result<Vec<Block>, String> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut comments = Vec::new();
    let mut html = String::new();
    let mut paragraph = Paragraph::default();
    let mut open: Option<Block> = None;
    for (event, range) in Parser::new(markdown).into_offset_iter() {
        match event {
            Event::Start(Tag::Paragraph) => paragraph = Paragraph::default(),
            Event::Start(Tag::CodeBlock(kind)) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                let mut comments = std::mem::take(&mut comments);
                comments.extend(paragraph.file());
                open = Some(Block {
                    line: markdown[..range.start].lines().count() + 1,
                    language: info.split([' ', ',']).next().unwrap_or_default().to_owned(),
                    text: String::new(),
                    comments,
                });
            }
            Event::End(TagEnd::CodeBlock) => {
                blocks.extend(open.take());
                paragraph = Paragraph::default();
            }
            Event::Text(text) => match &mut open {
                Some(block) => block.text.push_str(&text),
                None => paragraph.text.push_str(&text),
            },
            Event::Code(code) => {
                if paragraph.text.is_empty() && paragraph.code.is_none() {
                    paragraph.code = Some(code.to_string());
                }
                paragraph.text.push_str(&code);
            }
            Event::Html(text) => html.push_str(&text),
            Event::End(TagEnd::HtmlBlock) => {
                for comment in html.split("<!--").skip(1).filter_map(|rest| rest.split("-->").next()) {
                    comments.extend(self::comment(comment.trim())?);
                }
                html.clear();
            }
            _ => {}
        }
    }
    Ok(blocks)
}

/// The commands of this program that a page names within its lines.
pub fn named_commands(markdown: &str) -> Vec<String> {
    Parser::new(markdown)
        .filter_map(|event| match event {
            Event::Code(code) if code.starts_with("workerd-lite ") => Some(code.to_string()),
            _ => None,
        })
        .collect()
}

/// The paragraph before a block.
#[derive(Default)]
struct Paragraph {
    text: String,
    /// What it begins with, where that is code.
    code: Option<String>,
}

impl Paragraph {
    /// "`worker.js`, the agent:" names the file that follows.
    fn file(&self) -> Option<Comment> {
        let name = self.code.as_ref().filter(|_| self.text.ends_with(':'))?;
        let known = [".js", ".mjs", ".ts", ".toml", ".jsonc", ".json"];
        let is_file = known.iter().any(|ending| name.ends_with(ending)) && !name.contains([' ', '*', '(']);
        is_file.then(|| Comment::File(name.clone()))
    }
}

fn comment(text: &str) -> Result<Option<Comment>, String> {
    let Some((word, rest)) = text.split_once(':') else {
        return Ok(None);
    };
    let rest = rest.trim().to_owned();
    Ok(Some(match word {
        "not run" if rest.is_empty() => return Err("a block is not run, and no reason is given".into()),
        "not run" => Comment::NotRun(rest),
        "file" => Comment::File(rest),
        "append" => Comment::Append(rest),
        "merge" => Comment::Merge(rest),
        "output of" => Comment::OutputOf(rest),
        "in" => Comment::In(rest),
        "run" => Comment::Run(rest),
        "replace" => {
            let wrong = || format!("{rest}: it must say a file and lines, such as outbound.js 5-6");
            let (name, lines) = rest.rsplit_once(' ').ok_or_else(wrong)?;
            let (from, to) = lines.split_once('-').unwrap_or((lines, lines));
            let number = |text: &str| text.parse().map_err(|_| wrong());
            Comment::Replace(name.to_owned(), number(from)?, number(to)?)
        }
        // Of another program, or a word to whoever edits the page.
        _ => return Ok(None),
    }))
}
