-- The versions of credentials: what counts stays in docker_credentials, what waits or counted before is here.

-- The highest number that was given; a number is never given twice.
ALTER TABLE docker_credentials ADD COLUMN last_version INTEGER NOT NULL DEFAULT 1;
UPDATE docker_credentials SET last_version = version;

ALTER TABLE project ADD COLUMN grace_period_days INTEGER NOT NULL DEFAULT 7
    CHECK (grace_period_days >= 0);
-- What has to be proved of a password before it is saved, a word.
ALTER TABLE project ADD COLUMN verify_before_saving TEXT NOT NULL DEFAULT 'off';

-- An image to probe with.
ALTER TABLE docker_credentials ADD COLUMN probe TEXT;
-- The first of the versions with this same password: whoever revokes it for one revokes it for all of them.
ALTER TABLE docker_credentials ADD COLUMN secret INTEGER NOT NULL DEFAULT 1;
UPDATE docker_credentials SET secret = version;
-- Whether the right to pull was tried, too.
ALTER TABLE credentials_verification ADD COLUMN probed INTEGER NOT NULL DEFAULT 0 CHECK (probed IN (0, 1));

-- Each password is sealed as that of docker_credentials with this version, so that it opens there once it counts.
CREATE TABLE credentials_version (
    project_id BLOB NOT NULL,
    credentials_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    -- Of the one that is staged: what counted when it was made. NULL of those that counted before.
    base INTEGER,
    -- Of those that counted before. NULL of the one that is staged.
    superseded_at INTEGER,
    hold_until INTEGER,
    registry TEXT,
    registry_key TEXT NOT NULL,
    username TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER,
    -- An image to probe with, once it counts.
    probe TEXT,
    -- As in docker_credentials.
    secret INTEGER NOT NULL,
    password BLOB NOT NULL,
    PRIMARY KEY (project_id, credentials_id, version),
    CHECK ((base IS NULL) = (superseded_at IS NOT NULL) AND (base IS NULL) = (hold_until IS NOT NULL)),
    FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_version_hold_until ON credentials_version (hold_until) WHERE hold_until IS NOT NULL;
