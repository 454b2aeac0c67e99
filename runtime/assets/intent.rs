//! What a path asks for: a file, another path, or nothing.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::folder::{Asset, Folder};
use super::html::{HtmlHandling, Step};

/// What is served where there is no file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum NotFoundHandling {
    /// Nothing.
    #[default]
    #[serde(rename = "none")]
    None,
    /// The closest `404.html`, with the status 404.
    #[serde(rename = "404-page")]
    Page,
    /// `/index.html`, with the status 200.
    #[serde(rename = "single-page-application")]
    SinglePageApplication,
}

/// What a path asks for.
#[derive(Debug)]
pub(super) enum Intent {
    /// A file, with the status of its response.
    Asset(Asset, StatusCode),
    /// To go to another path, which is not encoded.
    Redirect(String),
}

impl Folder {
    /// What a decoded path asks for.
    pub(super) fn intent(&self, path: &str, html: HtmlHandling, not_found: NotFoundHandling) -> Option<Intent> {
        for step in html.steps(path) {
            match step {
                Step::Serve(file) => {
                    if let Some(asset) = self.find(&file) {
                        return Some(Intent::Asset(asset, StatusCode::OK));
                    }
                }
                Step::Redirect { file, to } => {
                    if self.is_served_at(&file, &to, html) {
                        return Some(Intent::Redirect(to));
                    }
                }
            }
        }
        self.not_found(path, not_found)
    }

    /// Whether a path serves a file that has another name, without sending its client on.
    fn is_served_at(&self, file: &str, path: &str, html: HtmlHandling) -> bool {
        let Some(wanted) = self.find(file) else { return false };
        if self.find(path).is_some() {
            return false;
        }
        let served = html.steps(path).into_iter().find_map(|step| match step {
            Step::Serve(file) => self.find(&file),
            Step::Redirect { .. } => None,
        });
        served.is_some_and(|served| served.is(&wanted))
    }

    fn not_found(&self, path: &str, handling: NotFoundHandling) -> Option<Intent> {
        match handling {
            NotFoundHandling::None => None,
            NotFoundHandling::SinglePageApplication => Some(Intent::Asset(self.find("/index.html")?, StatusCode::OK)),
            NotFoundHandling::Page => {
                // Above the deepest folder that there is: no client's path is looked up again for each of its parts.
                let mut above = &path[..self.deepest(path)];
                while let Some(slash) = above.rfind('/') {
                    above = &above[..slash];
                    if let Some(page) = self.find(&format!("{above}/404.html")) {
                        return Some(Intent::Asset(page, StatusCode::NOT_FOUND));
                    }
                }
                None
            }
        }
    }
}
