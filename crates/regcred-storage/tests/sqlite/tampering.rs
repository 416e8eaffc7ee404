//! What somebody changed behind the store's back is found.

use regcred_core::ErrorKind;
use regcred_core::ids::ProjectId;
use regcred_core::secret::RegistryPassword;
use regcred_core::service::UpgradeCredentials;

use crate::installation::Installation;

/// An admin, and two projects with two credentials each; closed.
async fn furnished() -> Installation {
    let installation = Installation::new();
    let running = installation.open().unwrap();
    let admin = running.admin().await;
    for name in ["one", "two"] {
        let project = running.project(&admin, name).await;
        for username in ["a", "b"] {
            running
                .credentials(&admin, project, "ghcr.io", username)
                .await;
        }
    }
    assert_eq!(running.proof().await, (5, 0));
    running.close().await;
    installation
}

#[tokio::test]
async fn every_flipped_byte_of_a_stored_password_is_refused() {
    let installation = furnished().await;
    let database = installation.database();
    let sealed: Vec<u8> = database
        .query_row(
            "SELECT password FROM docker_credentials LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let running = installation.open().unwrap();
    let write = |bytes: &[u8]| {
        let sql = "UPDATE docker_credentials SET password = ?1 WHERE (project_id, id) IN \
                   (SELECT project_id, id FROM docker_credentials LIMIT 1)";
        assert_eq!(database.execute(sql, [bytes]).unwrap(), 1);
        Installation::settle();
    };
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        write(&changed);
        assert_eq!(running.proof().await, (4, 1), "byte {index}");
    }
    write(&sealed);
    assert_eq!(running.proof().await, (5, 0));
    running.close().await;
}

#[tokio::test]
async fn a_password_that_does_not_open_is_mended_by_a_new_one() {
    let installation = Installation::new();
    let running = installation.open().unwrap();
    let admin = running.admin().await;
    let project = running.project(&admin, "one").await;
    let damaged = running.credentials(&admin, project, "ghcr.io", "me").await;
    let spoil = "UPDATE docker_credentials SET password = zeroblob(length(password))";
    installation.database().execute(spoil, []).unwrap();
    Installation::settle();
    let input = UpgradeCredentials {
        project,
        id: damaged.id,
        registry: None,
        username: None,
        password: RegistryPassword::parse("new".to_owned()).unwrap(),
        expires: None,
        expected_version: Some(1),
        probe: None,
        proved: None,
    };
    let mended = running.service.upgrade_credentials(&admin, input).await;
    assert_eq!(mended.unwrap().version, 2);
    assert_eq!(
        running.proof().await.1,
        1,
        "the one before is held as it is"
    );
    running.close().await;
}

#[tokio::test]
async fn a_password_in_another_place_is_refused() {
    let other = "(SELECT o.password FROM before o WHERE o.id <> docker_credentials.id ";
    for (change, damaged) in [
        // Swapped with the other row of the same project, and with one of another project.
        (format!("password = {other} AND o.project_id = docker_credentials.project_id)"), 4),
        (format!("password = {other} AND o.project_id <> docker_credentials.project_id LIMIT 1)"), 4),
        // Moved to the other project, repointed at another registry, given another name, version or id.
        (
            "project_id = (SELECT p.id FROM project p WHERE p.id <> docker_credentials.project_id), \
             username = username || '2' WHERE username = 'a'"
                .to_owned(),
            2,
        ),
        ("registry_key = 'evil.example', registry = 'evil.example'".to_owned(), 4),
        ("username = 'root' WHERE username = 'a'".to_owned(), 2),
        ("version = version + 1".to_owned(), 4),
        ("id = randomblob(16)".to_owned(), 4),
    ] {
        let installation = furnished().await;
        let sql = format!("UPDATE docker_credentials SET {change}");
        let database = installation.database();
        // Whoever changes rows behind the store's back does not mind what refers to them.
        database
            .execute_batch("PRAGMA foreign_keys = OFF; CREATE TEMP TABLE before AS SELECT * FROM docker_credentials")
            .unwrap();
        assert_eq!(database.execute(&sql, []).unwrap(), damaged, "{change}");
        let running = installation.open().unwrap();
        let found = running.proof().await;
        assert_eq!(found, (5 - damaged as u64, damaged), "{change}");
        running.close().await;
    }
}

#[tokio::test]
async fn a_password_of_another_installation_is_refused() {
    let (installation, other) = (furnished().await, furnished().await);
    let sealed: Vec<u8> = other
        .database()
        .query_row(
            "SELECT password FROM docker_credentials LIMIT 1",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let sql = "UPDATE docker_credentials SET password = ?";
    installation.database().execute(sql, [sealed]).unwrap();
    let running = installation.open().unwrap();
    assert_eq!(running.proof().await, (1, 4));
    running.close().await;
}

#[tokio::test]
async fn a_login_password_that_was_changed_is_found() {
    let installation = furnished().await;
    let sql = "UPDATE user_account SET password = randomblob(length(password))";
    installation.database().execute(sql, []).unwrap();
    let running = installation.open().unwrap();
    assert_eq!(running.proof().await, (4, 1));
    running.close().await;
}

#[tokio::test]
async fn a_trail_that_was_edited_or_cut_is_found_and_stays_found() {
    for (change, breaks_at) in [
        (
            "UPDATE audit_event SET event = replace(event, 'admin', 'nobody') WHERE sequence = 1",
            1,
        ),
        ("DELETE FROM audit_event WHERE sequence = 3", 3),
        ("DELETE FROM audit_event WHERE sequence = 8", 8),
        ("DELETE FROM audit_event WHERE sequence > 5", 6),
        (
            "DELETE FROM audit_event WHERE sequence > 5; \
          UPDATE audit_head SET sequence = 5, mac = (SELECT mac FROM audit_event WHERE sequence = 5)",
            6,
        ),
        ("DELETE FROM audit_event; DELETE FROM audit_head", 1),
        (
            "DELETE FROM audit_event; UPDATE audit_head SET sequence = 0",
            1,
        ),
    ] {
        let installation = furnished().await;
        installation.database().execute_batch(change).unwrap();
        for start in ["first", "second"] {
            let running = installation.open().unwrap();
            let expected = format!("event {breaks_at} of stream 1");
            let found = async || {
                let broken = running.service.verify_trail().await.unwrap_err();
                assert!(broken.message().contains(&expected), "{change}: {broken}");
            };
            found().await;
            // Life goes on, and what is done from now on does not cover it up.
            let admin = running.login().await;
            running.project(&admin, start).await;
            found().await;
            running.close().await;
        }
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let installation = furnished().await;
    let (running, database) = (installation.open().unwrap(), installation.database());
    let admin = running.login().await;
    let sql = "UPDATE project_member SET role = 'king' RETURNING project_id";
    let project = database.query_row(sql, [], |row| row.get(0)).unwrap();
    let project = ProjectId::from_bytes(project);
    Installation::settle();
    let error = running.service.list_credentials(&admin, project).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    let expected = format!(
        "project_member.role of the row {}",
        project.to_string().replace('-', "")
    );
    assert!(error.detail().unwrap().contains(&expected), "{error:?}");
    assert!(!error.message().contains("king"));
    running.close().await;
}
