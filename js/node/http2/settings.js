// Settings of HTTP/2 (RFC 9113, section 6.5): what a peer would be told. The host has settings of its own towards servers.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  ArrayPrototypeForEach,
  ArrayPrototypePush,
  ObjectAssign,
  ObjectEntries,
  ObjectKeys,
  TypedArrayPrototypeGetByteLength,
} = primordials;
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const {
  ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH,
  ERR_HTTP2_INVALID_SETTING_VALUE,
  ERR_INVALID_ARG_TYPE,
} = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { isUint8Array } = core.loadExtScript("ext:deno_node/internal/util/types.ts");

const LARGEST = 2 ** 32 - 1;

// By their names: the number on the wire, the smallest and the largest value.
const KINDS = {
  __proto__: null,
  headerTableSize: [1, 0, LARGEST],
  enablePush: [2],
  maxConcurrentStreams: [3, 0, LARGEST],
  initialWindowSize: [4, 0, LARGEST],
  maxFrameSize: [5, 16384, 2 ** 24 - 1],
  maxHeaderListSize: [6, 0, LARGEST],
  maxHeaderSize: [6, 0, LARGEST],
  enableConnectProtocol: [8],
};
const ENTRY = 6;

const defaults = () =>
  ObjectAssign({ __proto__: null }, {
    headerTableSize: 4096,
    enablePush: true,
    initialWindowSize: 65535,
    maxFrameSize: 16384,
    maxConcurrentStreams: LARGEST,
    maxHeaderSize: 65535,
    maxHeaderListSize: 65535,
    enableConnectProtocol: false,
  });

// Throws where a value is none that a setting may have.
function validate(settings) {
  if (settings === undefined) return {};
  if (typeof settings !== "object" || settings === null || ArrayIsArray(settings)) throw new ERR_INVALID_ARG_TYPE("settings", "Object", settings);
  ArrayPrototypeForEach(ObjectKeys(KINDS), (name) => {
    const value = settings[name];
    if (value === undefined) return;
    const { 1: least, 2: most } = KINDS[name];
    const fits = least === undefined ? typeof value === "boolean" : typeof value === "number" && value >= least && value <= most;
    if (fits) return;
    const { HideStackFramesError: OfType, RangeError: OfRange } = ERR_HTTP2_INVALID_SETTING_VALUE;
    throw least === undefined ? new OfType(name, value) : new OfRange(name, value, least, most);
  });
  return settings;
}

function pack(settings) {
  validate(settings);
  const entries = [];
  ArrayPrototypeForEach(ObjectKeys(KINDS), (name) => {
    const value = settings?.[name];
    // `maxHeaderSize` is another name of `maxHeaderListSize`.
    if (value === undefined || name === "maxHeaderListSize" && settings.maxHeaderSize !== undefined) return;
    ArrayPrototypePush(entries, [KINDS[name][0], +value]);
  });
  const packed = Buffer.alloc(entries.length * ENTRY);
  for (let i = 0; i < entries.length; i++) {
    packed.writeUInt16BE(entries[i][0], i * ENTRY);
    packed.writeUInt32BE(entries[i][1], i * ENTRY + 2);
  }
  return packed;
}

function unpack(bytes, options = {}) {
  if (!isUint8Array(bytes)) throw new ERR_INVALID_ARG_TYPE("buf", ["Buffer", "TypedArray"], bytes);
  const length = TypedArrayPrototypeGetByteLength(bytes);
  if (length % ENTRY !== 0) throw new ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH();
  const packed = Buffer.from(bytes);
  const settings = {};
  for (let at = 0; at < length; at += ENTRY) {
    const kind = packed.readUInt16BE(at);
    const value = packed.readUInt32BE(at + 2);
    ArrayPrototypeForEach(ObjectEntries(KINDS), ({ 0: name, 1: { 0: number, 1: least } }) => {
      if (number === kind) settings[name] = least === undefined ? value !== 0 : value;
    });
  }
  if (options?.validate) validate(settings);
  return settings;
}

return { defaults, pack, unpack, validate };
})();
