//! `mock.module()` of a test file: which module of its graph a specifier names there, and what is in its place.

use deno_core::url::Url;

use super::graph::Graph;
use super::mocked::Exports;
use super::resolve::{is_builtin, resolve};

impl Graph {
    /// Puts exports in the place of what a specifier names in the module `caller`, for imports from now on. Gives the number
    /// that the exports are kept by, and the URL of what is mocked.
    pub(crate) fn mock(&self, specifier: &str, caller: &str, exports: Exports) -> Result<(u64, Url), String> {
        let url = self.mockable(specifier, caller).ok_or_else(|| {
            format!(
                "mock.module({specifier:?}): neither this test file nor a module that it imports imports that. Agents and the policy \
                 run in isolates of their own, in which no module is mocked: use t.upstream(), t.env() and t.outbound() for them"
            )
        })?;
        Ok((self.mocked.mock(&url, exports), url))
    }

    /// Ends that. Imports have the module itself again.
    pub(crate) fn unmock(&self, url: &Url) {
        self.mocked.unmock(url);
    }

    /// What an import of this module has: the module, or what is in its place.
    pub(in crate::isolate) fn mocked(&self, url: Url) -> Url {
        self.mocked.instead(url)
    }

    /// The number of what `require()` has in a module's place.
    pub(super) fn mock_number(&self, url: &Url) -> Option<u64> {
        self.mocked.number(url)
    }

    /// The source of what is in a module's place.
    pub(in crate::isolate) fn mock_source(&self, url: &Url) -> Option<String> {
        self.mocked.source(url)
    }

    fn mockable(&self, specifier: &str, caller: &str) -> Option<Url> {
        if is_builtin(specifier) {
            return Url::parse(specifier).ok();
        }
        let mut caller = Url::parse(caller).unwrap_or_else(|_| self.main().clone());
        caller.set_query(None);
        let plain = |mut url: Url| {
            url.set_query(None);
            url
        };
        if let Some(Ok(url)) = self
            .resolved(specifier, &caller)
            .or_else(|| self.required(specifier, &caller))
        {
            return Some(plain(url.clone()));
        }
        let wanted = resolve(specifier, &caller).ok();
        if let Some(url) = wanted.as_ref().filter(|url| self.by_url(url.as_str()).is_some()) {
            return Some(url.clone());
        }
        // As others import it: a package by its name, a file without its extension.
        self.edges().find_map(|(referrer, named, target)| {
            let same = match &wanted {
                None => named == specifier,
                Some(wanted) => resolve(named, &Url::parse(referrer).ok()?).is_ok_and(|url| url == *wanted),
            };
            same.then(|| plain(target.clone()))
        })
    }
}
