-- Whose turn it is to move an open rotation on, so that a worker finds what is due without reading the rest.

-- Rewritten below: it would forbid what is new here.
DROP TRIGGER rotation_only_closes;

-- Whether a person is asked.
ALTER TABLE rotation ADD COLUMN asks INTEGER NOT NULL DEFAULT 0 CHECK (asks IN (0, 1));

-- From when on a worker may claim it, in microseconds since 1970; a claim puts it to the end of the lease. A rotation
-- that an older rotakey began is due at once: whoever looks at it says more. One that has ended is never due.
ALTER TABLE rotation ADD COLUMN due INTEGER DEFAULT 0 CHECK (open = 0 OR asks = 1 OR due IS NOT NULL);
UPDATE rotation SET due = NULL WHERE open = 0;

CREATE INDEX due_rotation ON rotation (due, ordinal, account_id, asks) WHERE open = 1 AND due IS NOT NULL;
CREATE INDEX asking_rotation ON rotation (account_id) WHERE open = 1 AND asks = 1;
CREATE INDEX open_rotation ON rotation (ordinal) WHERE open = 1;

CREATE TRIGGER rotation_only_closes BEFORE UPDATE ON rotation
WHEN OLD.open = 0
    OR NEW.ordinal <> OLD.ordinal
    OR NEW.id <> OLD.id
    OR NEW.account_id <> OLD.account_id
    OR NEW.user_name <> OLD.user_name
    OR NEW.user_id <> OLD.user_id
    OR NEW.open = 0 AND (NEW.due IS NOT NULL OR NEW.asks = 1)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a rotation closes once, and nothing else about it changes'); END;

-- As before, but without counting: the last record says how many there are.
DROP TRIGGER record_follows_the_one_before;
CREATE TRIGGER record_follows_the_one_before BEFORE INSERT ON record
WHEN NEW.version <> 1 + (SELECT coalesce(max(version), 0) FROM record WHERE rotation = NEW.rotation)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: a record follows the one before'); END;

PRAGMA user_version = 2;
