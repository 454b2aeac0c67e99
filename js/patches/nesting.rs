//! Changes to streams of streams, a chain of `tee()` for example: what one stream asks of the next is asked in a microtask beyond a
//! depth. The stack ends otherwise in the middle of it, and a read is never answered.

use super::{Patch, patch};

const STREAMS: &str = "ext:deno_web/06_streams.js";

pub(super) const PATCHES: &[Patch] = &[
    patch(
        STREAMS,
        "function readableStreamClose(stream) {\n",
        "const DEEP = 100;\nlet depth = 0;\n\n\
         function nested(steps, of, given) {\n  \
           if (depth >= DEEP) return PromisePrototypeThen(PromiseResolve(undefined), () => steps(of, given));\n  \
           depth++;\n  try {\n    return steps(of, given);\n  } finally {\n    depth--;\n  }\n}\n\n\
         const pull = (controller) => controller[_pullAlgorithm]?.(controller);\n\
         const cancel = (controller, reason) => controller[_cancelSteps](reason);\n\
         const close = (readRequest, chunk) => readRequest.closeSteps(chunk);\n\n\
         function readableStreamClose(stream) {\n",
    ),
    patch(
        STREAMS,
        "    while (readRequests.size !== 0) {\n      const readRequest = readRequests.dequeue();\n      readRequest.closeSteps();\n",
        "    while (readRequests.size !== 0) {\n      nested(close, readRequests.dequeue(), undefined);\n",
    ),
    patch(
        STREAMS,
        "  if (done) {\n    readIntoRequest.closeSteps(chunk);\n",
        "  if (done) {\n    nested(close, readIntoRequest, chunk);\n",
    ),
    patch(
        STREAMS,
        "  const sourceCancelPromise = stream[_controller][_cancelSteps](reason);\n",
        "  const sourceCancelPromise = nested(cancel, stream[_controller], reason);\n",
    ),
    patch(
        STREAMS,
        "  /** @type {Promise<void>} */\n  const pullPromise = controller[_pullAlgorithm](controller);\n",
        "  const pullPromise = nested(pull, controller, undefined);\n",
    ),
    patch(
        STREAMS,
        "  controller[_pulling] = true;\n  const pullPromise = controller[_pullAlgorithm](controller);\n",
        "  controller[_pulling] = true;\n  const pullPromise = nested(pull, controller, undefined);\n",
    ),
];
