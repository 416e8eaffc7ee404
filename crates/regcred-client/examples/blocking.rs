//! The same without async: prints the credentials of a project, by the project's name.
//!
//! ```console
//! $ export REGCRED_URL=http://127.0.0.1:8490 REGCRED_LOGIN=admin REGCRED_PASSWORD='try me out'
//! $ cargo run --features blocking --example blocking -- demo
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::env::{args, var};
use std::error::Error;

use regcred_client::{Client, Secret, blocking};

fn main() -> Result<(), Box<dyn Error>> {
    let password = Secret::new(var("REGCRED_PASSWORD")?);
    let builder = Client::builder(&var("REGCRED_URL")?);
    let client = blocking::Client::login(builder, &var("REGCRED_LOGIN")?, password)?;
    let name = args().nth(1).ok_or("name a project")?;
    let project = client.projects().by_name(&name)?;
    for credentials in client.docker_credentials().list_for_project(project.id)? {
        println!("{} at {}", credentials.username, credentials.registry);
    }
    Ok(())
}
