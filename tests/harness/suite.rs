//! Suites of others, of which `make test` runs a part: what is to run, and servers with an agent for each file.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Project, Server, program};

/// What is to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    /// The part that `make test` runs.
    Ci,
    All,
    /// What has one of these names.
    Named(Vec<String>),
}

impl Choice {
    /// What a variable of the environment says: nothing, `all`, or names with spaces between.
    pub fn of_environment(variable: &str) -> Self {
        match std::env::var(variable).as_deref() {
            Err(_) | Ok("") => Self::Ci,
            Ok("all") => Self::All,
            Ok(names) => Self::Named(names.split_whitespace().map(ToOwned::to_owned).collect()),
        }
    }

    /// Whether a file is to run, which `is_called` tells of names.
    pub fn has(&self, in_ci: bool, is_called: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Ci => in_ci,
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| is_called(name)),
        }
    }
}

/// Runs batches of so many. In `make test` other tests run beside this one.
pub fn in_batches<T: Sync, R: Send>(
    items: &[T],
    size: usize,
    choice: &Choice,
    run: impl Fn(&[T]) -> Vec<R> + Sync,
) -> Vec<R> {
    if let Choice::Named(names) = choice {
        assert!(!items.is_empty(), "nothing of the suite is called one of {names:?}");
    }
    let batches: Vec<&[T]> = items.chunks(size).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let servers = if *choice == Choice::Ci { 1 } else { 2 };
    std::thread::scope(|scope| {
        for _ in 0..servers {
            scope.spawn(|| {
                while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcomes = run(batch);
                    done.lock().unwrap().extend(outcomes);
                }
            });
        }
    });
    done.into_inner().unwrap()
}

/// A server of this configuration, which is written to a folder by its name.
pub fn serve(folder: &Path, name: &str, config: &str) -> Server {
    std::fs::write(folder.join(name), config).unwrap();
    let mut command = Command::new(program());
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--config", name])
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .env_remove("CLOUDFLARE_ENV")
        .env("WORKERD_LITE_CACHE_DIR", "")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    Project::start(command)
}
