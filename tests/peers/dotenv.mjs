// What npm's `dotenv`, in the version that wrangler bundles, makes of texts: our parser must make the same of them.
//   node dotenv.mjs > ../../fixtures/dotenv/cases.json
// `skipped` is the first line that it passes over, though it is neither empty nor a comment.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { parse } = require("dotenv");
const LINE = eval(/const LINE = (\/.*\/mg)/.exec(readFileSync(require.resolve("dotenv"), "utf8"))[1]);

function skipped(text) {
  const lines = text.replace(/\r\n?/g, "\n");
  const between = lines.replace(LINE, (match) => match.replace(/[^\n]/g, " ")).split("\n");
  const index = between.findIndex((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  return index < 0 ? null : index + 1;
}

const KEY = "-----BEGIN KEY-----\nMIIB+/=\n-----END KEY-----";
const curated = [
  "", "\n\n", "# nothing\n", "A=", "A= ", "A=''", 'A=""', "A=``", "A", "A B", "=b", "A=b=c", "A==", "A=b\nA=c", "A=b\nA=",
  "A=pa$$word", "A=x$HOME", "A=${HOME}", 'A="$HOME ${HOME:-x} \\$HOME"', "A='$HOME'", "A=$(id)", "A=`id`", "A=\\$5", "A=a\\ b",
  'A={"b": "c", "d": [1, "e"]}', "A='{\"b\": \"c\"}'", 'A="{"b": "c"}"', 'A={"b": "#1"}', '{\n  "A": 1\n}', 'A={\n "b": 1\n}',
  "A=b c", "A = b", "A =b", "  A  =  b c  ", "\tA\t=\tb\t", "A= 'b' ", "A=' b '", 'A=" b "', "A=\u00a0b\u3000", "A=b\u0085",
  "A=it's", "A=O'Neil's", "A='it\\'s'", 'A="say \\"hi\\""', "A=`it's \"both\"`", "A='it's'", "A='b' c", 'A="b" c', "A='b'c'", "A=b'c'",
  "A='", "A='b", 'A="b', "A=b'", 'A="b\\nc', "A='b\\nc'", 'A="b\\nc\\rd\\te"', "A=b\\nc", 'A="b\\\\nc"', "A=`b\\nc`", "A=''b''", "A='''b'''",
  "A=b#c", "A=b #c", "A='b#c'", 'A="b # c"', "A=`b#c`", "A='b'#c", "A='b' # c", "A=#b", "A= # b", "#A=b", "  # A=b", "A='b # c", "A=\"b' # c\"",
  "export A=b", "export  A=b", "export\tA=b", "  export A=b", "export A", "exportA=b", "export=b", "export export A=b", "export\nA=b",
  "A=b\r\nB=c\r\n", "A=b\rB=c", "A='b\r\nc'\r\n", "A=\r\nB=c", "\ufeffA=b", "\ufeff# c\nA=b", "\ufeff", "A=\ufeffb",
  `A="${KEY}"`, `A='${KEY}'\nB=c`, `A=\`${KEY}\``, `A=${KEY}`, `A="${KEY}\nB=c`, "A='b\n\nc'", 'A="b\nB=c"', "A='b\n# c\n'", "A='b\nB='c'",
  "A: b", "A:b", "A : b", "A:\tb", "A: 'b'", "A:", "A: ", "A:\nb", "A:\nB=c", "export A: b", "A: b: c", "A=:b", "a: 1\nb: 2",
  "A.B-C_1=d", "1=b", "-=b", ".=b", "a=b", "Ä=b", "A+B=c", "A[0]=b", "'A'=b", "A,B=c", "A=b\nwhat is this\nC=d", "A=b\n- c", "A=b;\nB=c;",
  "A=\nB=c", "A=\n'b'", "A=\n\n\"b\"", "A= \n 'b'", "A=b\n\n\nC=d", "A=b\n  C=d", "A\n=b", "A\n\n= b", "A=b\\\nB=c", "A=b,\nc", "A=\\", "A='\\'", "A='\\'b'", 'A="\\"',
  "A=b\u2003c", "A=caf\u00e9 \u{1f600}", "A=b\u0000c", "A=b\fc", "A=b\vB=c", "set A=b", "A:=b", "A?=b", "__proto__.a=b", "A=b # it's\nB='c'", "A=\"b\" # \"c\"",
];

// mulberry32: the same numbers each time.
let state = 17;
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}
const TOKENS = ["A", "B.c", "d-1", "=", "=", "=", ": ", ":", "'", "'", '"', '"', "`", "#", " ", " ", "\n", "\n", "\r\n", "\\", "\\n", "\\'", '\\"', "$", "${A}", "{", "}", "x y", "export ", "\t", ",", "\u00a0", "1"];
const LINES = ["A=1", "B='x y'", 'C="1\\n2"', "D=`'\"`", "# it's", "", "export E=$F", 'F="a\nb"', "G: 'c # d' # e", "H='open", "I=", "J=a'b", 'K={"a": "b#"}', "L", 'M="n'];
const pick = (from) => from[random(from.length)];
const soup = () => Array.from({ length: 1 + random(14) }, () => pick(TOKENS)).join("");
const made = Array.from({ length: 160 }, () => `A=${soup()}`).concat(
  Array.from({ length: 100 }, soup),
  Array.from({ length: 60 }, () => Array.from({ length: 2 + random(5) }, () => pick(LINES)).join(pick(["\n", "\r\n"]))),
);

const cases = curated.concat(made).map((text) => ({ text, parsed: { ...parse(text) }, skipped: skipped(text) }));
process.stdout.write(`[\n${cases.map((each) => JSON.stringify(each)).join(",\n")}\n]\n`);
