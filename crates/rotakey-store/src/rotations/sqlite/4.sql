-- What people say to all workers at once: a halt, and approvals of plans that have not begun. Small texts by name.

CREATE TABLE control (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 4;
