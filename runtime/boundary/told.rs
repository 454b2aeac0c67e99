//! What an agent's process tells its parent beside its answers: lines of logs, numbers, and what became of it. And what it is told first. Each is
//! a packet: its length, and JSON.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::codec::LengthDelimitedCodec;

use crate::diagnostic::Shipped;

/// The longest report, in bytes: a line of the log is cut at 16 KiB, and JSON may write a byte as six.
pub(super) const LONGEST_REPORT: usize = 128 << 10;

/// The longest specification, in bytes.
pub(super) const LONGEST_SPEC: usize = 1 << 30;

/// One report.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// It is confined, and knows its agents.
    Ready,
    /// It could not be confined, or makes nothing of what it was told.
    Refused(String),
    /// The policy that it is for could not be started.
    Failed(Shipped),
    /// A line of the log.
    Line {
        level: Level,
        /// Whether a script wrote it, or the host's part of the process.
        console: bool,
        /// Whose it is, by its place among the process's agents.
        agent: Option<u16>,
        /// The tenant and the name of the agent for which a policy has written it.
        caller: Option<(Option<String>, String)>,
        request_id: Option<String>,
        text: String,
    },
    /// So many lines had no room.
    Dropped(u64),
    /// What is counted of an agent.
    Numbers(u16, Numbers),
    /// Others have waited so many microseconds while the policy worked for an agent, of this tenant and name.
    HeldUp((Option<String>, String), u64),
    /// A thread does not come back from an agent that was stopped, and why it was, in [`workerd_lite_ops::Termination`]'s word.
    Hung { agent: Option<u16>, why: String },
}

/// Hears what a process tells.
pub(crate) trait Hears: Send + Sync {
    /// It tells something. What is not believable is to be left out.
    fn told(&self, told: Told);

    /// It is there no longer.
    fn gone(&self);
}

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// One agent's numbers in its process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Numbers {
    /// Isolates, their heaps and what is outside of them, in bytes.
    pub(crate) isolates: usize,
    pub(crate) heap: usize,
    pub(crate) buffers: usize,
    /// Events that are not over.
    pub(crate) events: usize,
    /// Isolates that were stopped since the process began, by why.
    pub(crate) stopped: [u64; 8],
}

impl Numbers {
    /// The most of anything: sums of them are numbers still.
    const MOST: usize = 1 << 40;

    /// The same, where a process may have made them up.
    pub(crate) fn bounded(self) -> Self {
        Self {
            isolates: self.isolates.min(Self::MOST),
            heap: self.heap.min(Self::MOST),
            buffers: self.buffers.min(Self::MOST),
            events: self.events.min(Self::MOST),
            stopped: self.stopped,
        }
    }
}

/// Packets with their length before them, of which none is longer than a report may be.
pub(crate) fn reports() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .max_frame_length(LONGEST_REPORT)
        .new_codec()
}

/// The same for a specification.
pub(super) fn specification() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .max_frame_length(LONGEST_SPEC)
        .new_codec()
}

/// Waits for one packet, which is no longer than that.
pub(super) fn receive<T: DeserializeOwned>(mut from: impl Read, longest: usize) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > longest {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut packet = Vec::new();
    from.take(length as u64).read_to_end(&mut packet)?;
    if packet.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&packet)?)
}

/// Writes one packet.
pub(super) fn send(mut to: impl Write, what: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(what)?;
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(&text)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use tokio_util::codec::Decoder as _;

    use super::*;

    #[test]
    fn packets_are_read_as_they_were_written_by_who_waits_and_by_who_does_not() {
        let mut packet = Vec::new();
        send(&mut packet, &Told::Dropped(7)).unwrap();
        assert!(matches!(
            receive(&packet[..], LONGEST_REPORT).unwrap(),
            Told::Dropped(7)
        ));
        let frame = reports().decode(&mut BytesMut::from(&packet[..])).unwrap().unwrap();
        assert!(matches!(serde_json::from_slice(&frame).unwrap(), Told::Dropped(7)));
        for cut in 0..packet.len() {
            assert!(receive::<Told>(&packet[..cut], LONGEST_REPORT).is_err(), "{cut}");
        }
        assert!(receive::<Told>(&packet[..], packet.len() - 5).is_err(), "too long");
    }
}
