//! What stands for a script that is not there: of an agent that cannot be loaded, where the others are to be served all the same, and of one
//! that has files alone.

use std::io;

use crate::isolate::StartupError;
use crate::isolate::modules::{Confinement, Graph};

const UNAVAILABLE: &str =
    "export default { fetch: () => new Response(\"Service Unavailable\\n\", { status: 503 }) };\n";
const FILES_ONLY: &str = "export default { fetch: () => new Response(null, { status: 404 }) };\n";

/// A script that answers every request with 503.
pub(super) fn unavailable() -> Result<Graph, StartupError> {
    stand_in("unavailable.js", UNAVAILABLE)
}

/// A script for an agent that has none, as its files answer all requests.
pub(super) fn files_only() -> Result<Graph, StartupError> {
    stand_in("assets.js", FILES_ONLY)
}

fn stand_in(name: &str, text: &str) -> Result<Graph, StartupError> {
    let written = || {
        let folder = tempfile::tempdir()?;
        let script = folder.path().join(name);
        std::fs::write(&script, text)?;
        io::Result::Ok((folder, script))
    };
    let (folder, script) =
        written().map_err(|error| StartupError::new(format!("no script can be put in an agent's place: {error}")))?;
    let confinement = Confinement {
        root: folder.path().to_owned(),
        ..Confinement::default()
    };
    Graph::load(&script, &confinement)
}
