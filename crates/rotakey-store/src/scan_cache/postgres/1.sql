-- What was scanned, and what was found there: units by the rules that they were scanned by. All is in a schema of its
-- own, which may share a database with others.

CREATE TABLE rotakey_scan.format (
    application TEXT NOT NULL,
    version     integer NOT NULL
);
INSERT INTO rotakey_scan.format VALUES ('rotakey scan cache', 1);

-- Sets of rules, by their SHA-256.
CREATE TABLE rotakey_scan.rules (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest bytea NOT NULL UNIQUE CHECK (length(digest) = 32)
);

-- Tens of millions of rows, almost all without `blobs` and `findings`. The columns are ordered so that nothing is lost
-- between them.
CREATE TABLE rotakey_scan.unit (
    -- When it was last used, in days since the beginning of 1970; up to 32 days too early.
    day      integer NOT NULL,
    rules    integer NOT NULL,
    -- 0 for a blob, 1 for a pack.
    kind     smallint NOT NULL CHECK (kind IN (0, 1)),
    -- The id, or the checksum, whole.
    id       bytea NOT NULL CHECK (length(id) IN (20, 32)),
    -- How many blobs it has; NULL for 1.
    blobs    bigint,
    -- What was found, as JSON; NULL for nothing. No secret is in it.
    findings TEXT,
    PRIMARY KEY (rules, kind, id)
);
