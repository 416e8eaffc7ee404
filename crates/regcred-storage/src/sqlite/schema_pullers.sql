-- Who pulled credentials for what: the last pull of each token for each image or server, the latest of them.
CREATE TABLE credentials_puller (
    project_id BLOB NOT NULL,
    credentials_id BLOB NOT NULL,
    token_id BLOB NOT NULL,
    -- In canonical form, without tag and digest.
    target TEXT NOT NULL,
    -- Its name at that time.
    token_name TEXT NOT NULL,
    -- The version of the password that it was handed.
    version INTEGER NOT NULL,
    last_pull INTEGER NOT NULL,
    PRIMARY KEY (project_id, credentials_id, token_id, target),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- How many versions its jobs and apps have together: counting them would cost more than adding one.
ALTER TABLE project ADD COLUMN workload_versions INTEGER NOT NULL DEFAULT 0;
UPDATE project SET workload_versions = (SELECT count(*) FROM workload_version WHERE project_id = project.id);
