-- Proofs of credentials at their registry, the latest ones of each.
CREATE TABLE credentials_verification (
    project_id BLOB NOT NULL,
    credentials_id BLOB NOT NULL,
    checked_at INTEGER NOT NULL,
    -- The version of the password that was tried.
    version INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (project_id, credentials_id, checked_at),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
