// What HTMLRewriter's handlers are given: tokens of the parser, which are good until their handler is done.
// https://developers.cloudflare.com/workers/runtime-apis/html-rewriter/
(function () {
const { core, primordials } = __bootstrap;
const {
  op_rewriter_attributes,
  op_rewriter_change,
  op_rewriter_end_tag,
  op_rewriter_flag,
  op_rewriter_insert,
  op_rewriter_insert_stream,
  op_rewriter_text,
} = core.ops;
const {
  ArrayIteratorPrototype,
  ObjectDefineProperty,
  ObjectGetPrototypeOf,
  ObjectPrototypeIsPrototypeOf,
  ObjectSetPrototypeOf,
  String,
  SymbolToStringTag,
  TypeError,
} = primordials;
const { ReadableStreamPrototype } = core.loadExtScript("ext:deno_web/06_streams.js");
const { ResponsePrototype } = core.loadExtScript("ext:deno_fetch/23_response.js");

// As in ops/html_rewriter.rs.
const TEXT = { __proto__: null, name: 0, namespace: 1, attribute: 2, text: 3, publicId: 4, systemId: 5 };
const FLAG = { __proto__: null, hasAttribute: 0, removed: 1, last: 2, canHaveContent: 3, selfClosing: 4 };
const CHANGE = { __proto__: null, remove: 0, removeTags: 1, setName: 2, setAttribute: 3, removeAttribute: 4, setText: 5 };
const PLACE = { __proto__: null, before: 0, after: 1, replace: 2, prepend: 3, append: 4, inner: 5 };

const ILLEGAL = { __proto__: null };

function isStream(content) {
  return typeof content === "object" && content !== null &&
    (ObjectPrototypeIsPrototypeOf(ReadableStreamPrototype, content) || ObjectPrototypeIsPrototypeOf(ResponsePrototype, content));
}

class Token {
  #session = null;

  constructor(illegal, session) {
    if (illegal !== ILLEGAL) throw new TypeError("Illegal constructor");
    this.#session = session;
  }

  // The session, while the handler of this token runs.
  static session(token) {
    const session = token.#session;
    if (session === null) {
      throw new TypeError(
        "This content token is no longer valid. Content tokens are only valid during the execution of the relevant content handler.",
      );
    }
    return session;
  }

  static end(token) {
    token.#session = null;
  }
}
const { end, session } = Token;
delete Token.end;
delete Token.session;

const text = (token, property, name = "") => op_rewriter_text(session(token).rid, property, name);
const flag = (token, property, name = "") => op_rewriter_flag(session(token).rid, property, name);

function change(token, what, first = "", second = "") {
  op_rewriter_change(session(token).rid, what, first, second);
  return token;
}

function insert(token, place, content, options) {
  const current = session(token);
  const html = options !== undefined && options !== null && !!options.html;
  if (isStream(content)) {
    const number = current.addStream(content);
    op_rewriter_insert_stream(current.rid, place, number, html);
  } else {
    op_rewriter_insert(current.rid, place, String(content), html);
  }
  return token;
}

function required(count, wanted, name) {
  if (count < wanted) throw new TypeError(`Failed to execute '${name}': ${wanted} argument${wanted === 1 ? "" : "s"} required, but only ${count} present.`);
}

// What has a place in the document: content goes before and behind it, and it can be taken out.
class Placed extends Token {
  before(content, options) {
    required(arguments.length, 1, "before");
    return insert(this, PLACE.before, content, options);
  }

  after(content, options) {
    required(arguments.length, 1, "after");
    return insert(this, PLACE.after, content, options);
  }

  remove() {
    return change(this, CHANGE.remove);
  }
}

class Removable extends Placed {
  get removed() {
    return flag(this, FLAG.removed);
  }

  replace(content, options) {
    required(arguments.length, 1, "replace");
    return insert(this, PLACE.replace, content, options);
  }
}

// Names and values, as long as the element's handler runs.
class AttributesIterator {
  #element;
  #attributes;
  #next = 0;

  constructor(illegal, element, attributes) {
    if (illegal !== ILLEGAL) throw new TypeError("Illegal constructor");
    this.#element = element;
    this.#attributes = attributes;
  }

  next() {
    session(this.#element);
    const at = this.#next;
    if (at >= this.#attributes.length) return { value: undefined, done: true };
    this.#next += 2;
    return { value: [this.#attributes[at], this.#attributes[at + 1]], done: false };
  }
}
ObjectSetPrototypeOf(AttributesIterator.prototype, ObjectGetPrototypeOf(ArrayIteratorPrototype));

class Element extends Removable {
  get tagName() {
    return text(this, TEXT.name);
  }

  set tagName(name) {
    change(this, CHANGE.setName, String(name));
  }

  get attributes() {
    return new AttributesIterator(ILLEGAL, this, op_rewriter_attributes(session(this).rid));
  }

  get namespaceURI() {
    return text(this, TEXT.namespace);
  }

  get canHaveContent() {
    return flag(this, FLAG.canHaveContent);
  }

  get selfClosing() {
    return flag(this, FLAG.selfClosing);
  }

  getAttribute(name) {
    required(arguments.length, 1, "getAttribute");
    return text(this, TEXT.attribute, String(name));
  }

  hasAttribute(name) {
    required(arguments.length, 1, "hasAttribute");
    return flag(this, FLAG.hasAttribute, String(name));
  }

  setAttribute(name, value) {
    required(arguments.length, 2, "setAttribute");
    return change(this, CHANGE.setAttribute, String(name), String(value));
  }

  removeAttribute(name) {
    required(arguments.length, 1, "removeAttribute");
    return change(this, CHANGE.removeAttribute, String(name));
  }

  prepend(content, options) {
    required(arguments.length, 1, "prepend");
    return insert(this, PLACE.prepend, content, options);
  }

  append(content, options) {
    required(arguments.length, 1, "append");
    return insert(this, PLACE.append, content, options);
  }

  setInnerContent(content, options) {
    required(arguments.length, 1, "setInnerContent");
    return insert(this, PLACE.inner, content, options);
  }

  removeAndKeepContent() {
    return change(this, CHANGE.removeTags);
  }

  onEndTag(handler) {
    if (typeof handler !== "function") throw new TypeError("Failed to execute 'onEndTag' on 'Element': parameter 1 is not of type 'Function'.");
    const current = session(this);
    const number = current.addEndTag(handler);
    try {
      op_rewriter_end_tag(current.rid, number);
    } catch (error) {
      current.takeEndTag(number);
      throw error;
    }
  }
}

class EndTag extends Placed {
  get name() {
    return text(this, TEXT.name);
  }

  set name(name) {
    change(this, CHANGE.setName, String(name));
  }
}

class Comment extends Removable {
  get text() {
    return text(this, TEXT.text);
  }

  set text(value) {
    change(this, CHANGE.setText, String(value));
  }
}

class Text extends Removable {
  get text() {
    return text(this, TEXT.text);
  }

  get lastInTextNode() {
    return flag(this, FLAG.last);
  }
}

class Doctype extends Token {
  get name() {
    return text(this, TEXT.name);
  }

  get publicId() {
    return text(this, TEXT.publicId);
  }

  get systemId() {
    return text(this, TEXT.systemId);
  }
}

class DocumentEnd extends Token {
  append(content, options) {
    required(arguments.length, 1, "append");
    return insert(this, PLACE.append, content, options);
  }
}

// By the numbers of ops/html_rewriter/protocol.rs.
const KINDS = [undefined, Element, Comment, Text, Doctype, DocumentEnd, EndTag];
for (let i = 1; i < KINDS.length; i++) {
  const { name, prototype } = KINDS[i];
  ObjectDefineProperty(prototype, SymbolToStringTag, { __proto__: null, value: name, configurable: true });
}

function newToken(kind, of) {
  return new KINDS[kind](ILLEGAL, of);
}

return { end, newToken };
})();
