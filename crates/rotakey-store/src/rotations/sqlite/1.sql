-- A log of records per rotation. The text of a record is what was hashed, so it is kept as it is.

CREATE TABLE rotation (
    -- In the order in which rotations began.
    ordinal    INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    user_name  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    open       INTEGER NOT NULL CHECK (open IN (0, 1))
) STRICT;

-- No user is rotated twice at once, whatever a program believes.
CREATE UNIQUE INDEX one_open_rotation_per_user ON rotation (user_id) WHERE open = 1;

CREATE TABLE record (
    rotation TEXT NOT NULL REFERENCES rotation (id),
    version  INTEGER NOT NULL CHECK (version > 0),
    body     TEXT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (rotation, version)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER record_is_never_changed BEFORE UPDATE ON record
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a record is never changed'); END;

CREATE TRIGGER record_is_never_deleted BEFORE DELETE ON record
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a record is never deleted'); END;

CREATE TRIGGER record_follows_the_one_before BEFORE INSERT ON record
WHEN NEW.version <> 1 + (SELECT count(*) FROM record WHERE rotation = NEW.rotation)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a record follows the one before'); END;

CREATE TRIGGER record_of_an_open_rotation BEFORE INSERT ON record
WHEN NOT EXISTS (SELECT 1 FROM rotation WHERE id = NEW.rotation AND open = 1)
BEGIN SELECT RAISE(ABORT, 'the rotation is closed'); END;

CREATE TRIGGER rotation_only_closes BEFORE UPDATE ON rotation
WHEN OLD.open = 0
    OR NEW.open <> 0
    OR NEW.ordinal <> OLD.ordinal
    OR NEW.id <> OLD.id
    OR NEW.account_id <> OLD.account_id
    OR NEW.user_name <> OLD.user_name
    OR NEW.user_id <> OLD.user_id
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a rotation closes once, and nothing else about it changes'); END;

CREATE TRIGGER rotation_is_never_deleted BEFORE DELETE ON rotation
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a rotation is never deleted'); END;

PRAGMA user_version = 1;
