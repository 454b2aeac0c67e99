// Roads out that Workers have and workerd-lite has not built: they say so instead of being absent.
(function () {
const { core } = __bootstrap;
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");

class WebSocket {
  constructor() {
    throw new DOMException("WebSocket is not supported by workerd-lite: use fetch()", "NotSupportedError");
  }
}

return { WebSocket };
})();
