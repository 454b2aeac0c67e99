// Bytes of HTTP/1.1 that we write ourselves.
(function () {
const { core, primordials } = __bootstrap;
const { op_body_trailers } = core.ops;
const {
  MathMin,
  NumberPrototypeToString,
  StringPrototypeCharCodeAt,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeSet,
  TypedArrayPrototypeSlice,
  Uint8Array,
} = primordials;

const { parseHeaders } = core.loadExtScript("ext:workerd_lite/fetch/headers.js");
const { exception } = core.loadExtScript("ext:workerd_lite/worker/global_events.js");

// Text of one byte a character.
function latin1(text) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = StringPrototypeCharCodeAt(text, i);
  return bytes;
}

// Room for a chunk's size before it, in hexadecimal digits, and the two line ends.
const SIZE = 8;
const BEFORE = SIZE + 2;
const PIECE = 64 << 10;

// A piece of a body that is read into `room`, and then written as it is or as a chunk.
class Piece {
  #all = new Uint8Array(BEFORE + PIECE + 2);
  room = new Uint8Array(TypedArrayPrototypeGetBuffer(this.#all), BEFORE, PIECE);

  #part(start, end) {
    // Little is copied, so that it does not keep the room of much.
    if (end - start < PIECE / 2) return TypedArrayPrototypeSlice(this.#all, start, end);
    return new Uint8Array(TypedArrayPrototypeGetBuffer(this.#all), start, end - start);
  }

  // As much of other bytes as there is room for. Gives how much that is.
  fill(bytes, start) {
    const length = MathMin(PIECE, TypedArrayPrototypeGetByteLength(bytes) - start);
    TypedArrayPrototypeSet(
      this.#all,
      new Uint8Array(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes) + start, length),
      BEFORE,
    );
    return length;
  }

  plain(length) {
    return this.#part(BEFORE, BEFORE + length);
  }

  chunk(length) {
    const all = this.#all;
    const size = NumberPrototypeToString(length, 16);
    const start = BEFORE - 2 - size.length;
    for (let i = 0; i < size.length; i++) all[start + i] = StringPrototypeCharCodeAt(size, i);
    all[BEFORE - 2] = all[BEFORE + length] = 0x0d;
    all[BEFORE - 1] = all[BEFORE + length + 1] = 0x0a;
    return this.#part(start, BEFORE + length + 2);
  }
}

// The end of a body of chunks, and what follows it.
function lastChunk(trailers) {
  let text = "0\r\n";
  for (let i = 0; i < trailers.length; i++) text += `${trailers[i][0]}: ${trailers[i][1]}\r\n`;
  return `${text}\r\n`;
}

// Writes a body that no script has looked at, and its trailers behind chunks, for as long as somebody wants it.
async function passBody(rid, chunked, push, isOver) {
  while (!isOver()) {
    const piece = new Piece();
    const length = await core.read(rid, piece.room);
    if (length === 0) break;
    await push(chunked ? piece.chunk(length) : piece.plain(length));
  }
  const behind = chunked ? parseHeaders(op_body_trailers(rid)) : [];
  core.tryClose(rid);
  if (chunked) await push(latin1(lastChunk(behind)));
}

// Lets a socket's listeners read bytes. Gives whether they want more now. What they throw is nobody's to catch, as in Node.
function give(socket, bytes) {
  try {
    return socket.push(bytes);
  } catch (thrown) {
    exception(thrown);
    socket.destroy();
    return true;
  }
}

return { give, lastChunk, latin1, passBody, Piece };
})();
