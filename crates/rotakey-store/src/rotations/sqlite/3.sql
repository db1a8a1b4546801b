-- What people were told of rotations: no part of the log, and never a reason for it to wait.

CREATE TABLE notice_delivery (
    rotation TEXT NOT NULL,
    notice   TEXT NOT NULL,
    channel  TEXT NOT NULL,
    -- Counts the writes: whoever writes must have seen the one before.
    version  INTEGER NOT NULL CHECK (version > 0),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    state    TEXT NOT NULL CHECK (state IN ('sending', 'sent', 'failed', 'not-meant')),
    -- Until when it is being sent, or when it was sent or failed: RFC 3339.
    at       TEXT,
    message  TEXT,
    PRIMARY KEY (rotation, notice, channel)
) STRICT, WITHOUT ROWID;

-- Rotations that have ended, and of which there is nothing more to tell.
CREATE TABLE notices_settled (
    rotation TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 3;
