//! One process that reads modules, as this one knows it.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::reader::ARGUMENT;
use super::wanted::is_wanted;
use super::wire::{self, Answer, Question};

/// How much longer than its processor time a question may take, on a machine with other work.
const PATIENCE: u32 = 10;

/// How often it is looked whether anybody still waits.
const LOOK: Duration = Duration::from_millis(100);

/// What is said where a process has not answered.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) why: String,
    /// The processor time that it can have taken.
    pub(super) took: Duration,
}

/// Said of what was given up.
const UNWANTED: &str = "nobody waits for it";

impl Lost {
    pub(super) fn unwanted() -> Self {
        Self {
            why: UNWANTED.to_owned(),
            took: Duration::ZERO,
        }
    }

    fn before(error: &io::Error) -> Self {
        Self {
            why: format!("no process can be had for it: {error}"),
            took: Duration::ZERO,
        }
    }
}

/// A process. It ends with this.
pub(super) struct Process {
    child: Child,
    questions: ChildStdin,
    answers: ChildStdout,
}

impl Process {
    pub(super) fn start() -> Result<Self, Lost> {
        // What runs, also where its file was exchanged.
        let program = if cfg!(target_os = "linux") {
            "/proc/self/exe".into()
        } else {
            std::env::current_exe().map_err(|error| Lost::before(&error))?
        };
        // By these it finds what was kept of modules.
        let folders = ["HOME", "XDG_CACHE_HOME", "WORKERD_LITE_CACHE_DIR"];
        let folders = folders.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = Command::new(program)
            .arg0("workerd-lite")
            .arg(ARGUMENT)
            .env_clear()
            .envs(folders)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Who stops the server from a terminal does not stop this before the server has.
            .process_group(0)
            .spawn()
            .map_err(|error| Lost::before(&error))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(questions), Some(answers)) => Ok(Self {
                child,
                questions,
                answers,
            }),
            _ => Err(Lost::before(&io::Error::other("it has no pipes"))),
        }
    }

    /// Asks it. Where that fails the process is of no further use.
    pub(super) fn ask(&mut self, question: &Question) -> Result<Answer, Lost> {
        let began = Instant::now();
        let allowed = Duration::from_secs(question.seconds());
        let answers = Until {
            from: &mut self.answers,
            until: began + allowed * PATIENCE,
        };
        let answer = wire::write(&mut self.questions, question)
            .and_then(|()| wire::read(answers, question.longest_answer()))
            .and_then(|answer| answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into()));
        answer.map_err(|error| Lost {
            why: self.why(&error, allowed),
            took: began.elapsed().min(allowed),
        })
    }

    /// Ends it, and says why it had to.
    fn why(&mut self, error: &io::Error, allowed: Duration) -> String {
        let too_long = format!("reading it takes more than {} s", allowed.as_secs());
        if error.kind() == io::ErrorKind::TimedOut {
            return too_long;
        }
        if error.kind() == io::ErrorKind::FileTooLarge {
            return "what is made of it is too large".to_owned();
        }
        if error.kind() == io::ErrorKind::ConnectionAborted {
            return UNWANTED.to_owned();
        }
        // Its pipe ends a moment before it does.
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return match status.signal() {
                    Some(signal) if signal == rustix::process::Signal::XCPU.as_raw() => too_long,
                    Some(_) => "it is nested too deeply, or takes too much memory".to_owned(),
                    None => "the process that was to read it has ended".to_owned(),
                };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        format!("the process that was to read it does not answer: {error}")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads from a pipe up to a time.
struct Until<'a> {
    from: &'a mut ChildStdout,
    until: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if !is_wanted() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            let wait = Timespec::try_from(left.min(LOOK)).map_err(io::Error::other)?;
            let mut ready = [PollFd::new(&*self.from, PollFlags::IN)];
            if poll(&mut ready, Some(&wait))? > 0 {
                return self.from.read(into);
            }
        }
    }
}
