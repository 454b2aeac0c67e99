//! Names that a script may read files by: `path.join(__dirname, "x.css")`.

use oxc_ast::ast::{BinaryExpression, CallExpression, Program, StringLiteral, TemplateLiteral};
use oxc_ast_visit::{Visit, walk};

use super::requires::{beside_itself, is_join, joined_beside_itself};

/// How many names of one script are looked at, and how long they are, in bytes.
const MOST: usize = 1024;
const LONGEST: usize = 128;

/// Scripts are modules, and are read where something imports them.
pub(super) const SCRIPTS: [&str; 10] = ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "node", "map"];

/// Names that may be those of files, relative to the script or to its package.
#[derive(Debug, Default)]
pub(super) struct FileNames(Vec<String>);

impl FileNames {
    /// Those of a script that knows where it is.
    pub(super) fn of(program: &Program<'_>, source: &str) -> Vec<String> {
        let mut names = Self::default();
        if ["__dirname", "__filename", "import.meta"]
            .iter()
            .any(|name| source.contains(name))
        {
            names.visit_program(program);
            names.0.sort_unstable();
            names.0.dedup();
            names.0.truncate(MOST);
        }
        names.0
    }

    fn add(&mut self, name: &str) {
        let name = name.trim_start_matches('/');
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'*' | b'?' | b':' | b'\\' | b'#' | b'%');
        if (3..=LONGEST).contains(&name.len()) && name.bytes().all(is_plain) {
            self.0.push(name.to_owned());
        }
    }

    /// What is put together from the script's own folder, which may be a folder's name as well.
    fn add_whole(&mut self, whole: Option<String>) {
        if let Some(whole) = whole.filter(|whole| whole.len() > 2) {
            self.add(&whole);
        }
    }
}

impl<'a> Visit<'a> for FileNames {
    fn visit_string_literal(&mut self, it: &StringLiteral<'a>) {
        if is_file_name(&it.value) {
            self.add(&it.value);
        }
    }

    fn visit_template_literal(&mut self, it: &TemplateLiteral<'a>) {
        for text in it.quasis.iter().filter_map(|quasi| quasi.value.cooked) {
            if is_file_name(&text) {
                self.add(&text);
            }
        }
        walk::walk_template_literal(self, it);
    }

    fn visit_binary_expression(&mut self, it: &BinaryExpression<'a>) {
        self.add_whole(beside_itself(&it.left, &it.right));
        walk::walk_binary_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        if is_join(&it.callee) {
            self.add_whole(joined_beside_itself(it));
        }
        walk::walk_call_expression(self, it);
    }
}

/// Whether a text ends as a file's name does that is no script's.
fn is_file_name(text: &str) -> bool {
    let extension = text
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map(|(_, end)| end);
    extension.is_some_and(|end| {
        (1..=8).contains(&end.len()) && end.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !SCRIPTS.contains(&end)
    })
}
