//! The definitions of the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};

use crate::config::Flags;
use crate::listen::ListenAddress;
use crate::supervisor;

/// Runs code that an AI agent wrote: no credentials, no network, every fetch through its owner's outbound worker.
#[derive(Debug, Parser)]
#[command(name = "workerd-lite", version, propagate_version = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
    /// How log lines are written to standard error. RUST_LOG chooses which
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Pretty)]
    pub(super) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// One readable line each
    Pretty,
    /// One JSON object each
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve a worker over HTTP/1.1 and HTTP/2
    Serve(Serve),
    /// Run tests of agents and policy, offline, with a pretended internet
    Test(Test),
    /// Write a small project: an agent, its policy, a test and their configuration
    Init(Init),
    /// Write TypeScript's types for env, ctx and workerd-lite:* from the configuration
    Types(Types),
    /// Check configuration, rules, secrets, certificates and scripts without serving
    Check(Check),
    /// Print the JSON schema of workerd-lite.toml, for editors
    Schema,
    /// Print completions for a shell
    Completions(Completions),
    /// Print a page of the manual, for `man -l -`
    Man(Manual),
    /// List the certificates of a project, and the days that they still hold
    Certs(Certs),
}

// Not a documentation comment: clap would take it for the text of each command that has these.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Environment {
    /// The section of wrangler's files below `env` that holds, and .dev.vars.NAME; an empty NAME is the top level
    #[arg(short, long, value_name = "NAME", env = "CLOUDFLARE_ENV")]
    pub(super) env: Option<String>,
    /// Secrets that a service manager gives to the server, such as systemd's EnvironmentFile: they go before the environment's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) env_file: Option<PathBuf>,
    /// Leave out of `env`, with a warning, what wrangler's file binds and workerd-lite does not have (KV, R2 ...)
    #[arg(long)]
    pub(super) allow_missing_bindings: bool,
}

impl From<Environment> for Flags {
    fn from(environment: Environment) -> Self {
        Self {
            env: environment.env,
            env_file: environment.env_file,
            allow_missing_bindings: environment.allow_missing_bindings,
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Test {
    /// Files, folders or patterns [default: **/*.test.{js,mjs,ts,mts} and **/*-test.js]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(super) files: Vec<String>,
    /// Only tests whose name matches this regular expression
    #[arg(short = 't', long = "name", value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The configuration [default: those in this folder]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) environment: Environment,
    /// How results are written
    #[arg(long, value_enum, default_value_t = Format::Pretty)]
    pub(super) reporter: Format,
    /// Stop at the first failure
    #[arg(long)]
    pub(super) bail: bool,
    /// Files that run at once [default: one per core]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// How long a test may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time_out)]
    pub(super) timeout: humantime::Duration,
    /// Write what t.assert.snapshot() and t.assert.fileSnapshot() are given, instead of comparing it
    #[arg(short = 'u', long, alias = "test-update-snapshots")]
    pub(super) update_snapshots: bool,
    /// Tell which lines, branches and functions of agents and policy the tests run
    #[arg(long)]
    pub(super) coverage: bool,
    /// The same, and fail where they run less than this many percent of the lines
    #[arg(long, alias = "coverage-min-lines", value_name = "PERCENT", value_parser = percent)]
    pub(super) coverage_min: Option<f64>,
    /// The same of the branches: of both ways of an `if`, of ?:, of &&, || and ??, of cases, catch and defaults
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) coverage_min_branches: Option<f64>,
    /// The same of the functions
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) coverage_min_functions: Option<f64>,
    /// The same, and write it in lcov's format
    #[arg(long, value_name = "FILE")]
    pub(super) coverage_lcov: Option<PathBuf>,
    /// Attack the policy with hostile requests, instead of running test files; -t takes 'class > case'
    #[arg(long, conflicts_with_all = ["files", "bail", "threads", "timeout", "live", "update_snapshots", "coverage", "coverage_min", "coverage_min_branches",
        "coverage_min_functions", "coverage_lcov"])]
    pub(super) attack: bool,
    /// Change the policy, one operator at a time, and tell which changes neither tests nor attacks notice
    #[arg(long, conflicts_with_all = ["attack", "live", "coverage", "coverage_min", "coverage_min_branches", "coverage_min_functions", "coverage_lcov",
        "update_snapshots", "watch"])]
    pub(super) mutate: bool,
    /// The same, and fail where less than this many percent are noticed
    #[arg(long, value_name = "PERCENT", value_parser = percent, conflicts_with_all = ["attack", "live", "coverage", "coverage_min",
        "coverage_min_branches", "coverage_min_functions", "coverage_lcov", "update_snapshots", "watch"])]
    pub(super) mutate_min: Option<f64>,
    /// Tell all of it: --attack has ten lines of each class otherwise, --mutate only survivors
    #[arg(long)]
    pub(super) verbose: bool,
    /// Run again whenever a file changes
    #[arg(long)]
    pub(super) watch: bool,
    /// Let requests out to the network that no t.upstream() answers
    #[arg(long)]
    pub(super) live: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "a percentage lies between 0 and 100".into())
}

