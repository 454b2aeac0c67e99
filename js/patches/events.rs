//! Changes to events.

use super::{Patch, patch};

const EVENT: &str = "ext:deno_web/02_event.js";

pub(super) const PATCHES: &[Patch] = &[
    // Scripts may have put anything in the place of `globalThis.dispatchEvent`.
    patch(
        EVENT,
        "  if (reportExceptionStackedCalls > 1 || globalThis_.dispatchEvent(event)) {\n",
        "  if (reportExceptionStackedCalls > 1 || FunctionPrototypeCall(dispatchEvent, globalThis_, event)) {\n",
    ),
    patch(
        EVENT,
        "let reportExceptionStackedCalls = 0;\n",
        "const { dispatchEvent } = EventTarget.prototype;\nlet reportExceptionStackedCalls = 0;\n",
    ),
];
