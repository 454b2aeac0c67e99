//! Changes to blobs and files.

use super::{Patch, patch};

const BLOB: &str = "ext:deno_web/09_file.js";

pub(super) const PATCHES: &[Patch] = &[
    // By the clock of the isolate, which stands still while a script computes.
    patch(
        BLOB,
        "      this[_LastModified] = DatePrototypeGetTime(new Date());\n",
        "      this[_LastModified] = op_clock_now();\n",
    ),
    // The parts of a blob are references to bytes and never blobs, and a slice is one of the bytes themselves: no chain of
    // blobs is as deep as a script can make it.
    patch(
        BLOB,
        "      ArrayPrototypePush(processedParts, element);\n      size += element.size;\n",
        "      const inner = element[_parts];\n      \
               for (let j = 0; j < inner.length; ++j) ArrayPrototypePush(processedParts, inner[j]);\n      \
               size += element[_size];\n",
    ),
    patch(
        BLOB,
        "  constructor(id, size) {\n    this._id = id;\n    this.size = size;\n",
        "  constructor(id, size, root = null, start = 0) {\n    this._id = id;\n    this.size = size;\n    \
             this._root = root;\n    this._start = start;\n",
    ),
    patch(
        BLOB,
        "    const id = op_blob_slice_part(this._id, {\n      start,\n      len: size,\n    });\n    \
             return new BlobReference(id, size);\n",
        "    const root = this._root ?? this;\n    const from = this._start + start;\n    \
             const id = op_blob_slice_part(root._id, { start: from, len: size });\n    \
             return new BlobReference(id, size, root, from);\n",
    ),
    patch(
        BLOB,
        "    ArrayPrototypePush(cloned, op_blob_clone_part(refs[i]._id));\n",
        "    const root = refs[i]._root ?? refs[i];\n    const part = op_blob_clone_part(root._id);\n    \
             part.start = refs[i]._start;\n    part.length = refs[i].size;\n    ArrayPrototypePush(cloned, part);\n",
    ),
    patch(
        BLOB,
        "core.registerCloneableResource(\"Blob\", (data) => {\n  const parts = [];\n  \
           for (let i = 0; i < data.parts.length; ++i) {\n    const { uuid, size } = data.parts[i];\n    \
             ArrayPrototypePush(parts, new BlobReference(uuid, size));\n  }\n",
        "function clonedParts(data) {\n  const parts = [];\n  for (let i = 0; i < data.parts.length; ++i) {\n    \
             const { uuid, size, start, length } = data.parts[i];\n    const part = new BlobReference(uuid, size);\n    \
             ArrayPrototypePush(parts, length === size ? part : part.slice(start, start + length));\n  }\n  \
           return parts;\n}\n\n\
         core.registerCloneableResource(\"Blob\", (data) => {\n  const parts = clonedParts(data);\n",
    ),
    patch(
        BLOB,
        "core.registerCloneableResource(\"File\", (data) => {\n  const parts = [];\n  \
           for (let i = 0; i < data.parts.length; ++i) {\n    const { uuid, size } = data.parts[i];\n    \
             ArrayPrototypePush(parts, new BlobReference(uuid, size));\n  }\n",
        "core.registerCloneableResource(\"File\", (data) => {\n  const parts = clonedParts(data);\n",
    ),
    // Blobs are read without promises of plain objects, which `Object.prototype.then` would be asked for.
    patch(
        BLOB,
        "    const partIterator = toIterator(this[_parts]);\n    const stream = new ReadableStream({\n",
        "    const parts = this[_parts];\n    let next = 0;\n    let offset = 0;\n    const stream = new ReadableStream({\n      \
               expectedLength: this[_size],\n",
    ),
    patch(
        BLOB,
        "      async pull(controller) {\n        while (true) {\n          \
                   const { value, done } = await AsyncGeneratorPrototypeNext(\n            partIterator,\n          );\n          \
                   if (done) {\n            controller.close();\n            controller.byobRequest?.respond(0);\n            \
                     return;\n          }\n          \
                   if (TypedArrayPrototypeGetByteLength(value) > 0) {\n            return controller.enqueue(value);\n          }\n        }\n      },\n",
        "      pull(controller) {\n        while (next < parts.length && offset >= parts[next].size) {\n          \
                   next++;\n          offset = 0;\n        }\n        \
                 if (next === parts.length) {\n          controller.close();\n          controller.byobRequest?.respond(0);\n          \
                   return;\n        }\n        \
                 const value = op_blob_bytes(parts[next]._id, offset, STREAM_CHUNK);\n        \
                 offset += TypedArrayPrototypeGetByteLength(value);\n        controller.enqueue(value);\n      },\n",
    ),
    patch(
        BLOB,
        "    const partIterator = toIterator(this[_parts]);\n    let offset = 0;\n    while (true) {\n      \
               const { value, done } = await AsyncGeneratorPrototypeNext(\n        partIterator,\n      );\n      \
               if (done) break;\n      const byteLength = TypedArrayPrototypeGetByteLength(value);\n      \
               if (byteLength > 0) {\n        TypedArrayPrototypeSet(bytes, value, offset);\n        offset += byteLength;\n      }\n    }\n",
        "    const parts = this[_parts];\n    let offset = 0;\n    for (let i = 0; i < parts.length; ++i) {\n      \
               const value = op_blob_bytes(parts[i]._id, 0, parts[i].size);\n      \
               TypedArrayPrototypeSet(bytes, value, offset);\n      offset += parts[i].size;\n    }\n",
    ),
    patch(BLOB, "  async #u8Array(size) {\n", "  #u8Array(size) {\n"),
    patch(
        BLOB,
        "    const buffer = await this.#u8Array(this.size);\n",
        "    const buffer = this.#u8Array(this[_size]);\n",
    ),
    patch(
        BLOB,
        "    const buf = await this.#u8Array(this.size);\n",
        "    const buf = this.#u8Array(this[_size]);\n",
    ),
    patch(
        BLOB,
        "    return await this.#u8Array(this.size);\n",
        "    return this.#u8Array(this[_size]);\n",
    ),
    patch(
        BLOB,
        "  op_blob_create_object_url,\n  op_blob_create_part,\n",
        "  op_blob_bytes,\n  op_blob_create_object_url,\n  op_blob_create_part,\n  op_clock_now,\n",
    ),
    patch(
        BLOB,
        "const _type = Symbol(\"Type\");\n",
        "const STREAM_CHUNK = 64 * 1024;\n\n\
         // The type of a body's blob is its MIME type, whatever characters that has.\n\
         function blobOfType(parts, type) {\n  const blob = new Blob(parts);\n  blob[_type] = type;\n  return blob;\n}\n\n\
         const _type = Symbol(\"Type\");\n",
    ),
    patch(
        BLOB,
        "return {\n  Blob,\n  blobFromObjectUrl,\n",
        "return {\n  Blob,\n  blobFromObjectUrl,\n  blobOfType,\n",
    ),
    // Fields of their own from the start: an assignment would look for setters, which an author may have put into
    // `Object.prototype`, and which would be given the object.
    patch(
        BLOB,
        "class BlobReference {\n  /**\n",
        "class BlobReference {\n  _id;\n  size;\n  _root;\n  _start;\n\n  /**\n",
    ),
];
