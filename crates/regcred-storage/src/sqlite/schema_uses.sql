-- The last pull of credentials stands in the row of its day, so that a pull changes one row instead of two. Days that are
-- no longer kept go with the first pull of another day: nobody looks for them.
ALTER TABLE credentials_use_day RENAME TO credentials_use_day_before;

-- How often credentials were pulled, a row for each day on which they were; and the last pull of it: when, and by which
-- token, under its name of that time.
CREATE TABLE credentials_use_day (
    project_id BLOB NOT NULL,
    credentials_id BLOB NOT NULL,
    -- Days since 1970-01-01, UTC.
    day INTEGER NOT NULL,
    pulls INTEGER NOT NULL,
    -- NULL, with the token, of a day before the last one, from before they were kept for each.
    last_used INTEGER,
    token_id BLOB,
    token_name TEXT,
    PRIMARY KEY (project_id, credentials_id, day),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

INSERT INTO credentials_use_day (project_id, credentials_id, day, pulls)
SELECT project_id, credentials_id, day, pulls FROM credentials_use_day_before;
-- Where its day was forgotten, what is still known of it is one pull.
INSERT INTO credentials_use_day (project_id, credentials_id, day, pulls, last_used, token_id, token_name)
SELECT project_id, credentials_id, last_used / 86400000000, 1, last_used, token_id, token_name FROM credentials_use WHERE true
ON CONFLICT (project_id, credentials_id, day)
DO UPDATE SET last_used = excluded.last_used, token_id = excluded.token_id, token_name = excluded.token_name;

DROP TABLE credentials_use_day_before;
DROP TABLE credentials_use;
