//! Changes to events.

use super::{Patch, each, patch};

const ABORT: &str = "ext:deno_web/03_abort_signal.js";
const EVENT: &str = "ext:deno_web/02_event.js";

pub(super) const PATCHES: &[Patch] = &[
    // Scripts may have put anything in the place of `globalThis.dispatchEvent`.
    patch(
        EVENT,
        "  if (reportExceptionStackedCalls > 1 || globalThis_.dispatchEvent(event)) {\n",
        "  const heard = reportExceptionStackedCalls === 1 && listenerCount(globalThis_, \"error\") > 0;\n  \
             if (reportExceptionStackedCalls > 1 || FunctionPrototypeCall(dispatchEvent, globalThis_, event)) {\n",
    ),
    patch(
        EVENT,
        "let reportExceptionStackedCalls = 0;\n",
        "const { dispatchEvent } = EventTarget.prototype;\nlet reportExceptionStackedCalls = 0;\n",
    ),
    patch(
        EVENT,
        "    core.reportUnhandledException(error);\n",
        "    core.reportUnhandledException(error, heard);\n",
    ),
    // Neither is a member by the standard, and nothing reads them.
    patch(EVENT, "  getParent(_event) {\n    return null;\n  }\n\n", ""),
    patch(EVENT, "  get initialized() {\n    return true;\n  }\n\n", ""),
    // https://html.spec.whatwg.org/#the-event-handler-processing-algorithm
    patch(
        EVENT,
        "    return FunctionPrototypeCall(wrappedHandler.handler, this, evt);\n  }\n",
        "    const ret = FunctionPrototypeCall(wrappedHandler.handler, this, evt);\n    if (ret === false) evt.preventDefault();\n    return ret;\n  }\n",
    ),
    // Who dispatches an event may want to know whether a listener of it threw.
    patch(
        EVENT,
        "    } catch (error) {\n      reportException(error);\n    }\n\n    setInPassiveListener(eventImpl, false);\n",
        "    } catch (error) {\n      if (eventImpl === watched && thrown === null) thrown = { __proto__: null, error };\n      reportException(error);\n    }\n\n    \
             setInPassiveListener(eventImpl, false);\n",
    ),
    patch(
        EVENT,
        "let reportExceptionStackedCalls = 0;\n",
        "// The event whose listeners are watched, and what the first of them threw, as `{ error }`.\n\
         let watched = null;\nlet thrown = null;\n\n\
         function dispatchWatched(target, event) {\n  watched = event;\n  thrown = null;\n  \
           FunctionPrototypeCall(dispatchEvent, target, event);\n  watched = null;\n  return thrown;\n}\n\nlet reportExceptionStackedCalls = 0;\n",
    ),
    patch(
        EVENT,
        "  dispatch,\n  ErrorEvent,\n",
        "  dispatch,\n  dispatchWatched,\n  ErrorEvent,\n",
    ),
    // https://dom.spec.whatwg.org/#interface-event: operations are enumerable, attributes are an event's only, and what is optional counts for
    // no `length`.
    patch(
        EVENT,
        "const EVENT_PROPS = [\n",
        "const EVENT_OPERATIONS = [\"composedPath\", \"preventDefault\", \"stopImmediatePropagation\", \"stopPropagation\", \"cancelBubble\"];\n\n\
         const EVENT_PROPS = [\n",
    ),
    patch(
        EVENT,
        "defineEnumerableProps(Event, EVENT_PROPS);\n",
        "defineEnumerableProps(Event, EVENT_PROPS);\ndefineEnumerableProps(Event, EVENT_OPERATIONS);\n",
    ),
    patch(
        EVENT,
        "  get srcElement() {\n    return null;\n  }\n",
        "  get srcElement() {\n    return this[_attributes].target;\n  }\n",
    ),
    patch(
        EVENT,
        "  get returnValue() {\n    return !this[_canceledFlag];\n",
        "  get returnValue() {\n    assertEvent(this);\n    return !this[_canceledFlag];\n",
    ),
    patch(
        EVENT,
        "  get defaultPrevented() {\n    return this[_canceledFlag];\n",
        "  get defaultPrevented() {\n    assertEvent(this);\n    return this[_canceledFlag];\n",
    ),
    patch(
        EVENT,
        "  get cancelBubble() {\n    return this[_stopPropagationFlag];\n",
        "  get cancelBubble() {\n    assertEvent(this);\n    return this[_stopPropagationFlag];\n",
    ),
    patch(
        EVENT,
        "class Event {\n",
        "function assertEvent(event) {\n  if (event[_attributes] === undefined) throw new TypeError(\"Illegal invocation\");\n}\n\nclass Event {\n",
    ),
    patch(
        EVENT,
        "  addEventListener(\n    type,\n    callback,\n    options,\n  ) {\n",
        "  addEventListener(\n    type,\n    callback,\n    options = undefined,\n  ) {\n",
    ),
    patch(
        EVENT,
        "  removeEventListener(\n    type,\n    callback,\n    options,\n  ) {\n",
        "  removeEventListener(\n    type,\n    callback,\n    options = undefined,\n  ) {\n",
    ),
    patch(ABORT, "  abort(reason) {\n", "  abort(reason = undefined) {\n"),
    // https://websockets.spec.whatwg.org/#the-closeevent-interface
    patch(
        EVENT,
        "    this.#wasClean = wasClean;\n    this.#code = code;\n    this.#reason = reason;\n",
        "    this.#wasClean = webidl.converters.boolean(wasClean);\n    this.#code = webidl.converters[\"unsigned short\"](code);\n    \
             this.#reason = webidl.converters.USVString(reason);\n",
    ),
    patch(
        EVENT,
        "const CloseEventPrototype = CloseEvent.prototype;\n",
        "const CloseEventPrototype = CloseEvent.prototype;\n\n\
         defineEnumerableProps(CloseEvent, [\"wasClean\", \"code\", \"reason\"]);\n\
         ObjectDefineProperty(CloseEventPrototype, SymbolToStringTag, { __proto__: null, value: \"CloseEvent\", configurable: true });\n",
    ),
    // https://html.spec.whatwg.org/#event-handler-idl-attributes
    patch(
        EVENT,
        "    get() {\n      if (!this[_eventHandlers]) {\n        return null;\n      }\n",
        "    get() {\n      if (this !== globalThis_) webidl.assertBranded(this, EventTargetPrototype);\n      \
               if (!this[_eventHandlers]) {\n        return null;\n      }\n",
    ),
    patch(
        EVENT,
        "    set(value) {\n      // All three Web IDL event handler types",
        "    set(value) {\n      if (this !== globalThis_) webidl.assertBranded(this, EventTargetPrototype);\n      // All three Web IDL event handler types",
    ),
    patch(
        EVENT,
        "      \"Failed to execute 'dispatchEvent' on 'EventTarget'\",\n    );\n",
        "      \"Failed to execute 'dispatchEvent' on 'EventTarget'\",\n    );\n    \
             if (!ObjectPrototypeIsPrototypeOf(EventPrototype, event)) {\n      \
             throw new TypeError(\"Failed to execute 'dispatchEvent' on 'EventTarget': parameter 1 is not of type 'Event'.\");\n    }\n",
    ),
    // https://dom.spec.whatwg.org/#callbackdef-eventlistener
    patch(
        EVENT,
        "    webidl.requiredArguments(arguments.length, 2, prefix);\n\n    \
             options = addEventListenerOptionsConverter(options, prefix);\n\n    if (callback === null) {\n",
        "    webidl.requiredArguments(arguments.length, 2, prefix);\n\n    \
             options = addEventListenerOptionsConverter(options, prefix);\n\n    \
             if (callback !== undefined && typeof callback !== \"object\" && typeof callback !== \"function\") {\n      \
             throw new TypeError(\n        \
               \"Failed to execute 'addEventListener' on 'EventTarget': parameter 2 is not of type 'function or HandlerObject'.\",\n      );\n    }\n    \
             if (callback === null) {\n",
    ),
    each(
        2,
        EVENT,
        "\"Invalid event state\"",
        "\"The event is already being dispatched.\"",
    ),
    // https://webidl.spec.whatwg.org/#es-attributes: names of getters and setters.
    patch(
        EVENT,
        "  });\n}\n\nconst { dispatchEvent } = EventTarget.prototype;\n",
        "  });\n  const { get, set } = ObjectGetOwnPropertyDescriptor(emitter, `on${name}`);\n  \
           ObjectDefineProperty(get, \"name\", { __proto__: null, value: `get on${name}`, configurable: true });\n  \
           ObjectDefineProperty(set, \"name\", { __proto__: null, value: `set on${name}`, configurable: true });\n}\n\n\
         const { dispatchEvent } = EventTarget.prototype;\n",
    ),
];
