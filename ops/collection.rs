//! V8's garbage collection on demand, for tests.

use deno_core::{op2, v8};

/// Collects what is garbage in this isolate, as `gc()` of `--expose-gc` does. Not by a fast call: V8 collects nothing in those.
#[op2(nofast)]
pub(crate) fn op_test_collect(scope: &mut v8::PinScope) {
    scope.low_memory_notification();
}
