//! Events of the global scope: what nobody caught.

use super::{check, serve};

#[test]
fn what_nobody_caught_is_told_to_listeners() {
    check(
        r#"
let wanted = null;
for (const type of ["error", "unhandledrejection", "rejectionhandled"]) {
  addEventListener(type, (event) => { if (wanted) { event.preventDefault(); wanted(event); } });
}
const next = (cause) => new Promise((resolve) => { wanted = resolve; cause(); }).finally(() => { wanted = null; });
const mine = new RangeError("mine");
"#,
        r#"
["unhandledrejection PromiseRejectionEvent true true true", async () => { let promise; const e = await next(() => { promise = Promise.reject(mine); }); return `${e.type} ${e.constructor.name} ${e.reason === mine} ${e.promise === promise} ${e.cancelable}`; }],
["unhandledrejection undefined", async () => { const e = await next(() => { Promise.reject(); }); return `${e.type} ${e.reason}`; }],
["unhandledrejection true", async () => { const e = await next(() => { (async () => { await scheduler.wait(1); throw mine; })(); }); return `${e.type} ${e.reason === mine}`; }],
["rejectionhandled true true false", async () => { const promise = Promise.reject(mine); await next(() => {}); const e = await next(() => promise.catch(() => {})); return `${e.type} ${e.reason === mine} ${e.promise === promise} ${e.cancelable}`; }],
["error ErrorEvent true true", async () => { const e = await next(() => setTimeout(() => { throw mine; })); return `${e.type} ${e.constructor.name} ${e.error === mine} ${e.cancelable}`; }],
["error 5", async () => { const e = await next(() => { const id = setInterval(() => { clearInterval(id); throw 5; }); }); return `${e.type} ${e.error}`; }],
["error true", async () => { const e = await next(() => queueMicrotask(() => { throw mine; })); return `${e.type} ${e.error === mine}`; }],
["error true true", async () => { const e = await next(() => reportError(mine)); return `${e.type} ${e.error === mine} ${e.message.includes("mine")}`; }],
["error true", async () => { const t = new EventTarget(); t.addEventListener("x", () => { throw mine; }); const e = await next(() => t.dispatchEvent(new Event("x"))); return `${e.type} ${e.error === mine}`; }],
// The event that caused it is the current one: what needs an event works.
["ok", async () => { const e = await next(() => setTimeout(() => { throw mine; })); return e && (await fetch("http://a/", { method: "POST", body: "ok" })).text(); }],
"#,
    );
}

#[test]
fn a_listener_acts_in_the_event_that_caused_it() {
    let server = serve(
        "addEventListener('unhandledrejection', async (event) => {
           event.reason.resolve(await (await fetch('http://a/', { method: 'POST', body: 'seen' })).text());
         });
         addEventListener('error', async (event) => {
           event.preventDefault();
           event.error.resolve(await (await fetch('http://a/', { method: 'POST', body: 'heard' })).text());
         });
         export default { async fetch(request) {
           const seen = await new Promise((resolve) => { Promise.reject({ resolve, what: 'told to the log' }); });
           const heard = await new Promise((resolve) => setTimeout(() => { throw { resolve, what: 'kept from the log' }; }));
           return new Response(`${seen} ${heard}`);
         } };",
    );
    assert_eq!(server.get("/").body, "seen heard", "{}", server.log());
    server.logged("a promise was rejected and nobody handled it");
    server.logged("told to the log");
    assert!(!server.log().contains("kept from the log"), "{}", server.log());
}

#[test]
fn listeners_that_fail_end_nothing() {
    let server = serve(
        "addEventListener('unhandledrejection', () => { throw new Error('in the listener'); });
         addEventListener('error', () => { throw new Error('in the other'); });
         globalThis.dispatchEvent = () => { throw new Error('mine'); };
         export default { async fetch(request) {
           if (request.url.endsWith('/reject')) Promise.reject(new Error('first'));
           if (request.url.endsWith('/throw')) setTimeout(() => { throw new Error('second'); });
           if (request.url.endsWith('/report')) reportError({ get stack() { throw 1; } });
           await scheduler.wait(20);
           return new Response('ok');
         } };",
    );
    for path in ["/reject", "/throw", "/report", "/"] {
        assert_eq!(server.get(path).body, "ok", "{path}: {}", server.log());
    }
    server.logged("first");
    server.logged("second");
}

