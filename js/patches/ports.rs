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
    // https://html.spec.whatwg.org/#disentangle: the other end of a port that is closed hears of it.
    patch(
        PORT,
        "    this.#port1 = port1;\n    this.#port2 = port2;\n",
        "    this.#port1 = port1;\n    this.#port2 = port2;\n    WeakMapPrototypeSet(peers, port1, port2);\n    \
             WeakMapPrototypeSet(peers, port2, port1);\n",
    ),
    patch(
        PORT,
        "class MessageChannel {\n",
        "// The other ends of ports that were made here.\nconst peers = new SafeWeakMap();\n\n\
         function closePeer(port) {\n  const peer = WeakMapPrototypeGet(peers, port);\n  if (peer === undefined) return;\n  \
           // One that listens hears of it behind the messages that are still to come.\n  \
           if (!peer[_enabled]) queueMicrotask(() => hearClose(peer));\n}\n\n\
         function hearClose(port) {\n  if (getMessagePortId(port) === null) return;\n  \
           const { Event } = core.loadExtScript(\"ext:deno_web/02_event.js\");\n  const event = new Event(\"close\");\n  \
           setIsTrusted(event, true);\n  port.dispatchEvent(event);\n}\n\n\
         class MessageChannel {\n",
    ),
    patch(
        PORT,
        "        if (data === null) {\n          nodeWorkerThreadMaybeInvokeCloseCb(this);\n          break;\n",
        "        if (data === null) {\n          nodeWorkerThreadMaybeInvokeCloseCb(this);\n          hearClose(this);\n          break;\n",
    ),
    patch(
        PORT,
        "        core.close(portId);\n        setMessagePortId(this, null);\n        nodeWorkerThreadMaybeInvokeCloseCb(this);\n",
        "        core.close(portId);\n        setMessagePortId(this, null);\n        nodeWorkerThreadMaybeInvokeCloseCb(this);\n        \
                 closePeer(this);\n",
    ),
    patch(
        PORT,
        "defineEventHandler(MessagePort.prototype, \"message\", function (self) {\n",
        "defineEventHandler(MessagePort.prototype, \"close\");\n\
         defineEventHandler(MessagePort.prototype, \"message\", function (self) {\n",
    ),
    // Workers' words, by the class of what is refused.
    patch(
        PORT,
        "      if (isUncloneable(message)) {\n        throw new DOMException(\n          \"Cannot clone object of unsupported type.\",\n",
        "      if (isUncloneable(message)) {\n        throw new DOMException(\n          unserializable(message),\n",
    ),
    patch(
        PORT,
        "  if (isUncloneable(data) && !ArrayPrototypeIncludes(transferables, data)) {\n    throw new DOMException(\n      \
             \"Cannot clone object of unsupported type.\",\n",
        "  if (isUncloneable(data) && !ArrayPrototypeIncludes(transferables, data)) {\n    throw new DOMException(\n      \
             unserializable(data),\n",
    ),
    patch(
        PORT,
        "    isUncloneable(value)\n  ) {\n    throw new DOMException(\n      \"Cannot clone object of unsupported type.\",\n",
        "    isUncloneable(value)\n  ) {\n    throw new DOMException(\n      unserializable(value),\n",
    ),
    patch(
        PORT,
        "function isUncloneable(value) {\n",
        "function unserializable(value) {\n  \
           return `Could not serialize object of type \"${value.constructor?.name}\". This type does not support serialization.`;\n}\n\n\
         function isUncloneable(value) {\n",
    ),
];
