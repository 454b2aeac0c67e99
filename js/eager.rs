//! Functions that every isolate calls while it is made or in its first event, and that nothing calls while the snapshot is: V8 compiles what stands in
//! parentheses at once, so that the snapshot has their code and no isolate compiles them anew.

/// Such functions, by their script. Nothing in it calls one before the place where it stands.
const AT_BOOT: &[(&str, &[&str])] = &[
    ("loader/given.js", &["readEnv"]),
    ("rpc/entrypoint.js", &["entrypointOf"]),
    (
        "rpc/receive.js",
        &[
            "setRpcCallers",
            "setDoors",
            "member",
            "follow",
            "invoke",
            "respond",
            "run",
            "open",
        ],
    ),
    (
        "rpc/stub.js",
        &[
            "wrap",
            "newStub",
            "newService",
            "fetchOf",
            "newLoopback",
            "tables",
            "exportsOf",
            "prepareCopied",
            "prepare",
            "stubsFor",
        ],
    ),
    ("worker/boot.js", &["boot", "setHandlers"]),
    (
        "worker/builtin_modules.js",
        &["builtinModules", "isNode", "setBaseEnv", "sourceOf"],
    ),
    (
        "worker/context.js",
        &[
            "cancelContext",
            "currentContext",
            "endContext",
            "enterContext",
            "requireContext",
            "startContext",
        ],
    ),
    (
        "worker/dispatch.js",
        &[
            "callerOf",
            "dispatch",
            "handlersNamed",
            "newRequest",
            "respond",
            "run",
            "setAfterCall",
            "setCallers",
            "setHandlers",
        ],
    ),
    (
        "worker/entrypoints.js",
        &[
            "findHandler",
            "handlerOf",
            "isEmptyCommonJs",
            "isSubclass",
            "makeExports",
            "stubOf",
            "unsupported",
        ],
    ),
    ("worker/execution_context.js", &["setExports"]),
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
        let begins = |keyword: &str| {
            let start = format!("\n{keyword} {function}(");
            text.find(&start).map(|found| (found, start.len(), keyword.to_owned()))
        };
        let (found, length, keyword) = begins("function")
            .or_else(|| begins("async function"))
            .unwrap_or_else(|| panic!("{name}: no function {function}"));
        let end = text[found..]
            .find("\n}\n")
            .unwrap_or_else(|| panic!("{name}: {function} has no end"))
            + found;
        text.replace_range(end..end + 2, "\n});");
        text.replace_range(
            found..found + length,
            &format!("\nconst {function} = ({keyword} {function}("),
        );
    }
    text
}