/// <https://dom.spec.whatwg.org/#interface-event>
#[test]
fn interfaces_of_events_are_the_standards() {
    check(
        "const enumerable = (of, name) => Object.getOwnPropertyDescriptor(of.prototype, name).enumerable;",
        r#"
["true,true,true,true", () => ["composedPath", "preventDefault", "stopImmediatePropagation", "stopPropagation"].map((name) => enumerable(Event, name)).join()],
["true", () => { const target = new EventTarget(); let seen; target.addEventListener("x", (event) => seen = event.srcElement === target); target.dispatchEvent(new Event("x")); return seen; }],
["null", () => new Event("x").srcElement],
["TypeError TypeError", () => Event.prototype.srcElement],
["TypeError TypeError", () => Event.prototype.returnValue],
["TypeError TypeError", () => Event.prototype.defaultPrevented],
["TypeError TypeError", () => Event.prototype.cancelBubble],
["[object CloseEvent] true 65535 1 false", () => { const e = new CloseEvent("close", { wasClean: 1, code: -1, reason: 1 }); return `${e} ${e.wasClean} ${e.code} ${e.reason} ${new CloseEvent("x").wasClean}`; }],
["true,true,true", () => ["wasClean", "code", "reason"].map((name) => enumerable(CloseEvent, name)).join()],
["TypeError", () => { try { WebSocket.prototype.onopen; } catch (error) { return error.name; } }],
["TypeError", () => { try { AbortSignal.prototype.onabort; } catch (error) { return error.name; } }],
["null", () => new AbortController().signal.onabort],
["get onopen,set onopen", () => { const { get, set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onopen"); return [get.name, set.name].join(); }],
["null,true", () => { const { port1 } = new MessageChannel(); const before = port1.onmessage; port1.onmessage = () => {}; const after = typeof port1.onmessage === "function"; port1.close(); return [String(before), after].join(); }],
["2,2,1,0", () => [EventTarget.prototype.addEventListener, EventTarget.prototype.removeEventListener, EventTarget.prototype.dispatchEvent, AbortController.prototype.abort].map((f) => f.length).join()],
"#,
    );
}

/// <https://w3c.github.io/performance-timeline/#the-performanceentry-interface>
#[test]
fn entries_of_the_timeline_have_numbers() {
    check(
        "",
        r#"
["true 0", () => { const [a, b] = [performance.mark("a"), performance.mark("b")]; return `${b.id > a.id && a.id > 0} ${a.navigationId}`; }],
["TypeError", () => { try { PerformanceEntry.prototype.id; } catch (error) { return error.name; } }],
["0", () => String(PerformanceObserverEntryList.length)],
"#,
    );
}

#[test]
fn handlers_of_the_global_scope_and_what_handlers_give() {
    check(
        r#"
const set = async (name, handler, cause) => { globalThis[name] = handler; try { cause(); await scheduler.wait(5); } finally { globalThis[name] = null; } };
const mine = new RangeError("mine");
const dispatched = (result) => { const { signal } = new AbortController(); signal.onabort = () => result; const event = new Event("abort", { cancelable: true }); return `${signal.dispatchEvent(event)} ${event.defaultPrevented}`; };
"#,
        r#"
["null null null", () => `${onerror} ${onunhandledrejection} ${onrejectionhandled}`],
["Uncaught RangeError: mine string number number true", async () => { let said; await set("onerror", (...given) => { said = [given[0], typeof given[1], typeof given[2], typeof given[3], given[4] === mine].join(" "); return true; }, () => reportError(mine)); return said; }],
["true", async () => { let said; await set("onunhandledrejection", (event) => { said = event.reason === mine; return false; }, () => { Promise.reject(mine); }); return `${said}`; }],
["null", () => { onerror = 5; return `${onerror}`; }],
// https://html.spec.whatwg.org/#the-event-handler-processing-algorithm
["false true", () => dispatched(false)],
["true false", () => dispatched(true)],
["true false", () => dispatched(undefined)],
["undefined undefined", () => `${typeof EventTarget.prototype.getParent} ${typeof Event.prototype.initialized}`],
"#,
    );
}
