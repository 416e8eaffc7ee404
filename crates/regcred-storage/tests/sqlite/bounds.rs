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
               INSERT INTO docker_credentials SELECT ?2, randomblob(16), NULL, 'docker.io', 'user' || i, 1, 0, x'00' FROM n";
    let rows = i64::try_from(MOST_IN_PROJECT).unwrap();
    let params = rusqlite::params![rows, project.as_bytes()];
    installation.database().execute(sql, params).unwrap();
    let listed = running.service.list_credentials(&admin, project).await;
    assert_eq!(listed.unwrap().len(), MOST_IN_PROJECT);

    let one_more = CreateCredentials {
        project,
        registry: Registry::parse(None).unwrap(),
        username: Username::parse("one more".to_owned()).unwrap(),
        password: RegistryPassword::parse("p".to_owned()).unwrap(),
    };
    let refused = running.service.create_credentials(&admin, one_more).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.message().contains("50000"), "{refused}");
    let listed = running.service.list_credentials(&admin, project).await;
    assert_eq!(listed.unwrap().len(), MOST_IN_PROJECT);
    running.close().await;
}
