// HTMLRewriter. https://developers.cloudflare.com/workers/runtime-apis/html-rewriter/
(function () {
const { core, primordials } = __bootstrap;
const { op_rewriter_selector } = core.ops;
const {
  ArrayPrototypePush,
  ArrayPrototypeSlice,
  MapPrototypeGet,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectPrototypeIsPrototypeOf,
  ReflectApply,
  String,
  SymbolToStringTag,
  TypedArrayPrototypeGetByteLength,
  TypeError,
} = primordials;
const { ReadableStream } = core.loadExtScript("ext:deno_web/06_streams.js");
const { Response, ResponsePrototype } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { getDecodeSplitHeader, headerListFromHeaders } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { extractMimeType } = core.loadExtScript("ext:deno_web/01_mimesniff.js");
const { refuseClones } = core.loadExtScript("ext:workerd_lite/worker/cloning.js");
const { Session } = core.loadExtScript("ext:workerd_lite/html_rewriter/session.js");

const getter = (name) => ObjectGetOwnPropertyDescriptor(Response.prototype, name).get;
const bodyOf = getter("body");
const bodyUsedOf = getter("bodyUsed");
const headersOf = getter("headers");

// As in ops/html_rewriter/handlers.rs.
const HANDLES = { __proto__: null, element: 1, comments: 2, text: 4, doctype: 8, end: 16 };

// The functions of an author's object.
function read(handlers, names, method) {
  if ((typeof handlers !== "object" && typeof handlers !== "function") || handlers === null) {
    throw new TypeError(`Failed to execute '${method}' on 'HTMLRewriter': the handlers are no object.`);
  }
  const own = { __proto__: null };
  let handles = 0;
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const value = handlers[name];
    if (value === undefined) continue;
    if (typeof value !== "function") {
      throw new TypeError(`Incorrect type for the '${name}' field on '${method === "on" ? "ElementContentHandlers" : "DocumentContentHandlers"}': the provided value is not of type 'function'.`);
    }
    own[name] = value;
    handles |= HANDLES[name];
  }
  return { __proto__: null, handles, own, self: handlers };
}

// The charset that the response names, or nothing.
function charsetOf(response) {
  const list = headerListFromHeaders(ReflectApply(headersOf, response, []));
  const type = extractMimeType(getDecodeSplitHeader(list, "content-type"));
  return type === null ? "" : MapPrototypeGet(type.parameters, "charset") ?? "";
}

// What is rewritten before anybody reads it, in bytes: whoever writes the document and awaits each write must get on.
const ahead = { __proto__: null, highWaterMark: 64 * 1024, size: (piece) => TypedArrayPrototypeGetByteLength(piece) };

class HTMLRewriter {
  #handlers = [];

  on(selector, handlers) {
    if (arguments.length < 2) throw new TypeError(`Failed to execute 'on' on 'HTMLRewriter': 2 arguments required, but only ${arguments.length} present.`);
    selector = String(selector);
    const all = this.#handlers;
    const found = read(handlers, ["element", "comments", "text"], "on");
    op_rewriter_selector(selector);
    found.selector = selector;
    ArrayPrototypePush(all, found);
    return this;
  }

  onDocument(handlers) {
    const all = this.#handlers;
    const found = read(handlers, ["doctype", "comments", "text", "end"], "onDocument");
    found.selector = null;
    ArrayPrototypePush(all, found);
    return this;
  }

  transform(response) {
    const all = this.#handlers;
    if (typeof response !== "object" || response === null || !ObjectPrototypeIsPrototypeOf(ResponsePrototype, response)) {
      throw new TypeError("Failed to execute 'transform' on 'HTMLRewriter': parameter 1 is not of type 'Response'.");
    }
    const body = ReflectApply(bodyOf, response, []);
    if (body === null) return response;
    if (ReflectApply(bodyUsedOf, response, [])) {
      throw new TypeError(
        "This ReadableStream is disturbed (has already been read from), and cannot be used as a body.",
      );
    }
    const session = new Session(ArrayPrototypeSlice(all), body, charsetOf(response));
    const stream = new ReadableStream({
      async pull(controller) {
        const piece = await session.next();
        if (piece !== null) return controller.enqueue(piece);
        session.close();
        controller.close();
      },
      cancel(reason) {
        return session.cancel(reason);
      },
    }, ahead);
    const rewritten = new Response(stream, response);
    // Its length is another.
    ReflectApply(headersOf, rewritten, []).delete("content-length");
    return rewritten;
  }
}
ObjectDefineProperty(HTMLRewriter.prototype, SymbolToStringTag, { __proto__: null, value: "HTMLRewriter", configurable: true });

refuseClones(HTMLRewriter.prototype);

return { HTMLRewriter };
})();
