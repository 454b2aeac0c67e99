//! Functions that every isolate calls while it is made or in its first event, and that nothing calls while the snapshot is: V8 compiles what stands in
//! parentheses at once, so that the snapshot has their code and no isolate compiles them anew.

use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::BindingPattern;
use oxc_parser::Parser;
use oxc_semantic::{AstNode, SemanticBuilder};
use oxc_span::{GetSpan as _, SourceType, Span};

/// Such functions, by their script. Nothing in it calls one before the place where it stands. Of those with a star the functions that they
/// make are called as well.
const AT_BOOT: &[(&str, &[&str])] = &[
    ("loader/given.js", &["readEnv"]),
    ("fetch/fetch.js", &["setFetchRole"]),
    ("fetch/sockets.js", &["socketOf", "takeSocketOf"]),
    ("rpc/entrypoint.js", &["entrypointOf*", "pretended", "pretendedService"]),
    ("rpc/failure.js", &["setFailureRole"]),
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
    ("worker/boot.js", &["boot*", "setHandlers"]),
    (
        "worker/builtin_modules.js",
        &["builtinModules*", "isNode", "makers*", "setBaseEnv", "sourceOf"],
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
            "setHandlers*",
        ],
    ),
    (
        "worker/entrypoints.js",
        &[
            "findHandler",
            "handlerOf*",
            "isEmptyCommonJs",
            "isSubclass",
            "makeExports*",
            "stubOf",
            "unsupported",
        ],
    ),
    ("worker/execution_context.js", &["setExports", "setPropsReader"]),
    ("worker/global_events.js", &["reportExceptions", "reportRejections"]),
    ("worker/hex.js", &["captureHexMethods"]),
    ("worker/node_globals.js", &["defineNodeGlobals", "nodeModules"]),
    ("worker/residual.js", &["load", "loadNode"]),
    ("worker/webassembly.js", &["defineWebAssembly"]),
];

/// The script of this name, with its functions of those in parentheses.
pub(crate) fn of(source: &str, name: &str) -> String {
    let Some((_, wanted)) = AT_BOOT.iter().find(|(script, _)| *script == name) else {
        return source.to_owned();
    };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, SourceType::cjs()).parse();
    assert!(!parsed.panicked, "{name} can not be read");
    let semantic = SemanticBuilder::new()
        .with_build_nodes(true)
        .build(&parsed.program)
        .semantic;
    let kinds = || semantic.nodes().iter().map(AstNode::kind);
    let mut edits = Vec::new();
    for function in *wanted {
        let (function, within) = match function.strip_suffix('*') {
            Some(function) => (function, true),
            None => (*function, false),
        };
        let (whole, declares) = kinds()
            .find_map(|kind| Some((declaration(kind, function)?, true)))
            .or_else(|| kinds().find_map(|kind| Some((value(kind, function)?, false))))
            .unwrap_or_else(|| panic!("{name}: no function {function}"));
        if declares {
            edits.push((whole.start, format!("const {function} = (")));
            edits.push((whole.end, ");".to_owned()));
        } else if !within {
            in_parentheses(whole, &mut edits);
        }
        if within {
            for kind in kinds() {
                let AstKind::ArrowFunctionExpression(_) = kind else {
                    continue;
                };
                let span = kind.span();
                if whole.start < span.start && span.end <= whole.end {
                    in_parentheses(span, &mut edits);
                }
            }
        }
    }
    edits.sort_by_key(|(place, _)| *place);
    let mut text = String::with_capacity(source.len() + 1024);
    let mut from = 0;
    for (place, added) in edits {
        text.push_str(&source[from..place as usize]);
        text.push_str(&added);
        from = place as usize;
    }
    text + &source[from..]
}

fn in_parentheses(span: Span, edits: &mut Vec<(u32, String)>) {
    edits.push((span.start, "(".to_owned()));
    edits.push((span.end, ")".to_owned()));
}

/// Where the declaration of a function of this name is.
fn declaration(kind: AstKind<'_>, name: &str) -> Option<Span> {
    let AstKind::Function(function) = kind else { return None };
    let declared = function.is_declaration() && function.id.as_ref()?.name.as_str() == name;
    declared.then_some(function.span)
}

/// Where the value of a constant of this name is.
fn value(kind: AstKind<'_>, name: &str) -> Option<Span> {
    let AstKind::VariableDeclarator(declarator) = kind else {
        return None;
    };
    let BindingPattern::BindingIdentifier(identifier) = &declarator.id else {
        return None;
    };
    let value = declarator.init.as_ref()?;
    (identifier.name.as_str() == name).then_some(value.span())
}