fn time_out(text: &str) -> Result<humantime::Duration, String> {
    let time: humantime::Duration = text
        .parse()
        .map_err(|error: humantime::DurationError| error.to_string())?;
    if time.is_zero() {
        return Err("a test needs some time: write one such as 5s".into());
    }
    Ok(time)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Pretty,
    /// The Test Anything Protocol
    Tap,
    /// JUnit's XML
    Junit,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for --attack
    Sarif,
}

impl Test {
    /// Whether anything asks for the coverage.
    pub(super) fn coverage_wanted(&self) -> bool {
        let minimums = [
            self.coverage_min,
            self.coverage_min_branches,
            self.coverage_min_functions,
        ];
        self.coverage || self.coverage_lcov.is_some() || minimums.iter().any(Option::is_some)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// Where [default: this folder]
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) folder: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Types {
    /// The configuration [default: those in this folder]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) environment: Environment,
    /// Where to [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Print what would be served as JSON: each agent with its hosts and its code's hash, the policy's hash, warnings and errors
    #[arg(long)]
    pub(super) json: bool,
    /// The agent's script [default: `main` of the configuration]
    pub(super) script: Option<PathBuf>,
    /// The outbound worker
    #[arg(long, value_name = "FILE")]
    pub(super) outbound: Option<PathBuf>,
    /// A wrangler file or a workerd-lite.toml [default: those beside the script]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) environment: Environment,
}

#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// Which
    pub(super) shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(super) struct Manual {
    /// Of which command [default: the program]
    pub(super) command: Option<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "command")]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Certs {
    /// The workerd-lite.toml [default: the one in this folder]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// The agent's script, an ES module [default: `main` of the configuration]
    pub(super) script: Option<PathBuf>,
    /// The outbound worker, which every request of the agent passes. Without one they are all denied
    #[arg(long, value_name = "FILE")]
    pub(super) outbound: Option<PathBuf>,
    /// A wrangler.jsonc, wrangler.json, wrangler.toml or workerd-lite.toml [default: those beside the script]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(flatten)]
    pub(super) environment: Environment,
    /// Where to listen: ADDRESS:PORT, NAME:PORT, :PORT for all addresses, unix:PATH[,mode=0660]; as often as wanted, and port 0 takes a
    /// free one [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Vec<ListenAddress>,
    /// The port, at the address of the configuration
    #[arg(long, value_name = "N", conflicts_with = "listen")]
    pub(super) port: Option<u16>,
    /// Worker threads, each with its own isolates [default: one per core]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// Load the project anew when a file of it changes
    #[arg(long)]
    pub(super) watch: bool,
    /// Let Chrome DevTools and other debuggers attach to agents and policy; scripts run on one thread
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:9229")]
    pub(super) inspect: Option<SocketAddr>,
    /// The same, and each script waits for a debugger and stops before its first statement
    #[arg(long, value_name = "ADDR", num_args = 0..=1, require_equals = true, default_missing_value = "127.0.0.1:9229", conflicts_with = "inspect")]
    pub(super) inspect_brk: Option<SocketAddr>,
    /// For authors: --watch, and clients read why a handler failed
    #[arg(long)]
    pub(super) dev: bool,
    /// For the program itself: the worker process, whose supervisor is on standard input
    #[arg(long = supervisor::FLAG, hide = true)]
    pub(super) supervised: bool,
}
