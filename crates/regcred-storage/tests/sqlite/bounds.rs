//! How much there may be.

use regcred_core::ErrorKind;
use regcred_core::credentials::{MOST_IN_PROJECT, Username};
use regcred_core::registry::Registry;
use regcred_core::secret::RegistryPassword;
use regcred_core::service::CreateCredentials;

use crate::installation::Installation;

#[tokio::test]
async fn a_project_has_a_bound_and_a_full_one_is_listed_whole() {
    let installation = Installation::new();
    let running = installation.open().unwrap();
    let admin = running.admin().await;
    let project = running.project(&admin, "full").await;
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
               INSERT INTO docker_credentials SELECT ?2, randomblob(16), NULL, 'docker.io', 'user' || i, 1, 0, x'00', NULL, 1, NULL, 1 FROM n";
    let rows = i64::try_from(MOST_IN_PROJECT).unwrap();
    let params = rusqlite::params![rows, project.as_bytes()];
    let database = installation.database();
    database.execute(sql, params).unwrap();
    let sql = "UPDATE project SET credentials = (SELECT count(*) FROM docker_credentials)";
    database.execute(sql, []).unwrap();
    Installation::settle();
    let listed = running.service.list_credentials(&admin, project).await;
    let listed = listed.unwrap();
    assert_eq!(listed.len(), MOST_IN_PROJECT);

    let one_more = |username: &str| CreateCredentials {
        project,
        registry: Registry::parse(None).unwrap(),
        username: Username::parse(username.to_owned()).unwrap(),
        password: RegistryPassword::parse("p".to_owned()).unwrap(),
        expires: None,
        probe: None,
        proved: None,
    };
    let create = async |username| {
        let input = one_more(username);
        running.service.create_credentials(&admin, input).await
    };
    let refused = create("one more").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.message().contains("50000"), "{refused}");
    // One goes, so one may come; a refusal for another reason takes no room.
    let delete = running
        .service
        .delete_credentials(&admin, project, listed[0].id, false);
    delete.await.unwrap();
    let username = listed[1].username.as_str();
    assert_eq!(
        create(username).await.unwrap_err().kind(),
        ErrorKind::Conflict
    );
    create("one more").await.unwrap();
    assert_eq!(
        create("another").await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let listed = running.service.list_credentials(&admin, project).await;
    assert_eq!(listed.unwrap().len(), MOST_IN_PROJECT);
    running.close().await;
}
