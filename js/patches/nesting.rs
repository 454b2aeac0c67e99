//! Changes to streams of streams, a chain of `tee()` for example: what one stream asks of the next is asked in a microtask beyond a
//! depth. The stack ends otherwise in the middle of it, and a read is never answered.

use super::{Patch, patch};

const STREAMS: &str = "ext:deno_web/06_streams.js";

pub(super) const PATCHES: &[Patch] = &[
    patch(
        STREAMS,
        "function readableStreamClose(stream) {\n",
        "const DEEP = 100;\nlet depth = 0;\n\n\
         function deferred(steps) {\n  return PromisePrototypeThen(PromiseResolve(undefined), steps);\n}\n\n\
         function pull(controller) {\n  \
           if (depth >= DEEP) return deferred(() => controller[_pullAlgorithm]?.(controller));\n  \
           depth++;\n  try {\n    return controller[_pullAlgorithm](controller);\n  } finally {\n    depth--;\n  }\n}\n\n\
         function cancel(controller, reason) {\n  \
           if (depth >= DEEP) return deferred(() => controller[_cancelSteps](reason));\n  \
           depth++;\n  try {\n    return controller[_cancelSteps](reason);\n  } finally {\n    depth--;\n  }\n}\n\n\
         function close(readRequest, chunk) {\n  if (depth >= DEEP) {\n    deferred(() => readRequest.closeSteps(chunk));\n    return;\n  }\n  \
           depth++;\n  try {\n    readRequest.closeSteps(chunk);\n  } finally {\n    depth--;\n  }\n}\n\n\
         function readableStreamClose(stream) {\n",
    ),
    patch(
        STREAMS,
        "    while (readRequests.size !== 0) {\n      const readRequest = readRequests.dequeue();\n      readRequest.closeSteps();\n",
        "    while (readRequests.size !== 0) {\n      close(readRequests.dequeue());\n",
    ),
    patch(
        STREAMS,
        "  if (done) {\n    readIntoRequest.closeSteps(chunk);\n",
        "  if (done) {\n    close(readIntoRequest, chunk);\n",
    ),
    patch(
        STREAMS,
        "  const sourceCancelPromise = stream[_controller][_cancelSteps](reason);\n",
        "  const sourceCancelPromise = cancel(stream[_controller], reason);\n",
    ),
    patch(
        STREAMS,
        "  /** @type {Promise<void>} */\n  const pullPromise = controller[_pullAlgorithm](controller);\n",
        "  const pullPromise = pull(controller);\n",
    ),
    patch(
        STREAMS,
        "  controller[_pulling] = true;\n  const pullPromise = controller[_pullAlgorithm](controller);\n",
        "  controller[_pulling] = true;\n  const pullPromise = pull(controller);\n",
    ),
];
