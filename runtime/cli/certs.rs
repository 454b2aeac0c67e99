//! `workerd-lite certs`.

use std::io::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use comfy_table::{Table, presets};
use miette::{IntoDiagnostic as _, Result};

use super::args::Certs;
use crate::assembly::{Listed, list_certificates};
use crate::config::Flags;
use crate::keys::WARNING;

/// Prints every identity with the days that it holds. Exits with 1 where one cannot be used.
pub(super) fn run(args: Certs) -> Result<()> {
    let flags = Flags {
        config: args.config,
        ..Flags::default()
    };
    let listed = list_certificates(&flags)?;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["identity", "subject", "until", "days left", "state", "file"]);
    let mut usable = true;
    for certificate in &listed {
        usable &= !matches!(&certificate.dates, Some(Err(_)))
            && !matches!(&certificate.key, Some(Err(_)))
            && !matches!(state(certificate), "expired" | "not valid yet");
        table.add_row(row(certificate));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", table.trim_fmt()).into_diagnostic()?;
    if !usable {
        std::process::exit(1);
    }
    Ok(())
}

fn state(certificate: &Listed) -> &'static str {
    if let Some(key) = &certificate.key {
        return if key.is_ok() { "good" } else { "broken" };
    }
    match &certificate.dates {
        None => "issued to each agent when it is needed",
        Some(Err(_)) => "broken",
        Some(Ok(dates)) if dates.left() <= 0 => "expired",
        Some(Ok(dates)) if dates.starts_in() > 0 => "not valid yet",
        Some(Ok(dates)) if dates.left() < WARNING => "expires soon",
        Some(Ok(_)) => "good",
    }
}

fn row(certificate: &Listed) -> [String; 6] {
    let file = certificate
        .file
        .as_ref()
        .map_or_else(String::new, |file| file.display().to_string());
    let state = state(certificate);
    if let Some(key) = &certificate.key {
        let (kind, state) = match key {
            Ok(kind) => (format!("{} key on a token", kind.name()), state.to_owned()),
            Err(why) => (String::new(), format!("{state}: {why}")),
        };
        return [
            certificate.name.clone(),
            kind,
            String::new(),
            String::new(),
            state,
            file,
        ];
    }
    match &certificate.dates {
        Some(Ok(dates)) => {
            // What lies beyond 9999 can not be written so.
            let seconds = u64::try_from(dates.not_after).unwrap_or(0).min(253_402_300_799);
            let until = UNIX_EPOCH + Duration::from_secs(seconds);
            [
                certificate.name.clone(),
                dates.subject.clone(),
                humantime::format_rfc3339_seconds(until).to_string(),
                (dates.left() / (24 * 60 * 60)).to_string(),
                state.to_owned(),
                file,
            ]
        }
        Some(Err(why)) => [
            certificate.name.clone(),
            String::new(),
            String::new(),
            String::new(),
            format!("{state}: {why}"),
            file,
        ],
        None => [
            certificate.name.clone(),
            String::new(),
            String::new(),
            String::new(),
            state.to_owned(),
            file,
        ],
    }
}
