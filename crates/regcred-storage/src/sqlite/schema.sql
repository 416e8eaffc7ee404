-- Ids are UUIDs of sixteen bytes, moments are microseconds since 1970-01-01T00:00:00Z, words are the domain's own.

CREATE TABLE installation (
    -- The one row there is.
    singleton INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id BLOB NOT NULL
) STRICT;

CREATE TABLE wrapped_key (
    purpose TEXT NOT NULL,
    generation INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (purpose, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_account (
    id BLOB NOT NULL PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    admin INTEGER NOT NULL CHECK (admin IN (0, 1)),
    password BLOB NOT NULL,
    password_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE user_group (
    user_id BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    PRIMARY KEY (user_id, group_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    id BLOB NOT NULL PRIMARY KEY,
    mac BLOB NOT NULL,
    user_id BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    last_used INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user ON session (user_id);

CREATE TABLE project (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- The form under which names are compared.
    name_key TEXT NOT NULL UNIQUE,
    creator TEXT NOT NULL,
    description TEXT,
    -- JSON.
    technologies TEXT NOT NULL,
    -- How many Docker credentials it has: counting them would cost more than adding one.
    credentials INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE project_member (
    project_id BLOB NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id BLOB NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_member_user ON project_member (user_id);

CREATE TABLE project_group (
    project_id BLOB NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (project_id, group_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_group_name ON project_group (group_name);

CREATE TABLE service_token (
    id BLOB NOT NULL PRIMARY KEY,
    mac BLOB NOT NULL,
    name TEXT NOT NULL,
    -- Words, joined by commas.
    rights TEXT NOT NULL,
    creator TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE service_token_project (
    token_id BLOB NOT NULL REFERENCES service_token (id) ON DELETE CASCADE,
    project_id BLOB NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    PRIMARY KEY (token_id, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX service_token_project_project ON service_token_project (project_id);

-- Clustered by project: a project's credentials lie side by side, so listing them is one descent of the tree.
CREATE TABLE docker_credentials (
    project_id BLOB NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    id BLOB NOT NULL,
    -- As typed; NULL is Docker Hub.
    registry TEXT,
    registry_key TEXT NOT NULL,
    username TEXT NOT NULL,
    version INTEGER NOT NULL,
    last_update INTEGER NOT NULL,
    password BLOB NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, registry_key, username)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_event (
    stream INTEGER NOT NULL CHECK (stream >= 1),
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    -- The canonical event, JSON.
    event TEXT NOT NULL,
    mac BLOB NOT NULL,
    PRIMARY KEY (stream, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_head (
    stream INTEGER NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    mac BLOB NOT NULL
) STRICT;
