// Objects of the platform that cross by RPC as themselves: requests, responses, headers, streams of bytes, signals and errors. Each is written as a
// kind and what it is made of anew, which is plain data and the places of its streams.
// https://developers.cloudflare.com/workers/runtime-apis/rpc/#readablestream-writeablestream-request-and-response
(function () {
const { core, primordials } = __bootstrap;
const { op_blob_bytes, op_body_collect, op_rpc_decode, op_rpc_encode, op_rpc_pipe, op_rpc_pipe_end, op_rpc_pipe_fail, op_rpc_pipe_write } = core.ops;
const {
  AggregateError,
  ArrayIsArray,
  ArrayPrototypePush,
  Error,
  NumberIsSafeInteger,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectHasOwn,
  ObjectKeys,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  ReflectApply,
  String,
  TypeError,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSet,
  Uint8Array,
} = primordials;
const { DOMException, DOMExceptionPrototype } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { AbortController, AbortSignal, AbortSignalPrototype, add, remove } = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const {
  isReadableStream,
  isReadableStreamDisturbed,
  isReadableStreamLocked,
  readableStreamForRid,
  readableStreamPipeTo,
  ReadableStreamPrototype,
  WritableStream,
} = core.loadExtScript("ext:deno_web/06_streams.js");
const { blobOfType, BlobPrototype, FilePrototype, getParts, isBlob } = core.loadExtScript("ext:deno_web/09_file.js");
const { Headers, headerListFromHeaders } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { InnerBody } = core.loadExtScript("ext:deno_fetch/22_body.js");
const { Request, RequestPrototype, toInnerRequest } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { nullBodyStatus, Response, ResponsePrototype, toInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { ResourceBody, takeBody } = core.loadExtScript("ext:workerd_lite/fetch/body.js");
const { isCoded, keepsCoding } = core.loadExtScript("ext:workerd_lite/fetch/coded.js");
const { joinHeaders, parseHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { cachedSignal } = core.loadExtScript("ext:workerd_lite/fetch/signal.js");
const { withoutOwnProto } = core.loadExtScript("ext:workerd_lite/rpc/own_proto.js");
const { isBufferSource, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");

// Kinds of what stands for itself in a message: a stub, a stream to read, one to write, and what is made of plain data.
const STUB = 0;
const READABLE = 1;
const WRITABLE = 2;
const HEADERS = 3;
const REQUEST = 4;
const RESPONSE = 5;
const SIGNAL = 6;
const ERROR = 7;
const DOM_EXCEPTION = 8;
const BLOB = 9;

const getter = (prototype, name) => ObjectGetOwnPropertyDescriptor(prototype, name).get;
const isAborted = getter(AbortSignal.prototype, "aborted");
const reasonOf = getter(AbortSignal.prototype, "reason");
const isWritableLocked = getter(WritableStream.prototype, "locked");
const exceptionName = getter(DOMExceptionPrototype, "name");
const exceptionMessage = getter(DOMExceptionPrototype, "message");

const blobSize = getter(BlobPrototype, "size");
const blobType = getter(BlobPrototype, "type");

const is = (prototype, value) => ObjectPrototypeIsPrototypeOf(prototype, value);

function isWritable(value) {
  if (!is(WritableStream.prototype, value)) return false;
  try {
    ReflectApply(isWritableLocked, value, []);
    return true;
  } catch {
    return false;
  }
}

// The same words as workerd's.
const LOCKED = "The ReadableStream has been locked to a reader.";
const WRITER = "This WritableStream is currently locked to a writer.";

const refused = (why) => new DOMException(why, "DataCloneError");

// The place of a body's stream, where there is one.
function bodyOf(copying, body) {
  if (body === null) return null;
  if (body.unusable()) throw new TypeError(LOCKED);
  return copying.stream({ __proto__: null, body, readable: null, writable: null, signal: null });
}

// What an object of the platform is written as: `{ kind, plain }`, or undefined for what is none. `copying` is of `js/rpc/copy.js`.
function takeApart(copying, value) {
  if (is(ResponsePrototype, value)) return response(copying, value);
  if (is(RequestPrototype, value)) return request(copying, value);
  if (is(Headers.prototype, value)) {
    const headers = joinHeaders(headerListFromHeaders(value));
    copying.count(headers.length);
    return { __proto__: null, kind: HEADERS, plain: headers };
  }
  if (isWritable(value)) {
    if (ReflectApply(isWritableLocked, value, [])) throw new TypeError(WRITER);
    return { __proto__: null, kind: WRITABLE, plain: copying.stream({ __proto__: null, body: null, writable: value, signal: null }) };
  }
  if (is(ReadableStreamPrototype, value) && isReadableStream(value)) {
    if (isReadableStreamLocked(value) || isReadableStreamDisturbed(value)) {
      throw new TypeError(LOCKED);
    }
    const body = new InnerBody(value);
    return { __proto__: null, kind: READABLE, plain: copying.stream({ __proto__: null, body, readable: null, writable: null, signal: null }) };
  }
  if (is(AbortSignalPrototype, value)) return { __proto__: null, kind: SIGNAL, plain: signal(copying, value) };
  if (is(DOMExceptionPrototype, value)) {
    const name = ReflectApply(exceptionName, value, []);
    const message = ReflectApply(exceptionMessage, value, []);
    copying.count(name.length + message.length);
    return { __proto__: null, kind: DOM_EXCEPTION, plain: [name, message] };
  }
  if (is(FilePrototype, value)) return undefined;
  if (isBlob(value)) return blob(copying, value);
  if (core.isNativeError(value)) return { __proto__: null, kind: ERROR, plain: error(copying, value) };
  return undefined;
}

// Its bytes, which are in memory, and its type.
function blob(copying, value) {
  const size = ReflectApply(blobSize, value, []);
  const type = ReflectApply(blobType, value, []);
  copying.count(size + type.length + 32);
  const parts = getParts(value);
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = op_blob_bytes(parts[i], 0, size - offset);
    TypedArrayPrototypeSet(bytes, part, offset);
    offset += TypedArrayPrototypeGetByteLength(part);
  }
  return { __proto__: null, kind: BLOB, plain: [bytes, type] };
}

function response(copying, value) {
  const inner = toInnerResponse(value);
  if (inner === undefined) return undefined;
  if (inner.type === "error") return { __proto__: null, kind: RESPONSE, plain: [0, "", "", null, "", false] };
  if (inner.status < 200) throw refused("A Response without a status can not cross by RPC");
  const headers = joinHeaders(inner.headerList);
  copying.count(headers.length + 32);
  return {
    __proto__: null,
    kind: RESPONSE,
    plain: [inner.status, inner.statusMessage, headers, bodyOf(copying, inner.body), inner.url() ?? "", isCoded(inner)],
  };
}

function request(copying, value) {
  const inner = toInnerRequest(value);
  if (inner === undefined) return undefined;
  const headers = joinHeaders(inner.headerList);
  copying.count(headers.length + inner.url().length + 32);
  const own = cachedSignal(value);
  const plain = [inner.method, inner.url(), headers, inner.redirectMode, bodyOf(copying, inner.body), own ? signal(copying, own) : null];
  return { __proto__: null, kind: REQUEST, plain };
}

// `[place of its stream, reason]`: a signal that is aborted has no stream.
function signal(copying, value) {
  if (ReflectApply(isAborted, value, [])) return [null, copying.copy(ReflectApply(reasonOf, value, []))];
  return [copying.stream({ __proto__: null, body: null, writable: null, signal: value }), undefined];
}

const OWN = { __proto__: null, name: true, message: true, stack: true, cause: true, errors: true };

// By name, message, what it holds and its causes, and no stack.
function error(copying, value) {
  const name = String(value.name);
  const message = String(value.message);
  copying.count(name.length + message.length + 32);
  const held = copying.record();
  const keys = ObjectKeys(value);
  for (let i = 0; i < keys.length; i++) {
    if (!OWN[keys[i]]) copying.put(held, keys[i], value[keys[i]]);
  }
  if (ObjectHasOwn(value, "cause")) copying.put(held, "cause", value.cause);
  const several = is(AggregateError.prototype, value) ? copying.copy(value.errors) : undefined;
  return [name, message, held, several];
}

// Streams of a message, as ops take them: pairs of a kind and a body, or a pipe.
function sendStreams(context, list, encode) {
  const taken = [];
  for (let i = 0; i < list.length; i++) {
    const { body, writable, signal } = list[i];
    if (body !== null) {
      taken[2 * i] = 0;
      taken[2 * i + 1] = takeBody(body);
      continue;
    }
    const { 0: read, 1: write } = op_rpc_pipe(context.id);
    if (signal !== null) {
      tell(context, signal, write, encode);
      taken[2 * i] = 0;
      taken[2 * i + 1] = read;
    } else {
      // Whoever writes learns of a failure by the pipe.
      PromisePrototypeThen(readableStreamPipeTo(readableStreamForRid(read), writable, false, false, false), undefined, () => {});
      taken[2 * i] = 1;
      taken[2 * i + 1] = write;
    }
  }
  return taken;
}

// Tells the other side when a signal is aborted, and why.
function tell(context, signal, write, encode) {
  const aborted = () => {
    if (context.ended) return;
    const bytes = encode(ReflectApply(reasonOf, signal, []));
    PromisePrototypeThen(op_rpc_pipe_write(write, bytes), () => op_rpc_pipe_end(write), () => {});
  };
  signal[add](aborted);
  context.atEnd(() => signal[remove](aborted));
}

function unreadable() {
  throw new TypeError("the message can not be read");
}

const text = (value) => typeof value === "string" ? value : unreadable();

// Asked for by Rust, of what was read, and by no message: `ops/rpc/wire.rs`.
const WITHOUT_PROTO = -1;

// Makes what a message tells of. `rids` are the resources of its streams.
class Making {
  rids;
  // Makes a value of bytes.
  decode;
  // Why signals were aborted.
  reasons = [];

  constructor(rids, decode) {
    this.rids = rids;
    this.decode = decode;
  }

  rid(place) {
    return NumberIsSafeInteger(place) && ObjectHasOwn(this.rids, place) ? this.rids[place] : unreadable();
  }

  body(place) {
    return place === null ? null : ResourceBody.of(this.rid(place));
  }

  make(kind, plain) {
    if (kind === WITHOUT_PROTO) return withoutOwnProto(plain, this.reasons);
    if (kind === READABLE) return readableStreamForRid(this.rid(plain));
    if (kind === WRITABLE) return writable(this.rid(plain));
    if (kind === HEADERS) return new Headers(parseHeaders(text(plain)));
    if (!ArrayIsArray(plain)) unreadable();
    if (kind === REQUEST) return this.request(plain);
    if (kind === RESPONSE) return this.response(plain);
    if (kind === SIGNAL) return this.signal(plain);
    if (kind === ERROR) return errorOf(text(plain[0]), text(plain[1]), plain[2], plain[3]);
    if (kind === BLOB) return blobOfType([isBufferSource(plain[0]) ? plain[0] : unreadable()], text(plain[1]));
    if (kind === DOM_EXCEPTION) return new DOMException(text(plain[1]), text(plain[0]));
    return unreadable();
  }

  request({ 0: method, 1: url, 2: headers, 3: redirect, 4: body, 5: signal }) {
    const init = { __proto__: null, method: text(method), headers: parseHeaders(text(headers)), redirect: text(redirect), signal: undefined };
    if (signal !== null) init.signal = this.signal(ArrayIsArray(signal) ? signal : unreadable());
    const made = new Request(text(url), init);
    const inner = toInnerRequest(made);
    if (body !== null && (inner.method === "GET" || inner.method === "HEAD")) unreadable();
    inner.body = this.body(body);
    return made;
  }

  response({ 0: status, 1: statusText, 2: headers, 3: body, 4: url, 5: coded }) {
    if (typeof status !== "number") unreadable();
    if (status === 0) return Response.error();
    const made = new Response(null, { __proto__: null, status, statusText: text(statusText), headers: parseHeaders(text(headers)) });
    const inner = toInnerResponse(made);
    if (text(url) !== "") inner.urlList = [url];
    if (body !== null && nullBodyStatus(status)) unreadable();
    inner.body = this.body(body);
    if (coded === true) keepsCoding(inner);
    return made;
  }

  signal({ 0: place, 1: reason }) {
    const controller = new AbortController();
    if (place === null) {
      ArrayPrototypePush(this.reasons, reason);
      controller.abort(reason);
    } else {
      PromisePrototypeThen(op_body_collect(this.rid(place)), ({ bytes }) => {
        if (TypedArrayPrototypeGetByteLength(bytes) > 0) controller.abort(this.decode(bytes));
      }, () => {});
    }
    return controller.signal;
  }
}

function writable(rid) {
  return new WritableStream({
    __proto__: null,
    write(chunk) {
      if (!isBufferSource(chunk)) throw new TypeError("This WritableStream takes bytes, and was given a chunk that is no buffer");
      return op_rpc_pipe_write(rid, view(chunk));
    },
    close: () => op_rpc_pipe_end(rid),
    abort(reason) {
      let why = "The stream was aborted";
      try {
        why = String(reason?.message ?? reason ?? why);
      } catch {
        // It stays that.
      }
      return PromisePrototypeThen(op_rpc_pipe_fail(rid, why), undefined, () => {});
    },
  });
}

const ERRORS = {
  __proto__: null,
  Error,
  EvalError: primordials.EvalError,
  RangeError: primordials.RangeError,
  ReferenceError: primordials.ReferenceError,
  SyntaxError: primordials.SyntaxError,
  TypeError,
  URIError: primordials.URIError,
};
const DOM = "DOMException ";

function hide(object, key, value) {
  ObjectDefineProperty(object, key, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
}

// An error by its name: of a class that both sides have, or an Error that is called so.
function errorOf(name, message, held = undefined, several = undefined) {
  if (primordials.StringPrototypeStartsWith(name, DOM)) {
    return new DOMException(message, primordials.StringPrototypeSlice(name, DOM.length));
  }
  let made;
  if (ArrayIsArray(several)) made = new AggregateError(several, message);
  else made = new (ERRORS[name] ?? Error)(message);
  if (made.name !== name) hide(made, "name", name);
  if (typeof held === "object" && held !== null) {
    const keys = ObjectKeys(held);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (key === "cause" || !OWN[key]) {
        ObjectDefineProperty(made, key, { __proto__: null, value: held[key], writable: true, enumerable: true, configurable: true });
      }
    }
  }
  return made;
}

return { errorOf, Making, sendStreams, STUB, takeApart };
})();
