//! `serve --dev`: an installation that needs nothing, and a block of commands to paste.

use std::io::{Write as _, stdout};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use regcred_core::ErrorKind;
use regcred_core::access::{AdminGrant, Caller, RequestId};
use regcred_core::people::{Login, LoginPassword};
use regcred_core::project::{Project, ProjectName, Technologies};
use regcred_core::random::{SystemRandom, bytes};
use regcred_core::secret::SecretText;
use regcred_core::service::{CreateProject, CreateUser};
use serde_json::json;
use tempfile::TempDir;

use crate::app::Backend;
use crate::settings::{KekSource, Place, Settings, SettingsError};

/// What --dev adds to an installation. The directory goes with it, unless one was given.
pub(super) struct Dev {
    password: SecretText,
    throw_away: Option<TempDir>,
}

impl Dev {
    /// Chooses a password and, where none is given, a directory that is removed at the end.
    pub(super) fn new(settings: &mut Settings) -> Result<Self, SettingsError> {
        let password = match settings.dev_admin_password.take() {
            Some(password) => SecretText::new(password),
            None => random_password()?,
        };
        let throw_away = if settings.place.is_some() {
            None
        } else {
            let directory = tempfile::Builder::new()
                .prefix("regcred-dev-")
                .tempdir()
                .map_err(|error| format!("no temporary directory can be made: {error}"))?;
            settings.place = Some(Place::Directory(directory.path().join("data")));
            if matches!(settings.kek, KekSource::DataDir) {
                settings.kek = KekSource::ThrowAway;
            }
            Some(directory)
        };
        Ok(Self {
            password,
            throw_away,
        })
    }

    /// Makes the admin `admin` with the password, and the project `demo`, where they are absent.
    pub(super) async fn furnish(&self, backend: &Arc<Backend>) -> Result<Project, SettingsError> {
        self.furnish_or_fail(backend).await.map_err(|error| {
            format!(
                "--dev cannot set up its admin and project: {}",
                error.detail().unwrap_or(error.message())
            )
        })
    }

    async fn furnish_or_fail(&self, backend: &Arc<Backend>) -> regcred_core::Result<Project> {
        let service = &backend.service;
        let request = RequestId::generate(service.random())?;
        let grant = AdminGrant::for_operator(request.clone());
        let login = Login::parse(ADMIN)?;
        let password = || LoginPassword::presented(self.password.expose().to_owned());
        let hash = backend.hash(password()?).await?;
        let user = CreateUser {
            login: login.clone(),
            password: hash,
            admin: true,
            groups: Vec::new(),
        };
        match service.create_user_as(&grant, user).await {
            // It is there from an earlier start; from now on it has the password that is printed.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let hash = backend.hash(password()?).await?;
                service.reset_password_as(&grant, &login, &hash).await?;
            }
            other => {
                other?;
            }
        }
        // The project is made by the admin, through the front door.
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let proof = backend
            .prove(local, &login, password()?)
            .await?
            .ok_or_else(|| regcred_core::Error::internal("the admin of --dev cannot log in"))?;
        let token = service.open_session(proof, request.clone()).await?;
        let caller = Caller {
            principal: service.authenticate(token.expose()).await?,
            request,
        };
        let name = ProjectName::parse(PROJECT.to_owned())?;
        let project = match service.project_named(&caller, &name).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (description, technologies, groups) =
                    (None, Technologies::default(), Vec::new());
                service
                    .create_project(
                        &caller,
                        CreateProject {
                            name,
                            description,
                            technologies,
                            groups,
                        },
                    )
                    .await
            }
            found => found,
        }?;
        service.end_session(&caller).await?;
        Ok(project)
    }

    /// Prints what to paste next, to standard output.
    pub(super) fn print(&self, project: &Project, url: &str, settings: &Settings) {
        let data = match &self.throw_away {
            Some(_) => "a temporary directory; it is gone when this stops".to_owned(),
            None => settings
                .place
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        };
        let realm = settings.realm.as_deref().unwrap_or("regcred");
        let login = json!({"login": ADMIN, "password": self.password.expose()});
        let text = include_str!("dev.txt")
            .trim_end()
            .replace("{url}", url)
            .replace("{platform}", &settings.platform.to_string())
            .replace("{project}", &project.id.to_string())
            .replace("{data}", &data)
            .replace("{program}", &program())
            .replace("{shell-password}", &in_shell(self.password.expose()))
            .replace("{shell-realm-name}", &in_shell(realm))
            .replace(
                "{shell-realm}",
                &in_shell(&format!("saagie-realm: {realm}")),
            )
            .replace("{shell-login}", &in_shell(&login.to_string()))
            // A string of JSON is one of Python, too.
            .replace("{python-realm}", &json!(realm).to_string())
            .replace(
                "{python-password}",
                &json!(self.password.expose()).to_string(),
            )
            .replace("{password}", self.password.expose());
        // Who closed standard output does not want to read it.
        let _ = writeln!(stdout(), "{text}");
    }
}

/// The program that runs, as a shell finds it again.
fn program() -> String {
    match std::env::current_exe() {
        Ok(path) => in_shell(&path.to_string_lossy()),
        Err(_) => "regcred".to_owned(),
    }
}

/// A word of the shell that stands for exactly this text.
fn in_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Twenty characters without those that look alike: some 100 bits.
fn random_password() -> Result<SecretText, SettingsError> {
    let bytes = bytes::<20>(&SystemRandom).map_err(|error| error.to_string())?;
    let letter = |byte: &u8| {
        ALPHABET
            .get(usize::from(*byte) % ALPHABET.len())
            .copied()
            .map(char::from)
    };
    Ok(SecretText::new(bytes.iter().filter_map(letter).collect()))
}

const ADMIN: &str = "admin";
const PROJECT: &str = "demo";
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
