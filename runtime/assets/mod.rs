//! Static assets: the files of a folder, served by the rules of <https://developers.cloudflare.com/workers/static-assets/>. The folder is
//! read as it is asked for, on threads that wait for disks; nothing of it is kept in memory.

mod answer;
mod content;
mod folder;
mod headers;
mod html;
mod intent;
mod lines;
mod media_type;
mod path;
mod pattern;
mod redirects;
mod routing;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use workerd_lite_ops::{Request, Response};

use answer::{Answer, Ask};
use content::{Whose, reading};
use folder::Folder;
use headers::HeaderRule;
pub use html::HtmlHandling;
pub use intent::NotFoundHandling;
use redirects::Redirects;
use routing::Way;
pub use routing::WorkerFirst;

/// What is said of a folder of assets.
#[derive(Debug)]
pub struct Settings {
    /// The folder.
    pub directory: PathBuf,
    /// Which paths HTML files have.
    pub html_handling: HtmlHandling,
    /// What is served where there is no file.
    pub not_found_handling: NotFoundHandling,
    /// Which requests are the script's before files are looked for.
    pub worker_first: WorkerFirst,
    /// Whether there is a script at all.
    pub has_worker: bool,
    /// Whether `not_found_handling` goes before the script where a browser opens a page (`Sec-Fetch-Mode: navigate`).
    pub navigation: bool,
    /// Files, or folders, that are never served.
    pub forbidden: Vec<PathBuf>,
}

/// The assets of an agent.
#[derive(Debug)]
pub struct Assets {
    folder: Folder,
    html_handling: HtmlHandling,
    not_found_handling: NotFoundHandling,
    worker_first: WorkerFirst,
    has_worker: bool,
    navigation: bool,
    headers: Vec<HeaderRule>,
    redirects: Redirects,
}

impl Assets {
    /// Reads `_headers`, `_redirects` and `.assetsignore` of the folder. Gives what is wrong with lines of theirs, which do not count. Fails
    /// with a sentence where the folder, or one of these files, can not be read.
    pub fn open(settings: Settings) -> Result<(Self, Vec<String>), String> {
        let mut wrong = Vec::new();
        let folder = Folder::open(&settings.directory, settings.forbidden, &mut wrong)?;
        let headers = headers::read(folder.root(), &mut wrong)?;
        let redirects = redirects::read(folder.root(), settings.html_handling, &mut wrong)?;
        let assets = Self {
            folder,
            html_handling: settings.html_handling,
            not_found_handling: settings.not_found_handling,
            worker_first: settings.worker_first,
            has_worker: settings.has_worker,
            navigation: settings.navigation,
            headers,
            redirects,
        };
        Ok((assets, wrong))
    }

    /// The files that say how others are served.
    pub fn rules_files(&self) -> impl Iterator<Item = PathBuf> {
        folder::RULES.iter().map(|name| self.folder.root().join(name))
    }

    /// The folder, without symbolic links.
    pub fn directory(&self) -> &Path {
        self.folder.root()
    }

    /// Answers a client's request, or gives it back where it is for the script. The work is put down to `whose` account.
    pub async fn client(self: &Arc<Self>, request: Request, whose: Whose<'_>) -> ControlFlow<Response, Request> {
        if path::names_no_file(request.url.path()) {
            return if self.has_worker {
                ControlFlow::Continue(request)
            } else {
                ControlFlow::Break(respond(Some(Answer::Nothing(HeaderMap::new())), whose))
            };
        }
        let way = if self.has_worker {
            self.worker_first.way(request.url.path())
        } else {
            Way::Assets
        };
        let not_found = match way {
            Way::Worker => return ControlFlow::Continue(request),
            Way::Assets => self.not_found_handling,
            Way::Undecided => {
                let mode = request.headers.get("sec-fetch-mode");
                let navigates = mode.is_some_and(|mode| mode == "navigate");
                // Where rules say what the script's is, the rest is not, as wrangler has it.
                if matches!(self.worker_first, WorkerFirst::Rules { .. }) || self.navigation && navigates {
                    self.not_found_handling
                } else {
                    NotFoundHandling::None
                }
            }
        };
        match self.look(Ask::of(&request), not_found, whose).await {
            Some(Answer::Nothing(_)) if way == Way::Undecided => ControlFlow::Continue(request),
            answer => ControlFlow::Break(respond(answer, whose)),
        }
    }

    /// Answers a request of the script's own.
    pub async fn fetch(self: &Arc<Self>, request: &Request, whose: Whose<'_>) -> Response {
        respond(self.look(Ask::of(request), self.not_found_handling, whose).await, whose)
    }

    /// Looks for the file. Nothing where that fails in a way that it should not.
    async fn look(self: &Arc<Self>, ask: Ask, not_found: NotFoundHandling, whose: Whose<'_>) -> Option<Answer> {
        if path::names_no_file(ask.path()) {
            return Some(Answer::Nothing(HeaderMap::new()));
        }
        let assets = Arc::clone(self);
        reading(whose, move || assets.answer(&ask, not_found)).await
    }
}

fn respond(answer: Option<Answer>, whose: Whose<'_>) -> Response {
    answer.map_or_else(
        || Response::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error\n"),
        |answer| answer.into_response(whose),
    )
}
