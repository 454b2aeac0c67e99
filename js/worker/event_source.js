// https://html.spec.whatwg.org/#server-sent-events, and what Workers add: `EventSource.from()`, the option `fetcher`. Its requests
// are the worker's own, so that each of them passes the policy, the ones that connect again too.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeJoin,
  ArrayPrototypePush,
  FunctionPrototypeCall,
  Number,
  ObjectDefineProperties,
  ObjectPrototypeIsPrototypeOf,
  PromisePrototypeThen,
  ReflectApply,
  RegExpPrototypeExec,
  SafeRegExp,
  StringPrototypeCharCodeAt,
  StringPrototypeIncludes,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeStartsWith,
  StringPrototypeToLowerCase,
  SymbolDispose,
  TypeError,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { defineEventHandler, ErrorEvent, Event, EventTarget, MessageEvent, setIsTrusted } = core.loadExtScript("ext:deno_web/02_event.js");
const { AbortController } = core.loadExtScript("ext:deno_web/03_abort_signal.js");
const { ReadableStreamDefaultReader, ReadableStreamPrototype } = core.loadExtScript("ext:deno_web/06_streams.js");
const { TextDecoder } = core.loadExtScript("ext:deno_web/08_text_encoding.js");
const { Request } = core.loadExtScript("ext:deno_fetch/23_request.js");
const { toInnerResponse } = core.loadExtScript("ext:deno_fetch/23_response.js");
const { fetch } = core.loadExtScript("ext:deno_fetch/26_fetch.js");
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { clearTimeout, setTimeout } = core.loadExtScript("ext:workerd_lite/worker/timers.js");

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;
// After how long it connects again, in milliseconds, where the server says nothing of it: as on Workers.
const RECONNECTION_TIME = 2000;
const TYPE = new SafeRegExp(/^text\/event-stream *(;|$)/i);
const DIGITS = new SafeRegExp(/^[0-9]+$/);

const { dispatchEvent } = EventTarget.prototype;
const { decode } = TextDecoder.prototype;
const { cancel: cancelReader, read } = ReadableStreamDefaultReader.prototype;
const { abort } = AbortController.prototype;

// Lines that end by CR, LF or both, out of text that comes in pieces.
class Lines {
  #parts = [];
  #afterReturn = false;

