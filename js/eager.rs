//! Functions that every isolate calls while it is made, and that nothing calls while the snapshot is: V8 compiles what stands in
//! parentheses at once, so that the snapshot has their code and no isolate compiles them anew.

/// Such functions, by their script. Nothing in it calls one before the place where it stands.
const AT_BOOT: &[(&str, &[&str])] = &[
    ("rpc/receive.js", &["setDoors"]),
    ("worker/boot.js", &["boot", "setHandlers"]),
    (
        "worker/builtin_modules.js",
        &["builtinModules", "setBaseEnv", "sourceOf"],
    ),
    ("worker/dispatch.js", &["setAfterCall", "setCallers", "setHandlers"]),
    (
        "worker/entrypoints.js",
        &["findHandler", "handlerOf", "isEmptyCommonJs", "makeExports", "stubOf"],
    ),
    ("worker/global_events.js", &["reportExceptions", "reportRejections"]),
    ("worker/hex.js", &["captureHexMethods"]),
    ("worker/node_globals.js", &["defineNodeGlobals", "nodeModules"]),
    ("worker/residual.js", &["load", "loadNode"]),
    ("worker/webassembly.js", &["defineWebAssembly"]),
];

/// The script of this name, with its functions of those in parentheses.
pub(crate) fn of(source: &str, name: &str) -> String {
    let mut text = source.to_owned();
    let wanted = AT_BOOT.iter().find(|(script, _)| *script == name);
    for function in wanted.into_iter().flat_map(|(_, functions)| *functions) {
        let start = format!("\nfunction {function}(");
        let found = text
            .find(&start)
            .unwrap_or_else(|| panic!("{name}: no function {function}"));
        let end = text[found..]
            .find("\n}\n")
            .unwrap_or_else(|| panic!("{name}: {function} has no end"))
            + found;
        text.replace_range(end..end + 2, "\n});");
        text.replace_range(
            found..found + start.len(),
            &format!("\nconst {function} = (function {function}("),
        );
    }
    text
}
