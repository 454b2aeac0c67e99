//! Changes to message ports and cloning.

use super::{Patch, patch};

const PORT: &str = "ext:deno_web/13_message_port.js";

pub(super) const PATCHES: &[Patch] = &[
    // https://html.spec.whatwg.org/#structuredserializewithtransfer, within one isolate: what is transferred is cloned and
    // detached.
    patch(
        PORT,
        "    if (isArrayBuffer(t)) {\n      if (\n        ArrayBufferPrototypeGetByteLength(t) === 0 &&\n        \
                 isDetachedBuffer(t)\n      ) {\n",
        "    if (SetPrototypeHas(seen, t)) {\n      \
               throw new DOMException(\"Transfer list contains an object twice\", \"DataCloneError\");\n    }\n    \
             SetPrototypeAdd(seen, t);\n    \
             if (isArrayBuffer(t)) {\n      if (isDetachedBuffer(t)) {\n",
    ),
    patch(
        PORT,
        "    } else if (t[core.hostObjectBrand]) {\n      ArrayPrototypePush(hostObjects, t);\n    }\n",
        "    } else if (typeof t[core.hostObjectBrand] === \"string\") {\n      ArrayPrototypePush(hostObjects, t);\n    } else {\n      \
               throw new DOMException(\"Value not transferable\", \"DataCloneError\");\n    }\n",
    ),
    patch(
        PORT,
        "  const hostObjects = [];\n  const transferredArrayBuffers = [];\n  for (let i = 0, j = 0;",
        "  const seen = new SafeSet();\n  const hostObjects = [];\n  const transferredArrayBuffers = [];\n  for (let i = 0, j = 0;",
    ),
    patch(
        PORT,
        "  const options = {\n    hostObjects,\n    transferredArrayBuffers,\n  };\n\n  \
           const serializedData = core.serialize(",
        "  const options = { hostObjects };\n\n  const serializedData = core.serialize(",
    ),
    patch(
        PORT,
        "      ArrayPrototypePush(serializedTransferables, {\n        kind: \"arrayBuffer\",\n        \
                 data: transferredArrayBuffers[arrayBufferI],\n      });\n      arrayBufferI++;\n",
        "      detachBuffer(transferable);\n",
    ),
    patch(
        PORT,
        "  let arrayBufferI = 0;\n  for (let i = 0; i < transferables.length; ++i) {\n    const transferable",
        "  for (let i = 0; i < transferables.length; ++i) {\n    const transferable",
    ),
    patch(
        PORT,
        "function serializeJsMessageData(data, transferables) {\n",
        "const { transfer } = ArrayBuffer.prototype;\n\n\
         function detachBuffer(buffer) {\n  const { isDetachedBuffer } = core.loadExtScript(\"ext:deno_web/06_streams.js\");\n  \
           // A getter of the value may have done so.\n  \
           if (isDetachedBuffer(buffer)) throw new DOMException(\"ArrayBuffer is detached\", \"DataCloneError\");\n  \
           ReflectApply(transfer, buffer, [0]);\n}\n\n\
         function serializeJsMessageData(data, transferables) {\n",
    ),
    patch(
        PORT,
        "  SafeSet,\n  SafeWeakMap,\n",
        "  SafeSet,\n  SafeWeakMap,\n  SetPrototypeAdd,\n  SetPrototypeHas,\n",
    ),
    // The prototype has the property already, and no other than its own value.
    patch(
        PORT,
        "  port[core.hostObjectBrand] = \"MessagePort\";\n",
        "  ObjectDefineProperty(port, core.hostObjectBrand, { __proto__: null, value: \"MessagePort\" });\n",
    ),
];
