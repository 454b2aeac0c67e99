// The difference of two texts, line by line.
(function () {
// E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): the shortest edit, whose cost grows with what differs and not with how
// long the texts are. More edits than this are shown one text after the other.
const MOST_EDITS = 2000;

// Lines that are equal are shown around what differs. A run that is hardly longer is shown whole.
const AROUND = 3;
const SHORTEST_CUT = 5;

// The last of a list has no comma, which is no difference.
const keyOf = (line) => line.replace(/,$/, "");

// Lines as numbers: equal ones have the same.
function numbered(...texts) {
  const numbers = new Map();
  const number = (line) => {
    const key = keyOf(line);
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return numbers.get(key);
  };
  return texts.map((lines) => Int32Array.from(lines, number));
}

// The steps from one list of numbers to the other: "+" takes the next of `left`, "-" that of `right`, " " both. Null where there are too many.
function steps(left, right) {
  const { length: n } = left;
  const { length: m } = right;
  const most = Math.min(n + m, MOST_EDITS);
  // How far each diagonal has come, by the number of edits.
  const reached = [];
  let last = new Int32Array(3);
  for (let edits = 0; edits <= most; edits++) {
    const now = new Int32Array(2 * edits + 3);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const at = (of, of_edits, k) => of[k + of_edits + 1];
      let x = 0;
      if (edits > 0) {
        const down = diagonal === -edits || (diagonal !== edits && at(last, edits - 1, diagonal - 1) < at(last, edits - 1, diagonal + 1));
        x = down ? at(last, edits - 1, diagonal + 1) : at(last, edits - 1, diagonal - 1) + 1;
      }
      let y = x - diagonal;
      while (x < n && y < m && left[x] === right[y]) {
        x++;
        y++;
      }
      now[diagonal + edits + 1] = x;
      if (x >= n && y >= m) return walked(reached, edits, n, m);
    }
    reached.push(now);
    last = now;
  }
  return null;
}

// The same way from its end to its beginning.
function walked(reached, edits, x, y) {
  const way = [];
  for (; edits > 0; edits--) {
    const before = reached[edits - 1];
    const at = (k) => before[k + edits];
    const diagonal = x - y;
    const down = diagonal === -edits || (diagonal !== edits && at(diagonal - 1) < at(diagonal + 1));
    const from = down ? diagonal + 1 : diagonal - 1;
    const startX = at(from);
    const startY = startX - from;
    while (x > startX && y > startY && !(x === startX + (down ? 0 : 1) && y === startY + (down ? 1 : 0))) {
      way.push(" ");
      x--;
      y--;
    }
    way.push(down ? "-" : "+");
    x = startX;
    y = startY;
  }
  for (; x > 0; x--) way.push(" ");
  return way.reverse();
}

// Equal lines that are far from what differs are counted, and not shown.
function shortened(lines) {
  const shown = [];
  for (let from = 0; from < lines.length;) {
    let to = from;
    while (to < lines.length && lines[to][0] === " ") to++;
    const before = from === 0 ? 0 : AROUND;
    const after = to === lines.length ? 0 : AROUND;
    if (to - from > before + after + SHORTEST_CUT) {
      shown.push(...lines.slice(from, from + before), `... ${to - from - before - after} equal lines`, ...lines.slice(to - after, to));
    } else {
      shown.push(...lines.slice(from, to));
    }
    if (to < lines.length) shown.push(lines[to]);
    from = to + 1;
  }
  return shown;
}

function diff(actual, expected) {
  const [left, right] = numbered(actual, expected);
  const way = steps(left, right);
  if (way === null) return [...actual.map((line) => `+ ${line}`), ...expected.map((line) => `- ${line}`)];
  const lines = [];
  let [i, j] = [0, 0];
  for (const step of way) {
    if (step === "-") lines.push(`- ${expected[j++]}`);
    else {
      lines.push(`${step} ${actual[i++]}`);
      if (step === " ") j++;
    }
  }
  return shortened(lines);
}

return { diff };
})();
