-- When credentials are tried by themselves, when it is told that they run out, and what waits to be told.

-- A row for each credentials.
CREATE TABLE credentials_check (
    project_id BLOB NOT NULL,
    credentials_id BLOB NOT NULL,
    -- host[:port] of their registry key: tries at one host come one after the other.
    host TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    -- How often in a row the version that counts was found bad, tries that proved nothing left out; 0 until that is told.
    refusals INTEGER NOT NULL,
    -- How often in a row the registry did not answer.
    failures INTEGER NOT NULL,
    -- When it is to be told next that they run out; NULL where there is nothing to tell.
    alert_at INTEGER,
    PRIMARY KEY (project_id, credentials_id),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_check_due ON credentials_check (host, due_at);
CREATE INDEX credentials_check_alert ON credentials_check (alert_at) WHERE alert_at IS NOT NULL;

CREATE TABLE webhook_delivery (
    id BLOB NOT NULL PRIMARY KEY,
    -- A digest of the URL.
    target TEXT NOT NULL,
    -- JSON.
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_delivery_due ON webhook_delivery (target, due_at);
