//! The thread that starts the process that holds keys, and another in its place where it ends.

use std::io::{self, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::client::{Running, Shared};
use crate::boundary::sandbox::Layer;
use crate::boundary::{Spawned, start_with_keys};

/// How many questions are asked at once.
const LINKS: usize = 8;

/// A process that ends sooner, or does not start, is replaced after a pause that grows from the first to the longest one.
const SHORT: Duration = Duration::from_secs(1);
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);

/// Starts the thread, and waits until the process is there.
pub(super) fn start(shared: Arc<Shared>, allow_missing: Vec<Layer>) -> Result<(), String> {
    let (first, begun) = mpsc::channel();
    let keep = move || match begin(&shared, &allow_missing) {
        Ok(process) => {
            let _ = first.send(Ok(()));
            keep(&shared, &allow_missing, process);
        }
        Err(why) => drop(first.send(Err(why))),
    };
    let thread = std::thread::Builder::new().name("key-process".into()).spawn(keep);
    thread.map_err(|error| error.to_string())?;
    begun
        .recv()
        .unwrap_or_else(|_| Err("it ended before it was ready".into()))
}

/// Nothing where nobody needs it any longer.
fn begin(shared: &Shared, allow_missing: &[Layer]) -> Result<Option<std::process::Child>, String> {
    let Spawned {
        mut process,
        pidfd,
        control,
        output,
        links,
        ..
    } = start_with_keys(LINKS, allow_missing)?;
    let links = links.into_iter().map(|link| {
        link.set_read_timeout(Some(Shared::patience()))?;
        link.set_write_timeout(Some(Shared::patience()))?;
        Ok(link)
    });
    let links: io::Result<Vec<_>> = links.collect();
    let links = links.map_err(|error| error.to_string())?;
    // A panic's words. It says nothing else.
    let _ = std::thread::Builder::new()
        .name("key-process-log".into())
        .spawn(move || {
            let mut text = String::new();
            let _ = output.take(4096).read_to_string(&mut text);
            if !text.trim().is_empty() {
                tracing::warn!("the process that holds keys writes: {}", text.trim().escape_debug());
            }
        });
    let running = Running {
        pidfd,
        _control: control,
    };
    if shared.begins(running, links) {
        return Ok(Some(process));
    }
    // Its end of the control socket has ended, and it with that.
    let _ = process.wait();
    Ok(None)
}

fn keep(shared: &Shared, allow_missing: &[Layer], first: Option<std::process::Child>) {
    let (mut next, mut pause) = (first, FIRST);
    while let Some(mut process) = next {
        let began = Instant::now();
        let status = process.wait();
        if !shared.ended(None) {
            return;
        }
        let how = match status {
            Ok(status) => match status.signal() {
                Some(signal) => format!("by signal {signal}"),
                None => status.to_string(),
            },
            Err(error) => error.to_string(),
        };
        tracing::error!("the process that holds keys has ended: {how}; another is started");
        if began.elapsed() > SHORT {
            pause = FIRST;
        } else {
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST);
        }
        next = loop {
            match begin(shared, allow_missing) {
                Ok(process) => break process,
                Err(why) => {
                    tracing::error!("the process that holds keys does not start: {why}");
                    if !shared.ended(Some(why)) {
                        return;
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST);
                }
            }
        };
    }
}
