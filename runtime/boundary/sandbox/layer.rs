//! The layers by name, and which of them are in force.

use std::fmt;
use std::io;

/// A layer that a kernel may lack, as `[isolation] allow_missing` names it. What every Linux has is none of these: no new
/// privileges, no capability, limits of resources, closed descriptors.
#[derive(
    Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// User, mount, network, process, IPC, host name and cgroup namespaces of its own, with an empty root.
    Namespaces,
    /// Landlock with no path, no port, and no signal or abstract socket outside.
    Landlock,
    /// The filter of system calls.
    Seccomp,
}

impl Layer {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Namespaces, Self::Landlock, Self::Seccomp];

    /// As settings name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which layers a process is in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Those that are in force.
    pub in_force: Vec<Layer>,
    /// Those that the kernel refused, and that it may go without; with what the kernel said.
    pub missing: Vec<(Layer, String)>,
    /// Of Landlock, whether all that this program asks for is in force: older kernels know less of it.
    pub landlock_in_full: bool,
}

impl Report {
    /// Whether this layer is in force.
    #[must_use]
    pub fn has(&self, layer: Layer) -> bool {
        self.in_force.contains(&layer)
    }
}

/// Why a process is not in the sandbox.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Not Linux.
    #[error("agents have processes of their own on Linux only: set `[isolation] agents = \"isolate\"`")]
    System,
    /// Landlock and a user namespace are for the thread that asks for them.
    #[error("the sandbox is entered before other threads start, and {0} run already")]
    Threads(usize),
    /// The kernel refused what a layer needs.
    #[error(
        "the kernel refuses {step}: {source}. Agents' processes would run without the layer `{layer}`; to go without it, set \
         `[isolation] allow_missing = [\"{layer}\"]`"
    )]
    Layer {
        /// The layer.
        layer: Layer,
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// What every Linux lets a process do failed.
    #[error("{step}: {source}")]
    Step {
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A step towards a layer, and what the kernel said of it.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) step: &'static str,
    pub(super) source: io::Error,
}

impl Failed {
    /// For `map_err`.
    pub(super) fn at<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self {
            step,
            source: source.into(),
        }
    }
}

impl From<Failed> for Refused {
    fn from(Failed { step, source }: Failed) -> Self {
        Self::Step { step, source }
    }
}
