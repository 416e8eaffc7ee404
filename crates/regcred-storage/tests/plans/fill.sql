-- What a large installation holds. Ids are numbers, so that a test names what it wants: project n has a token, a job and
-- credentials of that number, and nine more of n + 100000, n + 200000, ... Credentials lie in the order of time, so those of a
-- project lie far apart, as they would.

SET session_replication_role = replica;
SET synchronous_commit = off;
SET client_min_messages = warning;
SET maintenance_work_mem = '256MB';
CREATE FUNCTION pg_temp.id(n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE
    AS $$ SELECT decode(lpad(to_hex(n), 32, '0'), 'hex') $$;
CREATE FUNCTION pg_temp.days(n double precision) RETURNS bigint LANGUAGE sql STABLE
    AS $$ SELECT ((extract(epoch FROM now()) + 86400 * n) * 1000000)::bigint $$;

-- To make an index of what is there takes half the time of adding to it row by row; what others refer to has to stay.
CREATE TEMPORARY TABLE later AS
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS away,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS back
FROM pg_constraint u WHERE connamespace = 'public'::regnamespace AND contype = 'u'
AND NOT EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = u.conindid)
UNION ALL
SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid);
DO $$ DECLARE statement text; BEGIN FOR statement IN SELECT away FROM later LOOP EXECUTE statement; END LOOP; END $$;

INSERT INTO user_account (id, login, admin, password, password_version, created_at)
SELECT pg_temp.id(n), 'user-' || n, (n % 1000 = 0)::int, decode(repeat('ab', 120), 'hex'), 1, pg_temp.days(-300)
FROM generate_series(1, 10000) n;

INSERT INTO user_group (user_id, group_name)
SELECT pg_temp.id(n), 'group-' || ((n * 7 + k * 13) % 1000) FROM generate_series(1, 10000) n, generate_series(0, 1) k;

INSERT INTO session (id, mac, user_id, last_used, expires_at)
SELECT pg_temp.id(n), decode(repeat('ab', 32), 'hex'), pg_temp.id(n), pg_temp.days(-random() / 24), pg_temp.days(random())
FROM generate_series(1, 10000) n;

INSERT INTO project (id, name, name_key, creator, description, technologies, credentials, workload_versions)
SELECT pg_temp.id(n), 'Project ' || n, 'project ' || n, 'user-' || (n % 10000 + 1), 'what it is for',
       '{"jobs":[],"apps":[]}', 10, 2
FROM generate_series(1, 100000) n;

INSERT INTO project_member (project_id, user_id, role)
SELECT pg_temp.id(n), pg_temp.id((n + k * 3333) % 10000 + 1), CASE k WHEN 0 THEN 'manager' ELSE 'viewer' END
FROM generate_series(1, 100000) n, generate_series(0, 1) k;

INSERT INTO project_group (project_id, group_name, role)
SELECT pg_temp.id(n), 'group-' || (n % 1000), 'editor' FROM generate_series(1, 100000) n;

INSERT INTO service_token (id, mac, name, rights, creator, created_at, expires_at)
SELECT pg_temp.id(n), decode(repeat('ab', 32), 'hex'), 'ci', 'pull', 'user-' || (n % 10000 + 1), pg_temp.days(-30),
       pg_temp.days(1 + random() * 365)
FROM generate_series(1, 100000) n;

INSERT INTO service_token_project (token_id, project_id)
SELECT pg_temp.id(n), pg_temp.id(n) FROM generate_series(1, 100000) n;

-- Two of five are at Docker Hub, and an account is shared by projects.
INSERT INTO docker_credentials (project_id, id, registry, registry_key, username, version, last_update, password, expires_at,
                                last_version, secret)
SELECT pg_temp.id(p), pg_temp.id(n + 1), nullif(r, 'docker.io'), r, 'robot-' || ((p * 10 + k) % 5000), 1 + (k = 9)::int,
       pg_temp.days(-random() * 300), decode(repeat('ab', 90), 'hex'),
       CASE WHEN k = 3 THEN pg_temp.days(15 + random() * 300) END, 1 + (k = 9)::int, 1
FROM generate_series(0, 999999) n,
     LATERAL (SELECT n % 100000 + 1, n / 100000) AS place (p, k),
     LATERAL (SELECT CASE WHEN k % 5 < 2 THEN 'docker.io' ELSE 'registry-' || ((p * 7 + k * 13) % 250) || '.example.com' END) AS o (r);

INSERT INTO credentials_version (project_id, credentials_id, version, superseded_at, hold_until, registry, registry_key, username,
                                 made_at, secret, password)
SELECT project_id, id, 1, last_update, pg_temp.days(random() * 7), registry, registry_key, username, last_update, 1, password
FROM docker_credentials WHERE version = 2;

-- Each is tried once a day; fifty are due now.
INSERT INTO credentials_check (project_id, credentials_id, host, due_at, refusals, failures, alert_at)
SELECT project_id, id, registry_key, CASE row_number() OVER () % 19997 WHEN 7 THEN pg_temp.days(-0.001) ELSE pg_temp.days(0.1 + random()) END,
       0, 0, expires_at - 14 * 86400000000
FROM docker_credentials;

INSERT INTO credentials_verification (project_id, credentials_id, checked_at, version, verdict, probed)
SELECT project_id, id, last_update, version, 'ok', 0 FROM docker_credentials WHERE random() < 0.5;

INSERT INTO credentials_use_day (project_id, credentials_id, day, pulls, last_used, token_id, token_name)
SELECT project_id, id, last / 86400000000, 1 + (random() * 100)::int, last, project_id, 'ci'
FROM (SELECT project_id, id, pg_temp.days(-random() * 80) AS last FROM docker_credentials WHERE random() < 0.4) AS used;

INSERT INTO credentials_puller (project_id, credentials_id, token_id, target, token_name, version, last_pull)
SELECT project_id, credentials_id, token_id, 'docker.io/library/app', token_name, 1, last_used FROM credentials_use_day;

INSERT INTO webhook_delivery (id, target, body, attempts, due_at)
SELECT pg_temp.id(n), 'target-' || (n % 3), repeat('x', 500), 1, pg_temp.days(random() / 10) FROM generate_series(1, 5000) n;

INSERT INTO workload (project_id, kind, id, name, name_key, category, technology, creator, created_at, settings)
SELECT pg_temp.id(n), 'job', pg_temp.id(n), 'Nightly', 'nightly', 'Processing', 'd7c6c0f1-9e2e-4f0b-8a53-8a3c5a1e0d11',
       'user-' || (n % 10000 + 1), pg_temp.days(-30), '{}'
FROM generate_series(1, 100000) n;

INSERT INTO workload_version (workload_id, number, project_id, current, creator, created_at, image, image_key, credentials_id,
                              details)
SELECT pg_temp.id(n), v, pg_temp.id(n), v - 1, 'user-1', pg_temp.days(-30), 'library/app:' || v, 'docker.io/library/app',
       pg_temp.id(n), '{}'
FROM generate_series(1, 100000) n, generate_series(1, 2) v;

-- A stream of another replica.
INSERT INTO audit_event (stream, sequence, event, mac)
SELECT 2, n, repeat('x', 300), decode(repeat('ab', 32), 'hex') FROM generate_series(1, 1000000) n;
INSERT INTO audit_head (stream, sequence, mac) VALUES (2, 1000000, decode(repeat('ab', 32), 'hex'));

DO $$ DECLARE statement text; BEGIN FOR statement IN SELECT back FROM later LOOP EXECUTE statement; END LOOP; END $$;
ANALYZE;
