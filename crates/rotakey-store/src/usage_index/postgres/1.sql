-- The use of access keys, summed up by day. What occurs again and again stands in a table of its own and has a
-- number; `digest` is the beginning of the SHA-256 of what it stands for, and 0 is the number of what is absent.
-- All is in a schema of its own, which may share a database with others.

CREATE TABLE rotakey_usage.format (
    application TEXT NOT NULL,
    version     integer NOT NULL
);
INSERT INTO rotakey_usage.format VALUES ('rotakey usage index', 1);

CREATE TABLE rotakey_usage.name (
    id     integer PRIMARY KEY CHECK (id > 0),
    digest bytea NOT NULL UNIQUE,
    text   TEXT NOT NULL
);

CREATE TABLE rotakey_usage.access_key (
    id            integer PRIMARY KEY CHECK (id > 0),
    digest        bytea NOT NULL UNIQUE,
    access_key_id TEXT NOT NULL,
    -- Of all time, also of days that were pruned. Seconds since 1970.
    calls         bigint NOT NULL DEFAULT 0,
    first_at      bigint,
    last_at       bigint
);

-- The columns of the next three are numbers of names.
CREATE TABLE rotakey_usage.principal (
    id         integer PRIMARY KEY CHECK (id > 0),
    digest     bytea NOT NULL UNIQUE,
    arn        integer NOT NULL,
    kind       integer NOT NULL,
    account_id integer NOT NULL,
    user_name  integer NOT NULL
);

CREATE TABLE rotakey_usage.client (
    id           integer PRIMARY KEY CHECK (id > 0),
    digest       bytea NOT NULL UNIQUE,
    consumer     integer NOT NULL,
    description  integer NOT NULL,
    network      integer NOT NULL,
    agent        integer NOT NULL,
    vpc_endpoint integer NOT NULL,
    invoked_by   integer NOT NULL
);

CREATE TABLE rotakey_usage.operation (
    id      integer PRIMARY KEY CHECK (id > 0),
    digest  bytea NOT NULL UNIQUE,
    region  integer NOT NULL,
    service integer NOT NULL,
    action  integer NOT NULL,
    error   integer NOT NULL
);

-- The rows. A period is 32 days: within it the rows of a key are together, so that a key is found in a few pages
-- for each month; and a day that is added touches the pages of one period, not of all years.
CREATE TABLE rotakey_usage.key_use (
    period    integer NOT NULL,
    key       integer NOT NULL,
    -- Of the period.
    day       integer NOT NULL CHECK (day BETWEEN 0 AND 31),
    operation integer NOT NULL,
    client    integer NOT NULL,
    principal integer NOT NULL,
    calls     bigint NOT NULL,
    -- Seconds of the day.
    first     integer NOT NULL,
    last      integer NOT NULL,
    -- Bit n for hour n.
    hours     integer NOT NULL,
    -- With all that is asked for, so that one key is read from the index and not from a page for each day.
    PRIMARY KEY (period, key, day, operation, client, principal) INCLUDE (calls, first, last, hours)
);

-- Distinct addresses (kind 0, of a network) and user agents (kind 1, of an agent), as fingerprints.
CREATE TABLE rotakey_usage.key_sighting (
    key         integer NOT NULL,
    kind        integer NOT NULL,
    name        integer NOT NULL,
    fingerprint bigint NOT NULL,
    first_day   integer NOT NULL,
    last_day    integer NOT NULL,
    PRIMARY KEY (key, kind, name, fingerprint)
);

-- Which key gave out which. The child comes first: most questions are about sessions.
CREATE TABLE rotakey_usage.mint (
    child      integer NOT NULL,
    parent     integer NOT NULL,
    at         bigint NOT NULL,
    event_name integer NOT NULL,
    arn        integer NOT NULL,
    account_id integer NOT NULL,
    PRIMARY KEY (child, parent, at, event_name, arn, account_id)
);

CREATE INDEX mint_by_parent ON rotakey_usage.mint (parent);

-- What was added together, in one transaction.
CREATE TABLE rotakey_usage.batch (
    number bigint PRIMARY KEY CHECK (number > 0),
    at     bigint NOT NULL,
    files  bigint NOT NULL,
    calls  bigint NOT NULL
);

CREATE TABLE rotakey_usage.file (
    -- Of its name.
    digest bytea PRIMARY KEY,
    bytes  bigint,
    -- The fingerprint of its ETag or time.
    tag    bigint,
    -- The day in its path.
    day    integer,
    batch  bigint NOT NULL
);

-- Fingerprints of the events of a day: 8 bytes each, the low byte first, sorted.
CREATE TABLE rotakey_usage.seen_event (
    day          integer NOT NULL,
    batch        bigint NOT NULL,
    part         integer NOT NULL,
    fingerprints bytea NOT NULL,
    PRIMARY KEY (day, batch, part)
);

-- Days before this one are neither kept nor added any more.
CREATE TABLE rotakey_usage.pruned (before integer NOT NULL);
INSERT INTO rotakey_usage.pruned VALUES (0);
