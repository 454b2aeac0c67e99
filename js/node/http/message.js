// HTTP/1.1 messages (RFC 9112) out of bytes, as they come. Strict: what another reader might read otherwise is an error, so that no request or answer hides
// in another. Line ends are CR LF, no line is folded, one of Content-Length and Transfer-Encoding says where a body ends.
(function () {
const { core, primordials } = __bootstrap;
const { op_node_text } = core.ops;
const {
  ArrayPrototypePush,
  Error,
  MathMin,
  NumberParseInt,
  RegExpPrototypeExec,
  SafeWeakMap,
  StringPrototypeIndexOf,
  StringPrototypeSlice,
  StringPrototypeSplit,
  StringPrototypeToLowerCase,
  StringPrototypeTrim,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  Uint8Array,
  WeakMapPrototypeHas,
  WeakMapPrototypeSet,
} = primordials;

const REQUEST = 1;
const RESPONSE = 2;

// What a parser reads next.
const HEAD = 0;
const LENGTH = 1;
const UNTIL_CLOSE = 2;
const SIZE = 3;
const CHUNK = 4;
const CHUNK_END = 5;
const TRAILERS = 6;
const STOPPED = 7;

// What onHead() answers where there is no body, or where what follows is another protocol.
const NO_BODY = 1;
const UPGRADED = 2;

// As op_node_text() counts encodings.
const LATIN1 = 1;
const CR = 0x0d;
const LF = 0x0a;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(1)\.([01])$/;
const STATUS_LINE = /^HTTP\/(1)\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const NAME = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):/;
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,13})(?:;[\t\x20-\x7e]*)?$/;
const NO_TEXT = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
// Fields that say where a message ends or whose it is: none of them comes after its body (RFC 9110, section 6.5.1).
const FRAMING = { __proto__: null, "content-length": true, host: true, "transfer-encoding": true };
const DIGITS = /^[0-9]{1,15}$/;
// The longest line of a chunk's size, with its extensions.
const LONGEST_SIZE = 4096;

const failures = new SafeWeakMap();

// What is wrong with a message. Whoever is told of it may throw these, and what else they throw is their own.
function failure(code, reason) {
  const error = new Error(`Parse Error: ${reason}`);
  error.code = code;
  error.reason = reason;
  WeakMapPrototypeSet(failures, error, true);
  return error;
}

const isFailure = (error) => typeof error === "object" && error !== null && WeakMapPrototypeHas(failures, error);

function matches(pattern, text) {
  return RegExpPrototypeExec(pattern, text) !== null;
}

function part(bytes, start, end) {
  return new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes) + start, end - start);
}

// The elements of a list in a field's value, in lower case.
function elements(value) {
  const list = StringPrototypeSplit(StringPrototypeToLowerCase(value), ",");
  for (let i = 0; i < list.length; i++) list[i] = StringPrototypeTrim(list[i]);
  return list;
}

function holds(list, element) {
  for (let i = 0; i < list.length; i++) {
    if (list[i] === element) return true;
  }
  return false;
}

const isSpace = (unit) => unit === " " || unit === "\t";

// `[name, value, name, value]`.
function fields(lines, from) {
  const list = [];
  for (let i = from; i < lines.length; i++) {
    const line = lines[i];
    const found = RegExpPrototypeExec(NAME, line);
    if (found !== null && StringPrototypeIndexOf(line, "\r") !== -1) throw failure("HPE_LF_EXPECTED", "Missing expected LF after header value");
    if (found === null || matches(NO_VALUE, line)) throw failure("HPE_INVALID_HEADER_TOKEN", "Invalid header field");
    // Without the white space around it.
    let start = found[0].length;
    let end = line.length;
    while (start < end && isSpace(line[start])) start++;
    while (end > start && isSpace(line[end - 1])) end--;
    ArrayPrototypePush(list, found[1], StringPrototypeSlice(line, start, end));
  }
  return list;
}

// Reads messages of one kind. `on` is told of each: onBegin(), onHead(head), onBody(bytes), onTrailers(fields), onEnd().
class MessageParser {
  #kind;
  #max;
  #on;
  #state = HEAD;
  #text = "";
  #checked = false;
  #left = 0;
  #chunked = false;
  #paused = false;
  #error = null;

  // `max`: how many bytes a head may have.
  constructor(kind, max, on) {
    this.#kind = kind;
    this.#max = max;
    this.#on = on;
  }

  pause() {
    this.#paused = true;
  }

