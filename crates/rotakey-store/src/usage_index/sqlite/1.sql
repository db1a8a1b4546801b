-- The use of access keys, summed up by day. What occurs again and again stands in a table of its own and has a
-- number; `digest` is the beginning of the SHA-256 of what it stands for, and 0 is the number of what is absent.

CREATE TABLE name (
    id     INTEGER PRIMARY KEY CHECK (id > 0),
    digest BLOB NOT NULL UNIQUE,
    text   TEXT NOT NULL
) STRICT;

CREATE TABLE access_key (
    id            INTEGER PRIMARY KEY CHECK (id > 0),
    digest        BLOB NOT NULL UNIQUE,
    access_key_id TEXT NOT NULL,
    -- Of all time, also of days that were pruned. Seconds since 1970.
    calls         INTEGER NOT NULL DEFAULT 0,
    first_at      INTEGER,
    last_at       INTEGER
) STRICT;

-- The columns of the next three are numbers of names.
CREATE TABLE principal (
    id         INTEGER PRIMARY KEY CHECK (id > 0),
    digest     BLOB NOT NULL UNIQUE,
    arn        INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    user_name  INTEGER NOT NULL
) STRICT;

CREATE TABLE client (
    id           INTEGER PRIMARY KEY CHECK (id > 0),
    digest       BLOB NOT NULL UNIQUE,
    consumer     INTEGER NOT NULL,
    description  INTEGER NOT NULL,
    network      INTEGER NOT NULL,
    agent        INTEGER NOT NULL,
    vpc_endpoint INTEGER NOT NULL,
    invoked_by   INTEGER NOT NULL
) STRICT;

CREATE TABLE operation (
    id      INTEGER PRIMARY KEY CHECK (id > 0),
    digest  BLOB NOT NULL UNIQUE,
    region  INTEGER NOT NULL,
    service INTEGER NOT NULL,
    action  INTEGER NOT NULL,
    error   INTEGER NOT NULL
) STRICT;

-- The rows. A period is 32 days: within it the rows of a key are together, so that a key is found in a few pages
-- for each month; and a day that is added touches the pages of one period, not of all years.
CREATE TABLE key_use (
    period    INTEGER NOT NULL,
    key       INTEGER NOT NULL,
    -- Of the period.
    day       INTEGER NOT NULL CHECK (day BETWEEN 0 AND 31),
    operation INTEGER NOT NULL,
    client    INTEGER NOT NULL,
    principal INTEGER NOT NULL,
    calls     INTEGER NOT NULL,
    -- Seconds of the day.
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    -- Bit n for hour n.
    hours     INTEGER NOT NULL,
    PRIMARY KEY (period, key, day, operation, client, principal)
) STRICT, WITHOUT ROWID;

-- Distinct addresses (kind 0, of a network) and user agents (kind 1, of an agent), as fingerprints.
CREATE TABLE key_sighting (
    key         INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    name        INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    first_day   INTEGER NOT NULL,
    last_day    INTEGER NOT NULL,
    PRIMARY KEY (key, kind, name, fingerprint)
) STRICT, WITHOUT ROWID;

-- Which key gave out which. The child comes first: most questions are about sessions.
CREATE TABLE mint (
    child      INTEGER NOT NULL,
    parent     INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    event_name INTEGER NOT NULL,
    arn        INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    PRIMARY KEY (child, parent, at, event_name, arn, account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX mint_by_parent ON mint (parent);

-- What was added together, in one transaction.
CREATE TABLE batch (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    at     INTEGER NOT NULL,
    files  INTEGER NOT NULL,
    calls  INTEGER NOT NULL
) STRICT;

CREATE TABLE file (
    -- Of its name.
    digest BLOB PRIMARY KEY,
    bytes  INTEGER,
    -- The fingerprint of its ETag or time.
    tag    INTEGER,
    -- The day in its path.
    day    INTEGER,
    batch  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Fingerprints of the events of a day: 8 bytes each, the low byte first, sorted.
CREATE TABLE seen_event (
    day          INTEGER NOT NULL,
    batch        INTEGER NOT NULL,
    part         INTEGER NOT NULL,
    fingerprints BLOB NOT NULL,
    PRIMARY KEY (day, batch, part)
) STRICT;

-- Days before this one are neither kept nor added any more.
CREATE TABLE pruned (before INTEGER NOT NULL) STRICT;
INSERT INTO pruned VALUES (0);

PRAGMA user_version = 1;
