-- The same tables as SQLite's, in the state of the migrations up to number 7; the comments there hold here, too.
-- Ids are UUIDs of sixteen bytes, moments are microseconds since 1970-01-01T00:00:00Z, words are the domain's own, yes and
-- no are 1 and 0, so that a statement has one text for both. Texts are compared byte by byte.

CREATE TABLE schema_version (
    singleton smallint PRIMARY KEY CHECK (singleton = 1),
    version bigint NOT NULL
);

CREATE TABLE installation (
    singleton bigint NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id bytea NOT NULL
);

CREATE TABLE wrapped_key (
    purpose text COLLATE "C" NOT NULL,
    generation bigint NOT NULL,
    wrapped bytea NOT NULL,
    PRIMARY KEY (purpose, generation)
);

CREATE TABLE user_account (
    id bytea NOT NULL PRIMARY KEY,
    login text COLLATE "C" NOT NULL UNIQUE,
    admin smallint NOT NULL CHECK (admin IN (0, 1)),
    password bytea NOT NULL,
    password_version bigint NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE user_group (
    user_id bytea NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    group_name text COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, group_name)
);

CREATE TABLE session (
    id bytea NOT NULL PRIMARY KEY,
    mac bytea NOT NULL,
    user_id bytea NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    last_used bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX session_of_user ON session (user_id);

CREATE TABLE project (
    id bytea NOT NULL PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    name_key text COLLATE "C" NOT NULL UNIQUE,
    creator text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    technologies text COLLATE "C" NOT NULL,
    credentials bigint NOT NULL DEFAULT 0,
    deletes_credentials_in_use smallint NOT NULL DEFAULT 0 CHECK (deletes_credentials_in_use IN (0, 1)),
    grace_period_days bigint NOT NULL DEFAULT 7 CHECK (grace_period_days >= 0),
    verify_before_saving text COLLATE "C" NOT NULL DEFAULT 'off',
    workload_versions bigint NOT NULL DEFAULT 0
);

CREATE TABLE project_member (
    project_id bytea NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id bytea NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
    role text COLLATE "C" NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX project_member_user ON project_member (user_id);

CREATE TABLE project_group (
    project_id bytea NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    group_name text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    PRIMARY KEY (project_id, group_name)
);
CREATE INDEX project_group_name ON project_group (group_name);

CREATE TABLE service_token (
    id bytea NOT NULL PRIMARY KEY,
    mac bytea NOT NULL,
    name text COLLATE "C" NOT NULL,
    rights text COLLATE "C" NOT NULL,
    creator text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);

CREATE TABLE service_token_project (
    token_id bytea NOT NULL REFERENCES service_token (id) ON DELETE CASCADE,
    project_id bytea NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    PRIMARY KEY (token_id, project_id)
);
CREATE INDEX service_token_project_project ON service_token_project (project_id);

CREATE TABLE docker_credentials (
    project_id bytea NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    id bytea NOT NULL,
    registry text COLLATE "C",
    registry_key text COLLATE "C" NOT NULL,
    username text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    last_update bigint NOT NULL,
    password bytea NOT NULL,
    expires_at bigint,
    last_version bigint NOT NULL DEFAULT 1,
    probe text COLLATE "C",
    secret bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, registry_key, username)
);

CREATE TABLE credentials_version (
    project_id bytea NOT NULL,
    credentials_id bytea NOT NULL,
    version bigint NOT NULL,
    base bigint,
    superseded_at bigint,
    hold_until bigint,
    registry text COLLATE "C",
    registry_key text COLLATE "C" NOT NULL,
    username text COLLATE "C" NOT NULL,
    made_at bigint NOT NULL,
    expires_at bigint,
    probe text COLLATE "C",
    secret bigint NOT NULL,
    password bytea NOT NULL,
    PRIMARY KEY (project_id, credentials_id, version),
    CHECK ((base IS NULL) = (superseded_at IS NOT NULL) AND (base IS NULL) = (hold_until IS NOT NULL)),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
);
CREATE INDEX credentials_version_hold_until ON credentials_version (hold_until) WHERE hold_until IS NOT NULL;

-- Room in each page, so that the row of a pull is changed where it lies.
CREATE TABLE credentials_use (
    project_id bytea NOT NULL,
    credentials_id bytea NOT NULL,
    last_used bigint NOT NULL,
    token_id bytea NOT NULL,
    token_name text COLLATE "C" NOT NULL,
    PRIMARY KEY (project_id, credentials_id),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);

CREATE TABLE credentials_use_day (
    project_id bytea NOT NULL,
    credentials_id bytea NOT NULL,
    day bigint NOT NULL,
    pulls bigint NOT NULL,
    PRIMARY KEY (project_id, credentials_id, day),
    FOREIGN KEY (project_id, credentials_id) REFERENCES credentials_use (project_id, credentials_id) ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE INDEX credentials_use_day_day ON credentials_use_day (day);

CREATE TABLE credentials_puller (
    project_id bytea NOT NULL,
    credentials_id bytea NOT NULL,
    token_id bytea NOT NULL,
    target text COLLATE "C" NOT NULL,
    token_name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    last_pull bigint NOT NULL,
    PRIMARY KEY (project_id, credentials_id, token_id, target),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
) WITH (fillfactor = 70);

CREATE TABLE credentials_verification (
    project_id bytea NOT NULL,
    credentials_id bytea NOT NULL,
    checked_at bigint NOT NULL,
    version bigint NOT NULL,
    verdict text COLLATE "C" NOT NULL,
    probed smallint NOT NULL DEFAULT 0 CHECK (probed IN (0, 1)),
    PRIMARY KEY (project_id, credentials_id, checked_at),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
);

CREATE TABLE credentials_check (
    project_id bytea NOT NULL,
    credentials_id bytea NOT NULL,
    host text COLLATE "C" NOT NULL,
    due_at bigint NOT NULL,
    refusals bigint NOT NULL,
    failures bigint NOT NULL,
    alert_at bigint,
    PRIMARY KEY (project_id, credentials_id),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
);
CREATE INDEX credentials_check_due ON credentials_check (host, due_at);
CREATE INDEX credentials_check_alert ON credentials_check (alert_at) WHERE alert_at IS NOT NULL;

CREATE TABLE webhook_delivery (
    id bytea NOT NULL PRIMARY KEY,
    target text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    attempts bigint NOT NULL,
    due_at bigint NOT NULL
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (target, due_at);

CREATE TABLE workload (
    project_id bytea NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,
    id bytea NOT NULL UNIQUE,
    name text COLLATE "C" NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    alias text COLLATE "C",
    description text COLLATE "C",
    category text COLLATE "C" NOT NULL,
    technology text COLLATE "C" NOT NULL,
    creator text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    settings text COLLATE "C" NOT NULL,
    PRIMARY KEY (project_id, kind, id),
    UNIQUE (project_id, kind, name_key)
);

CREATE TABLE workload_version (
    workload_id bytea NOT NULL REFERENCES workload (id) ON DELETE CASCADE,
    number bigint NOT NULL CHECK (number >= 1),
    project_id bytea NOT NULL,
    current smallint NOT NULL CHECK (current IN (0, 1)),
    creator text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    image text COLLATE "C",
    image_key text COLLATE "C",
    credentials_id bytea,
    details text COLLATE "C" NOT NULL,
    PRIMARY KEY (workload_id, number)
);
CREATE UNIQUE INDEX workload_version_current ON workload_version (workload_id) WHERE current = 1;
CREATE INDEX workload_version_credentials ON workload_version (project_id, credentials_id)
    WHERE current = 1 AND credentials_id IS NOT NULL;
CREATE INDEX workload_version_image ON workload_version (project_id, image_key, credentials_id)
    WHERE current = 1 AND credentials_id IS NOT NULL;

CREATE TABLE audit_event (
    stream bigint NOT NULL CHECK (stream >= 1),
    sequence bigint NOT NULL CHECK (sequence >= 1),
    event text COLLATE "C" NOT NULL,
    mac bytea NOT NULL,
    PRIMARY KEY (stream, sequence)
);

CREATE TABLE audit_head (
    stream bigint NOT NULL PRIMARY KEY,
    sequence bigint NOT NULL,
    mac bytea NOT NULL
) WITH (fillfactor = 10);
