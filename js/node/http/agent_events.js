// Whose the sockets and requests of a `http.Agent` are: its limits count those of one event, and what waits for a socket waits for its own event's. Another's may
// end without a word, and would send it as its own.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeFilter, ArrayPrototypeFindIndex, ArrayPrototypeSplice, ObjectKeys, SafeWeakMap, WeakMapPrototypeGet, WeakMapPrototypeSet } = primordials;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");

const events = new SafeWeakMap();

function own(of) {
  const context = currentContext();
  if (context !== undefined) WeakMapPrototypeSet(events, of, context);
}

const isOwn = (of) => WeakMapPrototypeGet(events, of) === currentContext();

function count(sockets) {
  return sockets === undefined ? 0 : ArrayPrototypeFilter(sockets, isOwn).length;
}

function countAll(byName) {
  const names = ObjectKeys(byName);
  let all = 0;
  for (let i = 0; i < names.length; i++) all += count(byName[names[i]]);
  return all;
}

// Whether the running event may have one more socket of this name.
function mayConnect({ freeSockets, maxSockets, maxTotalSockets, sockets }, name) {
  if (maxSockets === Infinity && maxTotalSockets === Infinity) return true;
  return count(sockets[name]) + count(freeSockets[name]) < maxSockets && countAll(sockets) + countAll(freeSockets) < maxTotalSockets;
}

// Where the first of the running event's is. What waits for an event that has ended is forgotten.
function find(requests) {
  if (requests === undefined) return -1;
  for (let i = requests.length - 1; i >= 0; i--) {
    if (WeakMapPrototypeGet(events, requests[i])?.ended) ArrayPrototypeSplice(requests, i, 1);
  }
  return ArrayPrototypeFindIndex(requests, isOwn);
}

function first(requests) {
  const index = find(requests);
  return index < 0 ? undefined : requests[index];
}

// The list, where it has one of the running event's.
const withOwn = (requests) => (find(requests) < 0 ? undefined : requests);

const take = (requests) => ArrayPrototypeSplice(requests, find(requests), 1)[0];

return { first, mayConnect, own, take, withOwn };
})();