  resume() {
    this.#paused = false;
  }

  // Whether it is between two messages.
  get idle() {
    return this.#state === HEAD && this.#text === "";
  }

  // Gives how many of the bytes were read, or the error that ends it.
  execute(bytes) {
    if (this.#error !== null) return this.#error;
    const end = TypedArrayPrototypeGetByteLength(bytes);
    let at = 0;
    try {
      while (at < end && !this.#paused && this.#state !== STOPPED) at = this.#step(bytes, at, end);
      return at;
    } catch (error) {
      this.#state = STOPPED;
      this.#error = isFailure(error) ? error : failure("HPE_USER", "A listener has thrown");
      if (!isFailure(error)) throw error;
      error.bytesParsed = at;
      return error;
    }
  }

  // No byte follows. Gives the error of a message that is not whole.
  finish() {
    if (this.#error !== null || this.#state === STOPPED || this.idle) return undefined;
    if (this.#state === UNTIL_CLOSE) {
      this.#end();
      return undefined;
    }
    this.#state = STOPPED;
    return this.#error = failure("HPE_INVALID_EOF_STATE", "Invalid EOF state");
  }

  #step(bytes, at, end) {
    switch (this.#state) {
      case HEAD:
        return this.#head(bytes, at, end);
      case LENGTH:
      case CHUNK: {
        const size = MathMin(this.#left, end - at);
        this.#left -= size;
        const piece = part(bytes, at, at + size);
        if (this.#left === 0 && this.#state === CHUNK) this.#state = CHUNK_END;
        this.#on.onBody(piece);
        if (this.#left === 0 && this.#state === LENGTH) this.#end();
        return at + size;
      }
      case UNTIL_CLOSE:
        this.#on.onBody(part(bytes, at, end));
        return end;
      case SIZE:
        return this.#line(bytes, at, end, LONGEST_SIZE, "\r\n", (line) => {
          const found = RegExpPrototypeExec(CHUNK_SIZE, line);
          if (found === null) throw failure("HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size");
          this.#left = NumberParseInt(found[1], 16);
          this.#state = this.#left === 0 ? TRAILERS : CHUNK;
          // An empty trailer section has no field, and the line that ends it alone.
          if (this.#left === 0) this.#text = "\r\n";
        });
      case CHUNK_END:
        if (bytes[at] !== (this.#text === "" ? CR : LF)) throw failure("HPE_STRICT", "Expected CR LF after chunk data");
        if (this.#text === "") {
          this.#text = "\r";
        } else {
          this.#text = "";
          this.#state = SIZE;
        }
        return at + 1;
      default:
        return this.#line(bytes, at, end, this.#max, "\r\n\r\n", (text) => {
          const trailers = text === "" ? [] : fields(StringPrototypeSplit(StringPrototypeSlice(text, 2), "\r\n"), 0);
          for (let i = 0; i < trailers.length; i += 2) {
            if (FRAMING[StringPrototypeToLowerCase(trailers[i])]) throw failure("HPE_INVALID_HEADER_TOKEN", `${trailers[i]} after a body`);
          }
          if (trailers.length > 0) this.#on.onTrailers(trailers);
          this.#end();
        });
    }
  }

  // Gathers text as far as `stop`, and gives it to `use` without that.
  #line(bytes, at, end, max, stop, use) {
    const before = this.#text.length;
    const taken = MathMin(end - at, max + stop.length - before);
    const text = this.#text + op_node_text(bytes, at, at + taken, LATIN1);
    const found = StringPrototypeIndexOf(text, stop, before > stop.length ? before - stop.length : 0);
    if (found === -1) {
      if (text.length >= max + stop.length) {
        throw failure(
          this.#state === SIZE ? "HPE_CHUNK_EXTENSIONS_OVERFLOW" : "HPE_HEADER_OVERFLOW",
          this.#state === SIZE ? "Chunk extensions overflow" : "Header overflow",
        );
      }
      this.#text = text;
      return at + taken;
    }
    this.#text = "";
    use(StringPrototypeSlice(text, 0, found));
    return at + found + stop.length - before;
  }

  #head(bytes, at, end) {
    if (this.#text === "") {
      // Empty lines before a message (RFC 9112, section 2.2).
      if (bytes[at] === CR || bytes[at] === LF) return at + 1;
      this.#checked = false;
      this.#on.onBegin();
    }
    const next = this.#line(bytes, at, end, this.#max, "\r\n\r\n", (text) => this.#parse(text));
    if (this.#state === HEAD && !this.#checked && this.#text !== "") this.#peek();
    return next;
  }

  // What is no HTTP is known before its end.
  #peek() {
    if (matches(NO_TEXT, this.#text)) throw this.#noMessage();
    const first = StringPrototypeIndexOf(this.#text, "\r\n");
    if (first === -1) return;
    this.#checked = true;
    const line = StringPrototypeSlice(this.#text, 0, first);
    if (!matches(this.#kind === REQUEST ? REQUEST_LINE : STATUS_LINE, line)) throw this.#noMessage();
  }

  #noMessage() {
    return this.#kind === REQUEST
      ? failure("HPE_INVALID_METHOD", "Invalid request line")
      : failure("HPE_INVALID_CONSTANT", "Expected HTTP/1.1 status line");
  }

  #parse(text) {
    const lines = StringPrototypeSplit(text, "\r\n");
    const found = RegExpPrototypeExec(this.#kind === REQUEST ? REQUEST_LINE : STATUS_LINE, lines[0]);
    if (found === null) throw this.#noMessage();
    const headers = fields(lines, 1);
    const request = this.#kind === REQUEST;
    const minor = +found[4 - (request ? 0 : 2)];
    const head = {
      __proto__: null,
      method: request ? found[1] : undefined,
      target: request ? found[2] : "",
      status: request ? 0 : +found[3],
      reason: request ? "" : found[4] ?? "",
      major: 1,
      minor,
      headers,
      keepAlive: minor === 1,
      upgrade: request && found[1] === "CONNECT",
      // Bytes of its body; -1 where no field says it.
      length: -1,
      chunked: false,
    };
    this.#frame(head);
    this.#begin(head);
  }

  // Where the body ends, and what becomes of the connection.
  #frame(head) {
    const { headers } = head;
    let coding = null;
    let asked = false;
    let named = false;
    for (let i = 0; i < headers.length; i += 2) {
      const value = headers[i + 1];
      switch (StringPrototypeToLowerCase(headers[i])) {
        case "content-length":
          if (head.length !== -1) throw failure("HPE_UNEXPECTED_CONTENT_LENGTH", "Content-Length already present");
          if (!matches(DIGITS, value)) throw failure("HPE_INVALID_CONTENT_LENGTH", "Invalid character in Content-Length");
          head.length = +value;
          break;
        case "transfer-encoding":
          coding = coding === null ? value : `${coding},${value}`;
          break;
        case "connection": {
          const options = elements(value);
          if (holds(options, "close")) head.keepAlive = false;
          else if (holds(options, "keep-alive")) head.keepAlive = true;
          asked ||= holds(options, "upgrade");
          break;
        }
        case "upgrade":
          named = true;
      }
    }
    if (coding !== null) {
      if (head.length !== -1) throw failure("HPE_INVALID_TRANSFER_ENCODING", "Transfer-Encoding can't be present with Content-Length");
      const codings = elements(coding);
      head.chunked = codings[codings.length - 1] === "chunked";
      // Nobody else takes these for one thing: of a request nobody knows the end, or what it is in.
      if (this.#kind === REQUEST && (codings.length !== 1 || !head.chunked || head.minor === 0)) {
        throw failure("HPE_INVALID_TRANSFER_ENCODING", "Request has invalid `Transfer-Encoding`");
      }
      head.coded = true;
    }
    if (asked && named && (this.#kind === REQUEST || head.status === 101)) head.upgrade = true;
  }

  #begin(head) {
    const answer = this.#on.onHead(head);
    // The listener may have stopped it.
    if (this.#error !== null || this.#state === STOPPED) return;
    if (answer === UPGRADED) {
      this.#end();
      this.#state = STOPPED;
      return;
    }
    const { status } = head;
    const none = answer === NO_BODY || (this.#kind === RESPONSE && (status < 200 || status === 204 || status === 304));
    if (none || head.length === 0) return this.#end();
    this.#left = head.length;
    if (head.chunked) this.#state = SIZE;
    else if (head.length > 0) this.#state = LENGTH;
    else if (this.#kind === RESPONSE) this.#state = UNTIL_CLOSE;
    else this.#end();
  }

  #end() {
    this.#state = HEAD;
    this.#text = "";
    this.#on.onEnd();
  }
}

return { failure, MessageParser, NO_BODY, REQUEST, RESPONSE, UPGRADED };
})();
