//! Questions and answers on their way: a length of four bytes, and JSON.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::carried::{CarriedConfinement, CarriedGiven, CarriedGraph, CarriedPath};
use crate::diagnostic::Shipped;
use crate::isolate::modules::node_modules::NodeModules;

/// The most memory that a question may take beside the stack, in bytes.
pub(super) const MOST_MEMORY: u64 = 1536 << 20;

/// The stack, in bytes, which is only reserved: it may have it beside what the program has at its start and what a question allows.
pub(super) const STACK: u64 = 512 << 20;

/// The longest question, in bytes. What may be given is far less.
pub(super) const LONGEST_QUESTION: usize = 256 << 20;

/// What is to be read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Question {
    /// A script, and all that it imports.
    Load {
        main: CarriedPath,
        confinement: Box<CarriedConfinement>,
    },
    /// Modules that are given.
    Given {
        modules: Vec<CarriedGiven>,
        main: String,
        node: NodeModules,
    },
}

/// What was read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) read: Result<CarriedGraph, Shipped>,
    /// The processor time of it.
    pub(super) took: Duration,
    /// Files that were looked for.
    pub(super) noted: Vec<CarriedPath>,
}

const MIB: usize = 1 << 20;

impl Question {
    /// The processor time that it may take, in seconds.
    pub(super) fn seconds(&self) -> u64 {
        match self {
            // Whole folders of packages.
            Self::Load { .. } => 60,
            Self::Given { .. } => seconds(self.length()),
        }
    }

    /// The memory that it may take beside the stack, in bytes.
    pub(super) fn memory(&self) -> u64 {
        match self {
            Self::Load { .. } => MOST_MEMORY,
            Self::Given { .. } => MOST_MEMORY.min(256 * MIB as u64 + 32 * self.length() as u64),
        }
    }

    /// All that its process may take for it, in bytes.
    pub(super) fn most_memory(&self) -> u64 {
        STACK + self.memory()
    }

    /// How long its answer may be, in bytes: scripts, what they were made of, and source maps.
    pub(super) fn longest_answer(&self) -> usize {
        match self {
            Self::Load { .. } => 512 * MIB,
            Self::Given { .. } => 8 * MIB + 16 * self.length(),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Load { .. } => 0,
            Self::Given { modules, .. } => modules.iter().map(CarriedGiven::length).sum(),
        }
    }
}

/// The processor time that modules of so many bytes may take, in seconds.
pub(super) fn seconds(bytes: usize) -> u64 {
    2 + (bytes / MIB) as u64
}

/// Writes one.
pub(super) fn write(mut to: impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&bytes)?;
    to.flush()
}

/// Reads one that is no longer than that. Nothing where there is none.
pub(super) fn read<T: DeserializeOwned>(mut from: impl Read, longest: usize) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > longest {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too long"));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}
