-- A log of records per rotation. The text of a record is what was hashed, so it is kept as it is. All is in a schema of
-- its own, which may share a database with others.

CREATE TABLE rotakey_rotations.format (
    application TEXT NOT NULL,
    version     integer NOT NULL
);
INSERT INTO rotakey_rotations.format VALUES ('rotakey rotations', 1);

CREATE TABLE rotakey_rotations.rotation (
    -- In the order in which rotations began.
    ordinal    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    user_name  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    -- How many records the log has.
    version    bigint NOT NULL CHECK (version >= 0),
    open       boolean NOT NULL,
    -- From when on a worker may claim it, in microseconds since 1970; a claim puts it to the end of the lease. One that
    -- has ended is never due.
    due        bigint,
    -- Whether a person is asked.
    asks       boolean NOT NULL,
    CHECK (CASE WHEN open THEN asks OR due IS NOT NULL ELSE NOT asks AND due IS NULL END)
);

-- No user is rotated twice at once, whatever a program believes.
CREATE UNIQUE INDEX one_open_rotation_per_user ON rotakey_rotations.rotation (user_id) WHERE open;

CREATE INDEX due_rotation ON rotakey_rotations.rotation (due, ordinal) WHERE open AND due IS NOT NULL;
CREATE INDEX asking_rotation ON rotakey_rotations.rotation (account_id) WHERE open AND asks;
CREATE INDEX open_rotation ON rotakey_rotations.rotation (ordinal) WHERE open;

CREATE TABLE rotakey_rotations.record (
    rotation TEXT NOT NULL REFERENCES rotakey_rotations.rotation (id),
    version  bigint NOT NULL CHECK (version > 0),
    body     TEXT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (rotation, version)
);

CREATE FUNCTION rotakey_rotations.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: %', TG_ARGV[0];
END $$;

CREATE TRIGGER record_is_never_changed BEFORE UPDATE ON rotakey_rotations.record
    EXECUTE FUNCTION rotakey_rotations.refuse('a record is never changed');
CREATE TRIGGER record_is_never_deleted BEFORE DELETE OR TRUNCATE ON rotakey_rotations.record
    EXECUTE FUNCTION rotakey_rotations.refuse('a record is never deleted');
CREATE TRIGGER rotation_is_never_deleted BEFORE DELETE OR TRUNCATE ON rotakey_rotations.rotation
    EXECUTE FUNCTION rotakey_rotations.refuse('a rotation is never deleted');

CREATE FUNCTION rotakey_rotations.rotation_only_closes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT OLD.open
        OR NEW.version < OLD.version
        OR (NEW.ordinal, NEW.id, NEW.account_id, NEW.user_name, NEW.user_id)
            IS DISTINCT FROM (OLD.ordinal, OLD.id, OLD.account_id, OLD.user_name, OLD.user_id)
    THEN
        RAISE EXCEPTION 'the log is append-only: a rotation closes once, and nothing else about it changes';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rotation_only_closes BEFORE UPDATE ON rotakey_rotations.rotation
    FOR EACH ROW EXECUTE FUNCTION rotakey_rotations.rotation_only_closes();

-- The number of records is raised first, which only an open rotation allows; then they follow. Winning an append is the
-- right to act, so it is on disk when it returns, also where the server is not to wait for the disk.
CREATE FUNCTION rotakey_rotations.record_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.version <> 1 + (SELECT coalesce(max(version), 0) FROM rotakey_rotations.record
                           WHERE rotation = NEW.rotation) THEN
        RAISE EXCEPTION 'the log is append-only: a record follows the one before';
    END IF;
    IF NOT EXISTS (SELECT FROM rotakey_rotations.rotation WHERE id = NEW.rotation AND version >= NEW.version) THEN
        RAISE EXCEPTION 'the rotation is closed, or its number of records was not raised';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER record_follows BEFORE INSERT ON rotakey_rotations.record
    FOR EACH ROW EXECUTE FUNCTION rotakey_rotations.record_follows();

-- At the end of a transaction, about the rotation as it is then.
CREATE FUNCTION rotakey_rotations.rotation_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT version FROM rotakey_rotations.rotation WHERE id = NEW.id)
        IS DISTINCT FROM (SELECT max(version) FROM rotakey_rotations.record WHERE rotation = NEW.id)
    THEN
        RAISE EXCEPTION 'the log is append-only: a rotation has as many records as it says';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER rotation_is_whole AFTER INSERT OR UPDATE OF version ON rotakey_rotations.rotation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rotakey_rotations.rotation_is_whole();
