//! Static assets of wrangler's file: which files are served, at which paths, with which headers, and before or after the script.

mod confined;
mod files;
mod html;
mod rules;

use crate::harness::{Project, Server};

/// Says that the script was asked, and asks for files by `/fetch?` and a URL's path.
pub(crate) const SCRIPT: (&str, &str) = (
    "worker.js",
    r#"
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/fetch") {
      const response = await env.ASSETS.fetch(new Request("https://any.test" + decodeURIComponent(url.search.slice(1)), { redirect: "manual" }));
      return new Response(await response.text(), { status: response.status, headers: response.headers });
    }
    return new Response(`script ${request.method} ${url.pathname}`);
  },
};
"#,
);

/// A project with these fields of `assets`, and these files.
pub(crate) fn project(assets: &str, files: &[(&str, &str)]) -> Project {
    let wrangler = format!(
        r#"{{ "name": "w", "main": "worker.js", "assets": {{ "directory": "public", "binding": "ASSETS"{assets} }} }}"#
    );
    let project = Project::new(&[SCRIPT, ("wrangler.jsonc", &wrangler)]);
    for (name, text) in files {
        project.write(&format!("public/{name}"), text);
    }
    project
}

/// The status, and where it leads or what it has.
pub(crate) fn seen(server: &Server, path: &str) -> String {
    let answer = server.curl(path, &["--path-as-is", "-g"]);
    let location = answer.headers.lines().find_map(|line| line.strip_prefix("location: "));
    format!("{} {}", answer.status, location.unwrap_or(&answer.body))
}

#[track_caller]
pub(crate) fn all(server: &Server, cases: &[(&str, &str)]) {
    for (path, expected) in cases {
        assert_eq!(seen(server, path), *expected, "{path}");
    }
}
