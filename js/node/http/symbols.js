// What Node's scripts of HTTP share.
(function () {
const { primordials } = __bootstrap;
const { Date, DateNow, DatePrototypeToUTCString, MathFloor, Symbol } = primordials;

let second = -1;
let text = "";

// The value of a `Date` field.
function utcDate() {
  const now = MathFloor(DateNow() / 1000);
  if (now !== second) {
    second = now;
    text = DatePrototypeToUTCString(new Date(now * 1000));
  }
  return text;
}

return { kNeedDrain: Symbol("kNeedDrain"), kOutHeaders: Symbol("kOutHeaders"), utcDate };
})();
