-- As SQLite's schema_uses.sql: the last pull of credentials stands in the row of its day.
ALTER TABLE credentials_use_day
    DROP CONSTRAINT credentials_use_day_project_id_credentials_id_fkey,
    ADD FOREIGN KEY (project_id, credentials_id) REFERENCES docker_credentials (project_id, id) ON DELETE CASCADE,
    ADD COLUMN last_used bigint,
    ADD COLUMN token_id bytea,
    ADD COLUMN token_name text COLLATE "C";

INSERT INTO credentials_use_day (project_id, credentials_id, day, pulls, last_used, token_id, token_name)
SELECT project_id, credentials_id, last_used / 86400000000, 1, last_used, token_id, token_name FROM credentials_use
ON CONFLICT (project_id, credentials_id, day)
DO UPDATE SET last_used = excluded.last_used, token_id = excluded.token_id, token_name = excluded.token_name;

DROP TABLE credentials_use;
DROP INDEX credentials_use_day_day;
