// What callers may give: paths, descriptors, data, modes, options, with Node's errors for what is none.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferIsView,
  NumberIsInteger,
  TypedArrayPrototypeGetByteLength,
} = primordials;
const { op_node_text } = core.ops;
const { view: bytes } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");
const errors = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { parseFileMode, validateBoolean, validateInteger } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const utils = core.loadExtScript("ext:deno_node/internal/fs/utils.mjs");
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");

// As op_node_text() counts encodings.
const UTF8 = 0;

// A path as text.
function path(value, name = "path") {
  const checked = utils.getValidatedPath(value, name);
  if (typeof checked === "string") return checked;
  const own = bytes(checked);
  return op_node_text(own, 0, TypedArrayPrototypeGetByteLength(own), UTF8) ?? "";
}

const isDescriptor = (value) => typeof value === "number" && NumberIsInteger(value) && value >= 0 && value <= 0x7fff_ffff;

function descriptor(value) {
  return utils.getValidatedFd(value);
}

const isView = (value) => ArrayBufferIsView(value);

function view(value, name = "buffer") {
  if (!isView(value)) throw new errors.ERR_INVALID_ARG_TYPE(name, ["Buffer", "TypedArray", "DataView"], value);
  return bytes(value);
}

// What is written: text or bytes.
function data(value, encoding, name = "data") {
  if (isView(value)) return bytes(value);
  if (typeof value !== "string") throw new errors.ERR_INVALID_ARG_TYPE(name, ["string", "Buffer", "TypedArray", "DataView"], value);
  return bytes(Buffer.from(value, encoding || "utf8"));
}

function views(values) {
  utils.validateBufferArray(values);
  const all = [];
  for (let i = 0; i < values.length; i++) all[i] = bytes(values[i]);
  return all;
}

const mode = (value, otherwise) => parseFileMode(value, "mode", otherwise);

// Options that are an object or an encoding.
function options(value, defaults) {
  const given = utils.getOptions(value, defaults);
  return given === defaults ? given : { ...defaults, ...given };
}

function flag(value, name) {
  if (value === undefined || value === null) return;
  validateBoolean(value, name);
}

// A place in a file, or null for the descriptor's own.
function position(value, length) {
  if (value === undefined || value === null) return null;
  utils.validatePosition(value, "position", length);
  const number = typeof value === "bigint" ? +`${value}` : value;
  return number < 0 ? null : number;
}

// Where a write goes: Node takes what is no number for the descriptor's own place.
const place = (value) => typeof value === "bigint" ? +`${value}` : typeof value === "number" && value >= 0 ? value : null;

function length(value) {
  validateInteger(value, "len");
  return value < 0 ? 0 : value;
}

const time = (value) => utils.toUnixTimestamp(value) * 1000;

function stats(value) {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object") throw new errors.ERR_INVALID_ARG_TYPE("options", "Object", value);
  return value;
}

return { bytes, data, descriptor, flag, isDescriptor, isView, length, mode, options, path, place, position, stats, time, view, views };
})();
