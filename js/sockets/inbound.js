// A connection that somebody asks of this worker: its `connect(socket, env, ctx)` handler. https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/
// The handler takes the connection by its first look at one of the socket's streams, or hands on another by returning it; else it refuses.
(function () {
const { core, primordials } = __bootstrap;
const { op_event_fail, op_event_respond, op_tcp_end, op_tcp_ended, op_tcp_hold, op_tcp_pair, op_tcp_release, op_uncaught } = core.ops;
const { PromisePrototypeThen, PromiseResolve, StringPrototypeToLowerCase, TypeError } = primordials;
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { parseHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { endContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { describeWhole } = core.loadExtScript("ext:workerd_lite/worker/describe.js");
const { handOn, isSocket, lastOf, newSocket } = core.loadExtScript("ext:workerd_lite/sockets/socket.js");

const SECURE = "workerd-lite-secure-transport";
const NO_HANDLER = "it has no connect() handler: TCP is denied";
const nothing = () => {};
// There is no end that is handed on.
const NONE = -1;

function secureOf(list) {
  for (let i = 0; i < list.length; i++) {
    if (StringPrototypeToLowerCase(list[i][0]) === SECURE) return list[i][1];
  }
  return "off";
}

function answer(context, status, end) {
  // It may have called process.exit().
  if (context.ended) return;
  context.responded = true;
  if (op_event_respond(context.id, status, "", "", null, false, context.waiting === 0, end)) endContext(context.id);
}

function fail(context, thrown) {
  if (context.ended) return;
  const { summary, stack } = describeWhole(thrown);
  context.responded = true;
  if (op_event_fail(context.id, summary, stack, context.waiting === 0)) endContext(context.id);
}

// Host and port of the request's URL, which leaves a port of HTTP's out.
function asked(href) {
  const { hostname, port } = new URL(href);
  return `${hostname}:${port === "" ? 80 : port}`;
}

// What only the handling keeps that was begun last, as for calls: `js/rpc/receive.js`.
let kept;

function takeKept() {
  const begun = kept;
  kept = undefined;
  return begun;
}

// `href` has the host and port that are asked for.
async function serve(context, href, headers, ctx) {
  const localAddress = asked(href);
  const list = parseHeaders(headers);
  const secure = secureOf(list);
  let taken = false;
  let held = false;
  let own = NONE;
  let other = NONE;
  let socket;
  let handling;
  const release = () => {
    if (!held) return;
    held = false;
    if (!context.ended && op_tcp_release(context.id)) endContext(context.id);
  };
  // Whoever asked is gone: the handler has as long as what it waits for after a response.
  const gone = () => {
    if (!held) return;
    context.waitUntil(PromisePrototypeThen(handling, nothing, nothing));
    release();
  };
  try {
    const { connect } = context.caller;
    if (connect === undefined || connect === null) throw new TypeError(NO_HANDLER);
    const pair = op_tcp_pair(context.id);
    own = pair[0];
    other = pair[1];
    socket = newSocket({
      __proto__: null,
      rid: own,
      context,
      secure,
      host: "",
      allowHalfOpen: true,
      highWaterMark: null,
      onUse() {
        if (context.responded || !op_tcp_hold(context.id)) throw new TypeError("the connection is no longer asked for");
        taken = held = true;
        answer(context, 101, other);
        PromisePrototypeThen(op_tcp_ended(own, true, false), gone, gone);
        context.onAbandoned = (words) => {
          op_uncaught("a connect() handler failed", `Error: ${words}`, context.id);
          op_tcp_end(own);
          release();
        };
      },
      isUpgrade: false,
      opened: PromiseResolve({ __proto__: null, remoteAddress: undefined, localAddress }),
    });
    // The list is for the stand-in of a test's network alone.
    handling = (async () => {
      const own = kept = { __proto__: null, isOver: false };
      try {
        return await connect(socket, context.caller.env, ctx, list);
      } finally {
        own.isOver = true;
      }
    })();
    const returned = await handling;
    if (isSocket(returned)) {
      if (taken) throw new TypeError("connect() returned a socket, and has used the streams of the one that it was given");
      if (secure === "on" && returned.secureTransport !== "on") {
        throw new TypeError("connect() returned a socket in the clear for one that is to be under TLS: give it `secureTransport: socket.secureTransport`");
      }
      answer(context, 101, await handOn(returned));
    } else if (!taken) {
      answer(context, 403, NONE);
    }
  } catch (thrown) {
    if (!taken) return fail(context, thrown);
    const { summary, stack } = describeWhole(thrown);
    op_uncaught("a connect() handler failed", stack || summary, context.id);
    // Whoever reads is not to take it for the end.
    op_tcp_end(own);
  }
  if (!taken || context.ended) return;
  const { last, isOpen } = lastOf(socket);
  // Nobody waits for TLS any longer that has not come.
  if (!isOpen) op_tcp_end(own);
  await last.close();
  release();
}

return { serve, takeKept };
})();
