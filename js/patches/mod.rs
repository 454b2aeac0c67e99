//! Changes to deno's scripts where they differ from the standards, in the text that the crates ship. The crates are pinned; a
//! passage that is not there as often as its change says ends the build, so that each change is looked at again with a new version.

use std::collections::HashSet;

use deno_core::ExtensionFileSource;

mod blobs;
mod bodies;
mod cf;
mod console;
mod crypto;
mod events;
mod headers;
mod mime;
mod nesting;
mod performance;
mod ports;
mod requests;
mod stream_words;
mod streams;
mod urls;
mod words;

/// One passage of a script, and what takes its place.
struct Patch {
    specifier: &'static str,
    /// The passage, or how it begins.
    from: &'static str,
    /// What follows a passage of which only the beginning is named, and how many bytes it has up to there.
    until: Option<(&'static str, usize)>,
    to: &'static str,
    /// How often the passage is there.
    times: usize,
}

const fn patch(specifier: &'static str, from: &'static str, to: &'static str) -> Patch {
    each(1, specifier, from, to)
}

/// A passage that is there so many times.
const fn each(times: usize, specifier: &'static str, from: &'static str, to: &'static str) -> Patch {
    Patch {
        specifier,
        from,
        until: None,
        to,
        times,
    }
}

/// A long passage, named by its beginning, what follows it and its length.
const fn span(
    specifier: &'static str,
    from: &'static str,
    until: &'static str,
    length: usize,
    to: &'static str,
) -> Patch {
    Patch {
        specifier,
        from,
        until: Some((until, length)),
        to,
        times: 1,
    }
}

impl Patch {
    /// The whole passage.
    fn passage<'a>(&self, source: &'a str) -> &'a str
    where
        Self: 'a,
    {
        let Some((until, length)) = self.until else {
            return self.from;
        };
        let start = source.find(self.from).unwrap_or(source.len());
        let end = source[start..].find(until).map_or(start, |end| start + end);
        assert!(
            end - start == length,
            "{}: {} bytes:\n{}",
            self.specifier,
            end - start,
            self.from
        );
        &source[start..end]
    }
}

fn all() -> impl Iterator<Item = &'static Patch> {
    let each = [
        blobs::PATCHES,
        bodies::PATCHES,
        cf::PATCHES,
        console::PATCHES,
        crypto::PATCHES,
        events::PATCHES,
        headers::PATCHES,
        mime::PATCHES,
        nesting::PATCHES,
        performance::PATCHES,
        ports::PATCHES,
        requests::PATCHES,
        stream_words::PATCHES,
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
            let passage = patch.passage(&source);
            let found = source.matches(passage).count();
            assert!(
                found == patch.times,
                "{}: {found} times:\n{}",
                patch.specifier,
                patch.from
            );
            source = source.replace(passage, patch.to);
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
