// What an op's error becomes: each has a class in Rust, which is the name of a JavaScript class or of a DOMException. For a class
// that is not registered deno_core gives `undefined`.
(function () {
const { core, primordials } = __bootstrap;
const { Error, SafeArrayIterator } = primordials;
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");

// https://webidl.spec.whatwg.org/#idl-DOMException-error-names
const EXCEPTIONS = [
  "AbortError",
  "ConstraintError",
  "DataCloneError",
  "DataError",
  "EncodingError",
  "HierarchyRequestError",
  "InUseAttributeError",
  "IndexSizeError",
  "InvalidAccessError",
  "InvalidCharacterError",
  "InvalidModificationError",
  "InvalidNodeTypeError",
  "InvalidStateError",
  "NamespaceError",
  "NetworkError",
  "NoModificationAllowedError",
  "NotAllowedError",
  "NotFoundError",
  "NotReadableError",
  "NotSupportedError",
  "OperationError",
  "OptOutError",
  "QuotaExceededError",
  "ReadOnlyError",
  "SecurityError",
  "SyntaxError",
  "TimeoutError",
  "TransactionInactiveError",
  "TypeMismatchError",
  "URLMismatchError",
  "UnknownError",
  "VersionError",
  "WrongDocumentError",
];

// deno_error's, of input and output: scripts know no classes of that kind.
const OTHERS = [
  "AddrInUse",
  "AddrNotAvailable",
  "AlreadyExists",
  "BrokenPipe",
  "Busy",
  "ConnectionAborted",
  "ConnectionRefused",
  "ConnectionReset",
  "FilesystemLoop",
  "Http",
  "InvalidData",
  "IsADirectory",
  "NetworkUnreachable",
  "NotADirectory",
  "NotConnected",
  "NotFound",
  "NotSupported",
  "PermissionDenied",
  "TimedOut",
  "UnexpectedEof",
  "WouldBlock",
  "WriteZero",
];

function defineErrors() {
  for (const name of new SafeArrayIterator(EXCEPTIONS)) {
    core.registerErrorBuilder(`DOMException${name}`, (message) => new DOMException(message, name));
  }
  for (const name of new SafeArrayIterator(OTHERS)) core.registerErrorBuilder(name, (message) => new Error(message));
}

return { defineErrors };
})();
