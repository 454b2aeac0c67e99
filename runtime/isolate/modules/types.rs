//! Types that modules of TypeScript export. `export { Name } from "./types"` does not say whether it means one, and a module that is
//! compiled by itself keeps it: as with bundlers such a name is undefined when the worker runs.

use std::collections::{BTreeMap, BTreeSet};

use deno_core::url::Url;

use super::load::Loading;
use super::module::Content;

impl Loading<'_> {
    /// Gives modules the names of their types that others of TypeScript name.
    pub(super) fn add_types(&mut self) {
        let mut wanted = BTreeMap::<Url, BTreeSet<&str>>::new();
        for (target, file, _, import) in &self.importers {
            let extension = file.extension().and_then(|extension| extension.to_str());
            if import.source || !matches!(extension, Some("ts" | "tsx" | "mts" | "cts")) {
                continue;
            }
            if let Some(types) = self.types.get(target) {
                let names = import.names.iter().filter(|name| types.contains(*name));
                wanted
                    .entry(target.clone())
                    .or_default()
                    .extend(names.map(String::as_str));
            }
        }
        for (target, names) in wanted {
            let module = self.modules.get_mut(target.as_str());
            if let Some(Content::Script(code)) = module.map(|module| &mut module.content) {
                add(code, &names);
            }
        }
    }
}

/// Exports these names, behind the last line.
fn add(code: &mut String, names: &BTreeSet<&str>) {
    if names.is_empty() {
        return;
    }
    let mut local = "_type".to_owned();
    while code.contains(&local) {
        local.push('_');
    }
    let exports: Vec<_> = names.iter().map(|name| format!("{local} as {name}")).collect();
    code.extend([&*format!("\nlet {local}; export {{ "), &*exports.join(", "), " };"]);
}
