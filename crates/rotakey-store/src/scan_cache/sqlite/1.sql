-- What was scanned, and what was found there: units by the rules that they were scanned by.

-- Sets of rules, by their SHA-256.
CREATE TABLE rules (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32)
) STRICT;

-- Tens of millions of rows, almost all without `blobs` and `findings`.
CREATE TABLE unit (
    rules    INTEGER NOT NULL,
    -- 0 for a blob, 1 for a pack.
    kind     INTEGER NOT NULL CHECK (kind IN (0, 1)),
    -- The id, or the checksum, whole.
    id       BLOB NOT NULL CHECK (length(id) IN (20, 32)),
    -- When it was last used, in days since the beginning of 1970; up to 32 days too early.
    day      INTEGER NOT NULL,
    -- How many blobs it has; NULL for 1.
    blobs    INTEGER,
    -- What was found, as JSON; NULL for nothing. No secret is in it.
    findings TEXT,
    PRIMARY KEY (rules, kind, id)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 1;
