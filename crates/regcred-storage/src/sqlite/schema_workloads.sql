-- Jobs and apps, and whether credentials that they use are deleted all the same.

ALTER TABLE project ADD COLUMN deletes_credentials_in_use INTEGER NOT NULL DEFAULT 0
    CHECK (deletes_credentials_in_use IN (0, 1));

-- Clustered by project, as credentials are.
CREATE TABLE workload (
    project_id BLOB NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    -- 'job' or 'app'.
    kind TEXT NOT NULL,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- The form under which names are compared.
    name_key TEXT NOT NULL,
    alias TEXT,
    description TEXT,
    category TEXT NOT NULL,
    technology TEXT NOT NULL,
    creator TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- JSON.
    settings TEXT NOT NULL,
    PRIMARY KEY (project_id, kind, id),
    UNIQUE (project_id, kind, name_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE workload_version (
    workload_id BLOB NOT NULL REFERENCES workload (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 1),
    -- That of the workload, for the indices.
    project_id BLOB NOT NULL,
    current INTEGER NOT NULL CHECK (current IN (0, 1)),
    creator TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- As typed; NULL where it runs none. Then there are no key and no credentials, either.
    image TEXT,
    -- Host and repository in canonical form.
    image_key TEXT,
    -- No reference: a version keeps the id of credentials that are gone.
    credentials_id BLOB,
    -- JSON.
    details TEXT NOT NULL,
    PRIMARY KEY (workload_id, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX workload_version_current ON workload_version (workload_id) WHERE current = 1;
CREATE INDEX workload_version_credentials ON workload_version (project_id, credentials_id)
    WHERE current = 1 AND credentials_id IS NOT NULL;
CREATE INDEX workload_version_image ON workload_version (project_id, image_key, credentials_id)
    WHERE current = 1 AND credentials_id IS NOT NULL;
