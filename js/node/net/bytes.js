// Pieces of bytes as one.
(function () {
const { primordials } = __bootstrap;
const { TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSet, Uint8Array } = primordials;

function whole(pieces) {
  let size = 0;
  for (let i = 0; i < pieces.length; i++) size += TypedArrayPrototypeGetByteLength(pieces[i]);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let i = 0; i < pieces.length; i++) {
    TypedArrayPrototypeSet(bytes, pieces[i], at);
    at += TypedArrayPrototypeGetByteLength(pieces[i]);
  }
  return bytes;
}

return { whole };
})();
