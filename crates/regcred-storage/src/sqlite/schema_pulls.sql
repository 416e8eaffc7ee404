-- Passwords that run out, and who used which credentials.

-- NULL where it is not known.
ALTER TABLE docker_credentials ADD COLUMN expires_at INTEGER;

-- The last pull of credentials: when, and by which token, under its name of that time.
CREATE TABLE credentials_use (
    project_id BLOB NOT NULL,
    credentials_id BLOB NOT NULL,
    last_used INTEGER NOT NULL,
    token_id BLOB NOT NULL,
    token_name TEXT NOT NULL,
    PRIMARY KEY (project_id, credentials_id),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- How often, a row for each day on which there was a pull.
CREATE TABLE credentials_use_day (
    project_id BLOB NOT NULL,
    credentials_id BLOB NOT NULL,
    -- Days since 1970-01-01, UTC.
    day INTEGER NOT NULL,
    pulls INTEGER NOT NULL,
    PRIMARY KEY (project_id, credentials_id, day),
    FOREIGN KEY (project_id, credentials_id) REFERENCES credentials_use (project_id, credentials_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_use_day_day ON credentials_use_day (day);
