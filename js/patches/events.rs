//! Changes to events.

use super::{Patch, each, patch};

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
    patch(
        EVENT,
        "      \"Failed to execute 'dispatchEvent' on 'EventTarget'\",\n    );\n",
        "      \"Failed to execute 'dispatchEvent' on 'EventTarget'\",\n    );\n    \
             if (!ObjectPrototypeIsPrototypeOf(EventPrototype, event)) {\n      \
             throw new TypeError(\"Failed to execute 'dispatchEvent' on 'EventTarget': parameter 1 is not of type 'Event'.\");\n    }\n",
    ),
    // https://dom.spec.whatwg.org/#callbackdef-eventlistener
    patch(
        EVENT,
        "    webidl.requiredArguments(arguments.length, 2, prefix);\n\n    \
             options = addEventListenerOptionsConverter(options, prefix);\n\n    if (callback === null) {\n",
        "    webidl.requiredArguments(arguments.length, 2, prefix);\n\n    \
             options = addEventListenerOptionsConverter(options, prefix);\n\n    \
             if (callback !== undefined && typeof callback !== \"object\" && typeof callback !== \"function\") {\n      \
             throw new TypeError(\n        \
               \"Failed to execute 'addEventListener' on 'EventTarget': parameter 2 is not of type 'function or HandlerObject'.\",\n      );\n    }\n    \
             if (callback === null) {\n",
    ),
    each(
        2,
        EVENT,
        "\"Invalid event state\"",
        "\"The event is already being dispatched.\"",
    ),
];
