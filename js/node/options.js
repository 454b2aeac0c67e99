// Command-line options of Node's: none was given.
(function () {
return { getExecArgvOptionValue: () => undefined, getOptionValue: () => undefined };
})();
