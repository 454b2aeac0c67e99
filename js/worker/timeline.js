// What `performance` keeps, by event: marks and measures, and who observes them, are gone with the event that made them, and no other event sees
// them. Those of the global scope are for all.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypeFilter, ArrayPrototypeIncludes, ArrayPrototypeIndexOf, ArrayPrototypePush, ArrayPrototypeSplice } = primordials;
const { currentContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");

class Timeline {
  entries = [];
  observers = [];
}

const outside = new Timeline();

function own() {
  const context = currentContext();
  return context === undefined ? outside : context.timeline ??= new Timeline();
}

// The global scope's and the event's.
function both(kind) {
  const { [kind]: mine } = own();
  const { [kind]: everybodys } = outside;
  if (mine === everybodys || everybodys.length === 0) return mine;
  const all = [];
  for (let i = 0; i < everybodys.length; i++) ArrayPrototypePush(all, everybodys[i]);
  for (let i = 0; i < mine.length; i++) ArrayPrototypePush(all, mine[i]);
  return all;
}

function keep(which) {
  const mine = own();
  mine.entries = ArrayPrototypeFilter(mine.entries, which);
}

function observe(observer) {
  if (!ArrayPrototypeIncludes(both("observers"), observer)) ArrayPrototypePush(own().observers, observer);
}

function drop(observers, observer) {
  const index = ArrayPrototypeIndexOf(observers, observer);
  if (index !== -1) ArrayPrototypeSplice(observers, index, 1);
}

function disconnect(observer) {
  drop(own().observers, observer);
  drop(outside.observers, observer);
}

return {
  add: (entry) => ArrayPrototypePush(own().entries, entry),
  disconnect,
  entries: () => both("entries"),
  keep,
  observe,
  observers: () => both("observers"),
};
})();
