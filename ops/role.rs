//! Which script an isolate runs, and which ops it therefore has.

use std::collections::HashSet;
use std::sync::LazyLock;

use deno_core::{OpDecl, OpMiddlewareFn, op2};
use deno_error::JsErrorBox;

use crate::clock::{op_clock_elapsed, op_clock_origin};

/// Who an isolate's script belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Untrusted code. Its only way out is the outbound worker.
    Agent,
    /// The owner's policy. It reaches the network, within the address rules.
    Outbound,
    /// The owner's tests. They stand where clients and the network would.
    Test,
}

/// Ops no worker may call: they end the process, write to its terminal, load code past the module graph, compile
/// code from strings, reach what other isolates of the process share, decode without a bound, or read URLs
/// otherwise than ours do. `op_import_sync` is what `require()` of an ES module rests on: `js/node/require_module.js` alone calls
/// it, with URLs of the graph.
const DENIED_TO_ALL: [&str; 28] = [
    "op_panic",
    "op_print",
    "op_import_sync_with_source",
    "op_is_terminal",
    "op_eval_context",
    "op_compile_function",
    "op_broadcast_subscribe",
    "op_broadcast_unsubscribe",
    "op_broadcast_serialize",
    "op_broadcast_deserialize",
    "op_broadcast_free",
    "op_broadcast_send",
    "op_broadcast_recv",
    "op_lock_manager_request",
    "op_lock_manager_await_lock",
    "op_lock_manager_await_steal",
    "op_lock_manager_is_stolen",
    "op_lock_manager_cancel",
    "op_lock_manager_release",
    "op_lock_manager_query",
    "op_resources",
    "op_compression_finish",
    "op_compression_new",
    "op_compression_write",
    "op_url_get_serialization",
    "op_url_parse",
    "op_url_parse_with_base",
    "op_url_reparse",
];

/// The network and identities are the outbound worker's alone.
const DENIED_TO_AGENTS: [&str; 5] = [
    "op_fetch_network",
    "op_identity_token",
    "op_test_advance",
    "op_test_collect",
    "op_test_control",
];

/// An outbound worker's requests pass no further outbound worker.
const DENIED_TO_OUTBOUND: [&str; 6] = [
    "op_fetch_outbound_worker",
    "op_loader_env",
    "op_loader_fetch_given",
    "op_test_advance",
    "op_test_collect",
    "op_test_control",
];

/// Tests call agents and policies by bindings of their own, and nobody loads them.
const DENIED_TO_TESTS: [&str; 4] = [
    "op_fetch_outbound_worker",
    "op_identity_token",
    "op_loader_env",
    "op_loader_fetch_given",
];

impl Role {
    /// The role's name in logs and in the scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Outbound => "outbound",
            Self::Test => "test",
        }
    }

    /// Whether this role's op table refuses the op.
    pub fn denies(self, op: &str) -> bool {
        // Each isolate asks for each op.
        static DENIED: LazyLock<[HashSet<&str>; 3]> = LazyLock::new(|| {
            let own: [&[&str]; 3] = [&DENIED_TO_AGENTS, &DENIED_TO_OUTBOUND, &DENIED_TO_TESTS];
            own.map(|own| DENIED_TO_ALL.iter().chain(own).copied().collect())
        });
        let place = match self {
            Self::Agent => 0,
            Self::Outbound => 1,
            Self::Test => 2,
        };
        DENIED[place].contains(op)
    }

    /// Replaces each denied op by one that throws, and deno's clocks by ours, while an isolate is built.
    pub fn middleware(self) -> Box<OpMiddlewareFn> {
        Box::new(move |op: OpDecl| {
            if self.denies(op.name) {
                let denied: OpDecl = op_denied();
                return op.with_implementation_from(&denied);
            }
            match op.name {
                "op_now" => op.with_implementation_from(&op_clock_elapsed()),
                "op_time_origin" => op.with_implementation_from(&op_clock_origin()),
                _ => op,
            }
        })
    }
}

#[op2(fast)]
fn op_denied() -> Result<(), JsErrorBox> {
    Err(JsErrorBox::type_error("this operation is not available to workers"))
}
