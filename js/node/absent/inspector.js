// https://nodejs.org/docs/latest-v22.x/api/inspector.html: a debugger attaches by `serve --inspect`, which is its owner's. A script opens none, and has no session.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeForEach, PromiseResolve, StringPrototypeSplit, SymbolDispose } = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

function members(prefix, names, make) {
  const made = {};
  ArrayPrototypeForEach(StringPrototypeSplit(names, " "), (name) => made[name] = make(`${prefix}.${name}`));
  return made;
}

class Session extends EventEmitter {
  constructor() {
    super();
    throw failure("inspector.Session");
  }
}
ArrayPrototypeForEach(["connect", "connectToMainThread", "disconnect", "post"], (name) => Session.prototype[name] = unavailable(`inspector.Session.${name}`));

const Network = () => members("inspector.Network", "dataReceived dataSent loadingFailed loadingFinished requestWillBeSent responseReceived webSocketClosed webSocketCreated webSocketHandshakeResponseReceived", unavailable);

// What it says is a debugger's alone, of which there is none.
const CONSOLE =
  "assert clear count countReset debug dir dirxml error group groupCollapsed groupEnd info log profile profileEnd table time timeEnd timeLog timeStamp trace warn";

const inspector = () => ({
  Network: Network(),
  Session,
  close: () => {},
  console: members("console", CONSOLE, () => () => {}),
  open: () => ({ __proto__: null, [SymbolDispose]: () => PromiseResolve(undefined) }),
  url: () => undefined,
  waitForDebugger: () => {},
});

const promises = () => ({ ...members("inspector", "close open url waitForDebugger", unavailable), Network: Network(), Session, console: inspector().console });

return { inspector, promises };
})();
