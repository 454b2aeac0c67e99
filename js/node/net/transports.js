// What is behind sockets of ours: a request of this worker's, or one to it. No script of an author's reaches it.
(function () {
const { primordials } = __bootstrap;
const { SafeWeakMap, WeakMapPrototypeDelete, WeakMapPrototypeGet, WeakMapPrototypeHas, WeakMapPrototypeSet } = primordials;

const transports = new SafeWeakMap();

// Whether Node's own client or server is at the other end of what speaks through it.
const isObject = (value) => typeof value === "object" && value !== null;

const isOurs = (socket) => isObject(socket) && WeakMapPrototypeHas(transports, socket);
const transportOf = (socket) => WeakMapPrototypeGet(transports, socket);
const setTransport = (socket, transport) => WeakMapPrototypeSet(transports, socket, transport);

// Whether each message has a connection of its own.
const carriesOne = (socket) => isOurs(socket) && transportOf(socket).lasts !== true;

// It is another's from now on.
const forget = (socket) => WeakMapPrototypeDelete(transports, socket);

return { carriesOne, forget, isOurs, setTransport, transportOf };
})();
