//! `workerd-lite man`.

use std::io::Write as _;
use std::path::Path;

use clap_mangen::Man;
use miette::{IntoDiagnostic as _, Result, WrapErr as _, miette};

use super::args::Manual;

/// What the definitions of the command line do not say.
const MORE: &str = include_str!("man.roff");

/// Of a command's page.
const SEE_ALSO: &str = ".SH SEE ALSO\n.BR workerd\\-lite (1)\n";

/// Prints a page for `man -l -`, or writes all of them into a folder.
pub(super) fn run(args: &Manual, mut program: clap::Command) -> Result<()> {
    program.build();
    if let Some(folder) = &args.dir {
        return write_all(&program, folder);
    }
    let page = match &args.command {
        None => page(&program)?,
        Some(name) => match subcommands(&program).find(|command| command.get_name() == name) {
            Some(command) => page(command)?,
            None => return Err(miette!("there is no command {name}")),
        },
    };
    // Whoever reads it may have read enough.
    let _ = std::io::stdout().write_all(&page);
    Ok(())
}

fn subcommands(program: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    program
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
}

/// What `man` looks for: `workerd-lite.1`, `workerd-lite-serve.1`.
fn write_all(program: &clap::Command, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).into_diagnostic()?;
    for command in std::iter::once(program).chain(subcommands(program)) {
        let file = folder.join(Man::new(command.clone()).get_filename());
        std::fs::write(&file, page(command)?)
            .into_diagnostic()
            .wrap_err_with(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    // Of a subcommand the page is `workerd-lite-serve`, and not `serve`.
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    Man::new(command.clone().name(name))
        .manual("workerd-lite")
        .render(&mut page)
        .into_diagnostic()?;
    let more = if command.has_subcommands() { MORE } else { SEE_ALSO };
    page.extend_from_slice(more.as_bytes());
    Ok(page)
}
