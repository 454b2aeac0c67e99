//! `html_handling`: which paths HTML files have.

use schemars::JsonSchema;
use serde::Deserialize;

/// Which paths HTML files have: <https://developers.cloudflare.com/workers/static-assets/routing/advanced/html-handling/>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HtmlHandling {
    /// `page.html` is `/page`, and `page/index.html` is `/page/`.
    #[default]
    AutoTrailingSlash,
    /// Both are `/page/`.
    ForceTrailingSlash,
    /// Both are `/page`.
    DropTrailingSlash,
    /// Each has its own name.
    None,
}

/// One thing that is tried for a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Serve this file.
    Serve(String),
    /// Send the client elsewhere, where this file is served by it.
    Redirect {
        /// The file.
        file: String,
        /// The path that it is at.
        to: String,
    },
}

fn serve(file: impl Into<String>) -> Step {
    Step::Serve(file.into())
}

fn redirect(file: impl Into<String>, to: impl Into<String>) -> Step {
    Step::Redirect {
        file: file.into(),
        to: to.into(),
    }
}

/// How a path may name an HTML file, with what is left of it without that.
enum Ending<'a> {
    /// `/page/index`.
    Index(&'a str),
    /// `/page/index.html`.
    IndexHtml(&'a str),
    /// `/page/`.
    Slash(&'a str),
    /// `/page.html`.
    Html(&'a str),
    /// `/page`.
    Plain,
}

impl<'a> Ending<'a> {
    fn of(path: &'a str) -> Self {
        let without = |ending| path.strip_suffix(ending);
        None.or_else(|| without("/index").map(Self::Index))
            .or_else(|| without("/index.html").map(Self::IndexHtml))
            .or_else(|| without("/").map(Self::Slash))
            .or_else(|| without(".html").map(Self::Html))
            .unwrap_or(Self::Plain)
    }
}

impl HtmlHandling {
    /// What is tried for a decoded path, in this order.
    pub(super) fn steps(self, path: &str) -> Vec<Step> {
        match self {
            Self::AutoTrailingSlash => auto(path),
            Self::ForceTrailingSlash => force(path),
            Self::DropTrailingSlash => drop_slash(path),
            Self::None => vec![serve(path)],
        }
    }
}

fn auto(path: &str) -> Vec<Step> {
    let mut steps = match Ending::of(path) {
        Ending::Index(page) => vec![
            serve(path),
            redirect(format!("{path}.html"), format!("{page}/")),
            redirect(format!("{page}.html"), page),
        ],
        Ending::IndexHtml(page) => vec![
            redirect(path, format!("{page}/")),
            redirect(format!("{page}.html"), page),
        ],
        Ending::Slash(page) => vec![
            serve(format!("{path}index.html")),
            redirect(format!("{page}.html"), page),
        ],
        Ending::Html(page) => vec![
            redirect(path, page),
            redirect(format!("{page}/index.html"), format!("{page}/")),
        ],
        Ending::Plain => Vec::new(),
    };
    steps.extend([
        serve(path),
        serve(format!("{path}.html")),
        redirect(format!("{path}/index.html"), format!("{path}/")),
    ]);
    steps
}

fn force(path: &str) -> Vec<Step> {
    let mut steps = match Ending::of(path) {
        Ending::Index(page) => vec![
            serve(path),
            redirect(format!("{path}.html"), format!("{page}/")),
            redirect(format!("{page}.html"), format!("{page}/")),
        ],
        Ending::IndexHtml(page) => vec![
            redirect(path, format!("{page}/")),
            redirect(format!("{page}.html"), format!("{page}/")),
        ],
        Ending::Slash(page) => vec![serve(format!("{path}index.html")), serve(format!("{page}.html"))],
        Ending::Html(page) => vec![
            redirect(path, format!("{page}/")),
            serve(path),
            redirect(format!("{page}/index.html"), format!("{page}/")),
        ],
        Ending::Plain => Vec::new(),
    };
    steps.extend([
        serve(path),
        redirect(format!("{path}.html"), format!("{path}/")),
        redirect(format!("{path}/index.html"), format!("{path}/")),
    ]);
    steps
}

fn drop_slash(path: &str) -> Vec<Step> {
    let mut steps = match Ending::of(path) {
        // The slash of `/` is not dropped.
        Ending::Index("") => vec![serve(path), redirect("/index.html", "/")],
        Ending::IndexHtml("") => vec![redirect("/index.html", "/")],
        Ending::Slash("") => vec![serve("/index.html")],
        Ending::Index(page) => vec![
            serve(path),
            redirect(format!("{page}.html"), page),
            redirect(format!("{path}.html"), page),
        ],
        Ending::IndexHtml(page) => vec![
            redirect(path, page),
            serve(path),
            redirect(format!("{page}.html"), page),
        ],
        Ending::Slash(page) => vec![
            redirect(format!("{page}.html"), page),
            redirect(format!("{page}/index.html"), page),
        ],
        Ending::Html(page) => vec![redirect(path, page), redirect(format!("{page}/index.html"), page)],
        Ending::Plain => Vec::new(),
    };
    steps.extend([
        serve(path),
        serve(format!("{path}.html")),
        serve(format!("{path}/index.html")),
    ]);
    steps
}
