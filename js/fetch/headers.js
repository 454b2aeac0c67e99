// Header lists cross into Rust as one string, `name\nvalue\n...`, which costs one V8 string instead of dozens.
(function () {
const { primordials } = __bootstrap;
const { ArrayPrototypePush, StringPrototypeIndexOf, StringPrototypeSlice } = primordials;

function parseHeaders(joined) {
  const list = [];
  let start = 0;
  while (start < joined.length) {
    const middle = StringPrototypeIndexOf(joined, "\n", start);
    let end = StringPrototypeIndexOf(joined, "\n", middle + 1);
    if (end === -1) end = joined.length;
    ArrayPrototypePush(list, [
      StringPrototypeSlice(joined, start, middle),
      StringPrototypeSlice(joined, middle + 1, end),
    ]);
    start = end + 1;
  }
  return list;
}

function joinHeaders(list) {
  let joined = "";
  for (let i = 0; i < list.length; i++) {
    joined += i === 0 ? `${list[i][0]}\n${list[i][1]}` : `\n${list[i][0]}\n${list[i][1]}`;
  }
  return joined;
}

return { joinHeaders, parseHeaders };
})();
