//! `workerd-lite init`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use miette::{IntoDiagnostic as _, Result, WrapErr as _, miette};

use super::args::Init;

const FILES: [(&str, &str); 6] = [
    (
        "workerd-lite.toml",
        include_str!("../../fixtures/init/workerd-lite.toml"),
    ),
    ("agent.js", include_str!("../../fixtures/init/agent.js")),
    ("outbound.js", include_str!("../../fixtures/init/outbound.js")),
    ("outbound.test.js", include_str!("../../fixtures/init/outbound.test.js")),
    (".dev.vars", include_str!("../../fixtures/init/dev.vars")),
    (".gitignore", include_str!("../../fixtures/init/gitignore")),
];

/// Writes a small project. A file that is there already is left as it is, and nothing is written.
pub(super) fn run(args: &Init) -> Result<()> {
    let folder = args.folder.as_deref().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .into_diagnostic()
        .wrap_err_with(|| format!("the folder {} can not be made", folder.display()))?;
    if let Some((name, _)) = FILES.iter().find(|(name, _)| folder.join(name).exists()) {
        return Err(miette!(
            help = "Choose an empty folder: workerd-lite init my-project",
            "{} is there already",
            folder.join(name).display()
        ));
    }
    for (name, text) in FILES {
        // The file of secrets is its owner's alone.
        let mode = if name == ".dev.vars" { 0o600 } else { 0o644 };
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(folder.join(name))
            .into_diagnostic()
            .wrap_err_with(|| format!("{} can not be written", folder.join(name).display()))?;
        file.write_all(text.as_bytes())
            .into_diagnostic()
            .wrap_err_with(|| format!("{} can not be written", folder.join(name).display()))?;
    }
    let mut out = std::io::stdout().lock();
    let at = folder.display();
    writeln!(
        out,
        "A project is in {at}:\n  cd {at}\n  workerd-lite test\n  workerd-lite serve --dev"
    )
    .into_diagnostic()
}
