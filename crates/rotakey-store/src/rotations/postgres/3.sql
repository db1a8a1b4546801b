-- What people were told of rotations: no part of the log, and never a reason for it to wait.

CREATE TABLE rotakey_rotations.notice_delivery (
    rotation text NOT NULL,
    notice   text NOT NULL,
    channel  text NOT NULL,
    -- Counts the writes: whoever writes must have seen the one before.
    version  bigint NOT NULL CHECK (version > 0),
    attempts bigint NOT NULL CHECK (attempts >= 0),
    state    text NOT NULL CHECK (state IN ('sending', 'sent', 'failed', 'not-meant')),
    -- Until when it is being sent, or when it was sent or failed: RFC 3339.
    at       text,
    message  text,
    PRIMARY KEY (rotation, notice, channel)
);

-- Rotations that have ended, and of which there is nothing more to tell.
CREATE TABLE rotakey_rotations.notices_settled (
    rotation text PRIMARY KEY
);

UPDATE rotakey_rotations.format SET version = 3;
