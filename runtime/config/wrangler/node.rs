//! What a worker has of Node.js, by its compatibility date and flags:
//! <https://developers.cloudflare.com/workers/configuration/compatibility-flags/#nodejs-compatibility-flag>.

/// The date from which Node's modules are there by themselves.
const FROM: &str = "2026-08-04";

/// The date from which `process.env` holds a worker's vars by itself.
const ENVIRONMENT_FROM: &str = "2025-04-01";

/// What there is of Node.js.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    modules: bool,
    async_hooks: bool,
    environment: bool,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            modules: true,
            async_hooks: false,
            environment: true,
        }
    }
}

impl Node {
    /// By a date, which is the newest where there is none, and flags. A flag that turns something off goes before one that turns it on.
    pub(crate) fn of(date: Option<&str>, flags: &[String]) -> Self {
        let has = |flag: &str| flags.iter().any(|given| given == flag);
        let since = |from: &str| date.is_none_or(|date| date >= from);
        let on = since(FROM) || has("nodejs_compat") || has("nodejs_compat_v2");
        let fills = since(ENVIRONMENT_FROM) || has("nodejs_compat_populate_process_env");
        Self {
            modules: on && !has("no_nodejs_compat"),
            async_hooks: has("nodejs_als") && !has("no_nodejs_als"),
            environment: fills && !has("nodejs_compat_do_not_populate_process_env"),
        }
    }

    /// Whether its modules and globals are there.
    pub(crate) const fn has_modules(self) -> bool {
        self.modules
    }

    /// Whether `node:async_hooks` is there where the others are not.
    pub(crate) const fn has_async_hooks(self) -> bool {
        self.async_hooks
    }

    /// Whether `process.env` holds the worker's vars.
    pub(crate) const fn fills_environment(self) -> bool {
        self.environment
    }
}

#[cfg(test)]
mod tests {
    use super::Node;

    #[test]
    fn the_date_and_flags_decide() {
        for (date, flags, modules, environment) in [
            (None, &[][..], true, true),
            (Some("2026-08-04"), &[], true, true),
            (Some("2026-08-03"), &[], false, true),
            (Some("2024-01-01"), &["nodejs_compat"], true, false),
            (
                Some("2024-01-01"),
                &["nodejs_compat", "nodejs_compat_populate_process_env"],
                true,
                true,
            ),
            (None, &["no_nodejs_compat"], false, true),
            (None, &["nodejs_compat_do_not_populate_process_env"], true, false),
        ] {
            let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            let node = Node::of(date, &flags);
            assert_eq!(
                (node.has_modules(), node.fills_environment()),
                (modules, environment),
                "{date:?} {flags:?}"
            );
        }
        for (flags, hooks) in [
            (&["nodejs_als"][..], true),
            (&[], false),
            (&["nodejs_als", "no_nodejs_als"], false),
        ] {
            let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            assert_eq!(Node::of(Some("2024-01-01"), &flags).has_async_hooks(), hooks);
        }
    }
}
