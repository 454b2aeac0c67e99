//! Changes to deno's scripts where they differ from the standards, in the text that the crates ship. The crates are pinned; a
//! passage that is not there exactly once ends the build, so that each change is looked at again with a new version.

use std::collections::HashSet;

use deno_core::ExtensionFileSource;

mod blobs;
mod bodies;
mod cf;
mod console;
mod crypto;
mod events;
mod mime;
mod nesting;
mod performance;
mod ports;
mod streams;
mod urls;
mod words;

/// One passage of a script, and what takes its place.
struct Patch {
    specifier: &'static str,
    from: &'static str,
    to: &'static str,
}

const fn patch(specifier: &'static str, from: &'static str, to: &'static str) -> Patch {
    Patch { specifier, from, to }
}

fn all() -> impl Iterator<Item = &'static Patch> {
    let each = [
        blobs::PATCHES,
        bodies::PATCHES,
        cf::PATCHES,
        console::PATCHES,
        crypto::PATCHES,
        events::PATCHES,
        mime::PATCHES,
        nesting::PATCHES,
        performance::PATCHES,
        ports::PATCHES,
        streams::PATCHES,
        urls::PATCHES,
        words::PATCHES,
    ];
    each.into_iter().flatten()
}

/// The changes, and which of them were made.
#[derive(Default)]
pub(crate) struct Patches {
    made: HashSet<usize>,
}

impl Patches {
    /// The scripts with their changes.
    pub(crate) fn apply(&mut self, scripts: &[ExtensionFileSource]) -> Vec<ExtensionFileSource> {
        scripts.iter().map(|script| self.apply_one(script)).collect()
    }

    fn apply_one(&mut self, script: &ExtensionFileSource) -> ExtensionFileSource {
        let mut patches = all()
            .enumerate()
            .filter(|(_, patch)| patch.specifier == script.specifier)
            .peekable();
        if patches.peek().is_none() {
            return script.clone();
        }
        let mut source = script
            .load()
            .expect("an extension's script can be read")
            .as_str()
            .to_owned();
        for (number, patch) in patches {
            let found = source.matches(patch.from).count();
            assert!(found == 1, "{}: {found} times:\n{}", patch.specifier, patch.from);
            source = source.replacen(patch.from, patch.to, 1);
            self.made.insert(number);
        }
        ExtensionFileSource::new_computed(script.specifier, source.into())
    }

    /// Every change has found its script.
    pub(crate) fn finish(self) {
        for (number, patch) in all().enumerate() {
            assert!(self.made.contains(&number), "{} is not there", patch.specifier);
        }
    }
}
