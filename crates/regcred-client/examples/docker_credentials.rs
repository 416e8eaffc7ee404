//! One operation on Docker credentials, by its documented name:
//!
//! ```console
//! $ export REGCRED_URL=http://127.0.0.1:8490 REGCRED_LOGIN=admin REGCRED_PASSWORD='try me out'
//! $ printf first-password | cargo run --example docker_credentials -- create PROJECT ci-bot ghcr.io
//! $ cargo run --example docker_credentials -- list_for_project PROJECT
//! ```
//!
//! An absent registry is Docker Hub. Passwords of registries come from standard input. Each of the credentials that
//! the operation answers is a line of JSON.
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::env::var;
use std::error::Error;
use std::io::stdin;

use regcred_client::{Client, CredentialsInfo, ProjectId, RegistryChange, Secret};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut builder = Client::builder(&var("REGCRED_URL")?);
    if let Ok(realm) = var("REGCRED_REALM") {
        builder = builder.realm(&realm);
    }
    let password = Secret::new(var("REGCRED_PASSWORD")?);
    let client = builder.login(&var("REGCRED_LOGIN")?, password).await?;
    let credentials = client.docker_credentials();

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let project = |text: &str| text.parse::<ProjectId>();
    match arguments[..] {
        ["list_for_project", at] => {
            for info in credentials.list_for_project(project(at)?).await? {
                show(&info);
            }
        }
        ["get_info", at, id] => show(&credentials.get_info(project(at)?, id.parse()?).await?),
        ["get_info_for_username", at, username, ref registry @ ..] => {
            let registry = registry.first().copied();
            let found = credentials.get_info_for_username(project(at)?, username, registry);
            show(&found.await?);
        }
        ["create", at, username, ref registry @ ..] => {
            let (password, registry) = (read_password()?, registry.first().copied());
            let created = credentials.create(project(at)?, username, &password, registry);
            show(&created.await?);
        }
        ["upgrade", at, id] => {
            let password = read_password()?;
            let (project, id) = (project(at)?, id.parse()?);
            let upgraded = credentials.upgrade(project, id, &password, RegistryChange::Keep, None);
            show(&upgraded.await?);
        }
        ["upgrade_for_username", at, username, ref registry @ ..] => {
            let (password, registry) = (read_password()?, registry.first().copied());
            let upgraded =
                credentials.upgrade_for_username(project(at)?, username, &password, registry);
            show(&upgraded.await?);
        }
        ["delete", at, id] => credentials.delete(project(at)?, id.parse()?).await?,
        ["delete_for_username", at, username, ref registry @ ..] => {
            let registry = registry.first().copied();
            let deleted = credentials.delete_for_username(project(at)?, username, registry);
            deleted.await?;
        }
        _ => return Err("name an operation and its arguments, as in the head of this file".into()),
    }
    Ok(())
}

fn read_password() -> std::io::Result<Secret> {
    std::io::read_to_string(stdin()).map(Secret::new)
}

fn show(info: &CredentialsInfo) {
    let line = json!({
        "id": info.id, "registry": info.registry, "username": info.username,
        "lastUpdate": info.last_update.to_string(),
    });
    println!("{line}");
}
