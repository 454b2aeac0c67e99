//! What a worker has otherwise than by the newest compatibility date:
//! <https://developers.cloudflare.com/workers/configuration/compatibility-flags/>.

/// One behaviour that a flag decides, or the date where there is none.
struct Behaviour {
    on: &'static str,
    off: &'static str,
    /// The date from which it is on by itself.
    from: Option<&'static str>,
}

const fn behaviour(on: &'static str, off: &'static str, from: Option<&'static str>) -> Behaviour {
    Behaviour { on, off, from }
}

/// Those that are honoured, by `js/worker/compatibility.js`. docs/conformance.md lists them.
const BEHAVIOURS: &[Behaviour] = &[
    behaviour("global_navigator", "no_global_navigator", Some("2022-03-21")),
    behaviour(
        "http_headers_getsetcookie",
        "no_http_headers_getsetcookie",
        Some("2023-03-01"),
    ),
    behaviour(
        "urlsearchparams_delete_has_value_arg",
        "no_urlsearchparams_delete_has_value_arg",
        Some("2023-07-01"),
    ),
    behaviour(
        "upper_case_all_http_methods",
        "no_upper_case_all_http_methods",
        Some("2024-10-14"),
    ),
    behaviour("cache_option_enabled", "cache_option_disabled", Some("2024-11-11")),
    behaviour("cache_no_cache_enabled", "cache_no_cache_disabled", Some("2025-08-07")),
    behaviour("enable_weak_ref", "disable_weak_ref", Some("2025-05-05")),
    // By `runtime/isolate/code_generation.rs`, too.
    behaviour(
        "allow_eval_during_startup",
        "disallow_eval_during_startup",
        Some("2025-06-01"),
    ),
    behaviour(
        "enable_navigator_language",
        "disable_navigator_language",
        Some("2025-05-19"),
    ),
    // workerd's own names, of which one is misspelt.
    behaviour(
        "bind_asynclocalstorage_snapshot_to_request",
        "do_not_bind_asynclocalstorage_snapshot_to-request",
        Some("2025-06-16"),
    ),
    behaviour(
        "expose_global_message_channel",
        "no_expose_global_message_channel",
        Some("2025-08-15"),
    ),
    behaviour(
        "websocket_standard_binary_type",
        "no_websocket_standard_binary_type",
        Some("2026-03-17"),
    ),
    // Every `fetch()` is the policy's: scripts want to know.
    behaviour("global_fetch_strictly_public", "", None),
    behaviour("html_rewriter_treats_esi_include_as_void_tag", "", None),
    behaviour("streams_no_default_auto_allocate_chunk_size", "", None),
];

/// The flags that are in force and would not be by the newest date without any. A flag that turns something off goes before one that
/// turns it on.
pub(crate) fn differences(date: Option<&str>, flags: &[String]) -> Vec<String> {
    let has = |flag: &str| flags.iter().any(|given| given == flag);
    let differing = BEHAVIOURS.iter().filter_map(|Behaviour { on, off, from }| {
        let by_date = from.is_some_and(|from| date.is_none_or(|date| date >= from));
        let is_on = (by_date || has(on)) && !has(off);
        match (is_on, from) {
            (false, Some(_)) => Some((*off).to_owned()),
            (true, None) => Some((*on).to_owned()),
            _ => None,
        }
    });
    differing.collect()
}

/// Whether a flag is one that is honoured here.
pub(super) fn is_honoured(flag: &str) -> bool {
    let mut all = BEHAVIOURS.iter();
    all.any(|behaviour| behaviour.on == flag || behaviour.off == flag)
}

#[cfg(test)]
mod tests {
    use super::differences;

    fn of(date: Option<&str>, flags: &[&str]) -> Vec<String> {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        differences(date, &flags)
    }

    #[test]
    fn dates_and_flags_decide() {
        assert!(of(None, &[]).is_empty());
        assert!(of(Some("2026-03-17"), &[]).is_empty());
        assert_eq!(of(Some("2026-03-16"), &[]), ["no_websocket_standard_binary_type"]);
        assert_eq!(of(Some("2025-08-14"), &[])[0], "no_expose_global_message_channel");
        assert_eq!(of(Some("2025-08-06"), &[])[0], "cache_no_cache_disabled");
        assert_eq!(of(Some("2021-01-01"), &[]).len(), 12);
        assert!(of(Some("2026-03-16"), &["websocket_standard_binary_type"]).is_empty());
        assert_eq!(of(None, &["disable_weak_ref", "enable_weak_ref"]), ["disable_weak_ref"]);
        assert_eq!(
            of(None, &["html_rewriter_treats_esi_include_as_void_tag"]),
            ["html_rewriter_treats_esi_include_as_void_tag"]
        );
    }
}
