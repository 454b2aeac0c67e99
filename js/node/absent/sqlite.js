// https://nodejs.org/docs/latest-v22.x/api/sqlite.html: there is no database.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectAssign, TypeError } = primordials;
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");

// A class that makes nothing, in Workers' words.
function illegal(name) {
  return {
    [name]: class {
      constructor() {
        const error = failure(`sqlite.${name}`);
        throw ObjectAssign(new TypeError(`Illegal constructor: ${error.message}`), { code: error.code });
      }
    },
  }[name];
}

return {
  default: {
    DatabaseSync: illegal("DatabaseSync"),
    Session: illegal("Session"),
    StatementSync: illegal("StatementSync"),
    backup: unavailable("sqlite.backup"),
    constants: {
      SQLITE_CHANGESET_ABORT: 2,
      SQLITE_CHANGESET_CONFLICT: 3,
      SQLITE_CHANGESET_CONSTRAINT: 4,
      SQLITE_CHANGESET_DATA: 1,
      SQLITE_CHANGESET_FOREIGN_KEY: 5,
      SQLITE_CHANGESET_NOTFOUND: 2,
      SQLITE_CHANGESET_OMIT: 0,
      SQLITE_CHANGESET_REPLACE: 1,
    },
  },
};
})();
