-- What people say to all workers at once: a halt, and approvals of plans that have not begun. Small texts by name.

CREATE TABLE rotakey_rotations.control (
    name TEXT COLLATE "C" PRIMARY KEY,
    body TEXT NOT NULL
);

UPDATE rotakey_rotations.format SET version = 2;
