//! What stands for an agent that cannot be loaded, where the others are to be served all the same.

use std::io;

use crate::isolate::StartupError;
use crate::isolate::modules::{Confinement, Graph};

const SCRIPT: &str = "export default { fetch: () => new Response(\"Service Unavailable\\n\", { status: 503 }) };\n";

/// A script that answers every request with 503.
pub(super) fn unavailable() -> Result<Graph, StartupError> {
    let written = || {
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("unavailable.js");
        std::fs::write(&script, SCRIPT)?;
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