  // Calls `each` for every line that is whole by now, until it gives true.
  add(text, each) {
    let start = 0;
    for (let i = 0; i < text.length; i++) {
      const code = StringPrototypeCharCodeAt(text, i);
      const second = this.#afterReturn && code === 10;
      this.#afterReturn = code === 13;
      if (second) {
        start = i + 1;
      } else if (code === 10 || code === 13) {
        ArrayPrototypePush(this.#parts, StringPrototypeSlice(text, start, i));
        const line = ArrayPrototypeJoin(this.#parts, "");
        this.#parts = [];
        start = i + 1;
        if (each(line)) return;
      }
    }
    if (start < text.length) ArrayPrototypePush(this.#parts, StringPrototypeSlice(text, start));
  }
}

const disconnected = () => new DOMException("The server disconnected.", "AbortError");

// As Workers have it: an event that says what went wrong.
function failure(error) {
  let message = "";
  try {
    message = `${error?.message ?? error}`;
  } catch {
    // What a script's own stream failed with may have no text.
  }
  return new ErrorEvent("error", { __proto__: null, error, message });
}

class EventSource extends EventTarget {
  #url = "";
  #origin = "";
  #fetcher = null;
  #state = CONNECTING;
  #lastEventId = "";
  #idBuffer = "";
  #retry = RECONNECTION_TIME;
  #timer = null;
  #abort = null;
  #reader = null;
  #data = [];
  #type = "";

  constructor(url, init = undefined) {
    super();
    this[webidl.brand] = webidl.brand;
    // `from()` has a stream, and no URL.
    if (url === webidl.brand) return;
    const prefix = "Failed to construct 'EventSource'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    const given = webidl.converters.USVString(url, prefix, "Argument 1");
    const { fetcher, withCredentials } = init ?? {};
    if (withCredentials) {
      throw new DOMException("The init.withCredentials option is not supported. It must be false or undefined.", "NotSupportedError");
    }
    let parsed;
    try {
      parsed = new URL(given);
    } catch {
      throw new DOMException(`Cannot open an EventSource to '${given}'. The URL is invalid.`, "SyntaxError");
    }
    if (fetcher !== undefined && fetcher !== null) this.#fetcher = fetcher;
    requireContext();
    this.#url = parsed.href;
    this.#connect();
  }

  static from(stream) {
    const prefix = "Failed to execute 'from' on 'EventSource'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    if (!ObjectPrototypeIsPrototypeOf(ReadableStreamPrototype, stream)) {
      throw new TypeError(`${prefix}: Argument 1 is not a ReadableStream`);
    }
    const source = new EventSource(webidl.brand);
    source.#state = OPEN;
    source.#follow(stream, (error) => source.#fail(error));
    return source;
  }

  get url() {
    webidl.assertBranded(this, EventSourcePrototype);
    return this.#url;
  }

  get withCredentials() {
    webidl.assertBranded(this, EventSourcePrototype);
    return false;
  }

  get readyState() {
    webidl.assertBranded(this, EventSourcePrototype);
    return this.#state;
  }

  close() {
    webidl.assertBranded(this, EventSourcePrototype);
    this.#state = CLOSED;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#abort !== null) ReflectApply(abort, this.#abort, []);
    if (this.#reader !== null) PromisePrototypeThen(ReflectApply(cancelReader, this.#reader, []), undefined, () => {});
    this.#reader = null;
  }

  [SymbolDispose]() {
    this.close();
  }

  #tell(event) {
    setIsTrusted(event, true);
    FunctionPrototypeCall(dispatchEvent, this, event);
  }

  // What is thrown here would be an unhandled rejection.
  async #connect() {
    this.#abort = new AbortController();
    const headers = [["accept", "text/event-stream"], ["cache-control", "no-cache"]];
    // A header's bytes are the text's UTF-8.
    if (this.#lastEventId !== "") ArrayPrototypePush(headers, ["last-event-id", this.#lastEventId]);
    let response;
    try {
      const request = new Request(this.#url, { __proto__: null, headers, signal: this.#abort.signal });
      response = toInnerResponse(this.#fetcher === null ? await fetch(request) : await this.#fetcher.fetch(request));
    } catch (error) {
      return this.#again(error);
    }
    if (this.#state === CLOSED) return;
    let type = "";
    for (let i = 0; i < response.headerList.length; i++) {
      if (StringPrototypeToLowerCase(response.headerList[i][0]) === "content-type") type = response.headerList[i][1];
    }
    if (response.status !== 200 || RegExpPrototypeExec(TYPE, type) === null) {
      if (response.body !== null && !response.body.unusable()) response.body.cancel();
      const why = response.status === 200
        ? `The content type '${type}' is invalid.`
        : `The response status code was ${response.status}.`;
      return this.#fail(new DOMException(why, "AbortError"));
    }
    this.#origin = new URL(response.url() ?? this.#url).origin;
    this.#state = OPEN;
    this.#tell(new Event("open"));
    if (this.#state === CLOSED) return;
    if (response.body === null) return this.#again(disconnected());
    this.#follow(response.body.stream, (error) => this.#again(error));
  }

  async #follow(stream, atEnd) {
    const decoder = new TextDecoder();
    const lines = new Lines();
    const more = { __proto__: null, stream: true };
    const each = (line) => {
      this.#line(line);
      return this.#state === CLOSED;
    };
    this.#data = [];
    this.#type = "";
    this.#idBuffer = this.#lastEventId;
    try {
      const reader = this.#reader = new ReadableStreamDefaultReader(stream);
      for (;;) {
        const { done, value } = await ReflectApply(read, reader, []);
        if (done || this.#state === CLOSED) break;
        lines.add(typeof value === "string" ? value : ReflectApply(decode, decoder, [value, more]), each);
      }
    } catch (error) {
      this.#reader = null;
      return atEnd(error);
    }
    this.#reader = null;
    atEnd(disconnected());
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = StringPrototypeIndexOf(line, ":");
    if (colon === 0) return;
    const field = colon === -1 ? line : StringPrototypeSlice(line, 0, colon);
    let value = colon === -1 ? "" : StringPrototypeSlice(line, colon + 1);
    if (StringPrototypeStartsWith(value, " ")) value = StringPrototypeSlice(value, 1);
    if (field === "data") ArrayPrototypePush(this.#data, value);
    else if (field === "event") this.#type = value;
    else if (field === "id" && !StringPrototypeIncludes(value, "\0")) this.#idBuffer = value;
    else if (field === "retry" && RegExpPrototypeExec(DIGITS, value) !== null) this.#retry = Number(value);
  }

  #dispatch() {
    this.#lastEventId = this.#idBuffer;
    const data = this.#data;
    const type = this.#type || "message";
    this.#data = [];
    this.#type = "";
    if (data.length === 0) return;
    const event = new MessageEvent(type, {
      __proto__: null,
      data: ArrayPrototypeJoin(data, "\n"),
      lastEventId: this.#lastEventId,
      origin: this.#origin,
    });
    this.#tell(event);
  }

  #again(error) {
    if (this.#state === CLOSED) return;
    this.#state = CONNECTING;
    this.#tell(failure(error));
    if (this.#state === CLOSED) return;
    try {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#connect();
      }, this.#retry);
    } catch (error) {
      // The event has as many timers as it may, or has ended.
      this.#fail(error);
    }
  }

  #fail(error) {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#tell(failure(error));
  }
}
webidl.configureInterface(EventSource);
core.loadExtScript("ext:workerd_lite/worker/inspect.js").inspected("EventSource", EventSource);
const EventSourcePrototype = EventSource.prototype;

const constant = (value) => ({ __proto__: null, value, enumerable: true });
const CONSTANTS = { __proto__: null, CONNECTING: constant(CONNECTING), OPEN: constant(OPEN), CLOSED: constant(CLOSED) };
ObjectDefineProperties(EventSource, CONSTANTS);
ObjectDefineProperties(EventSourcePrototype, CONSTANTS);
defineEventHandler(EventSourcePrototype, "open");
defineEventHandler(EventSourcePrototype, "message");
defineEventHandler(EventSourcePrototype, "error");

return { EventSource };
})();
