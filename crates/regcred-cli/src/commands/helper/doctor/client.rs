//! The client's side: its file, and which helper it will ask under which key.

use super::super::file::{ClientFile, WhichFile};
use crate::commands::checks::Report;
use crate::docker_config::edit::HELPER;
use crate::docker_config::key::{Reference, RegistryHost};
use crate::docker_config::strict::{self, Client, Misread};
use crate::docker_config::{Contents, places, read};
use crate::files;

/// What the client will send to the helper.
#[derive(Default)]
pub(super) struct Asked {
    /// The keys under which the helper is entered, or would be asked.
    pub(super) keys: Vec<String>,
}

/// Looks at the file, and at what it says of the registry. What the client will ask for follows from the reference,
/// whatever the file is.
pub(super) fn check(
    which: &WhichFile,
    reference: Option<&Reference>,
    report: &mut Report,
) -> Asked {
    let key = reference.map(|reference| key_of(&reference.host, which.is_of_containers()));
    let found = file(which, key, report);
    let Some(reference) = reference else {
        if let Some((file, contents)) = found {
            return all(&file, &contents, report);
        }
        report.skipped(ENTRY);
        return Asked::default();
    };
    let key = key_of(&reference.host, which.is_of_containers());
    match found {
        Some((file, contents)) => entry(&file, &contents, &reference.host, key, report),
        None => report.skipped(ENTRY),
    }
    if !which.is_of_containers() {
        beside(&reference.host, report);
    }
    Asked {
        keys: vec![key.to_owned()],
    }
}

/// The file, if its client can read anything of it.
fn file(
    which: &WhichFile,
    key: Option<&str>,
    report: &mut Report,
) -> Option<(ClientFile, Contents)> {
    let file = match which.load_for(key) {
        Ok(file) => file,
        Err(failure) => {
            report.failed(FILE, failure);
            return None;
        }
    };
    let path = file.path.display().to_string();
    let Some(text) = &file.text else {
        report.wrong(
            FILE,
            format!("there is no file {path}"),
            "enter the helper with `regcred helper install --registry HOST`",
        );
        return None;
    };
    match strict::check(text, file.client()) {
        Ok(()) => {}
        Err(Misread::Nothing(why)) => {
            let message = format!("{path}: {why}");
            report.wrong(
                FILE,
                message,
                "mend it: clients refuse it, or go on without it",
            );
            return None;
        }
        Err(Misread::Places(places)) => {
            for place in places {
                let hint = format!("mend it: {}", file.client().misreads());
                report.wrong(FILE, format!("{path}: {place}"), hint);
            }
            // What it says else is used by docker, if it can be told.
            let contents = read(text).ok()?;
            return Some((file, contents));
        }
    }
    match read(text) {
        Ok(contents) if contents.odd.is_empty() => {
            report.ok(FILE, format!("{path} is valid"));
            Some((file, contents))
        }
        Ok(contents) => {
            report.warn(
                FILE,
                format!("{path} is odd: {}", contents.odd.join("; ")),
                "mend it: clients differ in what they make of it",
            );
            Some((file, contents))
        }
        Err(error) => {
            let message = format!("{path}: {}", error.0);
            report.wrong(
                FILE,
                message,
                "mend it: clients refuse it, or ignore it silently",
            );
            None
        }
    }
}

/// Every registry for which the helper is entered.
fn all(file: &ClientFile, contents: &Contents, report: &mut Report) -> Asked {
    let path = file.path.display();
    let ours = contents
        .helpers
        .iter()
        .filter(|(_, helper)| *helper == HELPER);
    let keys: Vec<_> = ours.map(|(key, _)| key.clone()).collect();
    if keys.is_empty() && contents.store.as_deref() != Some(HELPER) {
        report.wrong(
            ENTRY,
            format!("the helper is not entered in {path}"),
            "enter it with `regcred helper install --registry HOST`",
        );
    }
    if contents.store.as_deref() == Some(HELPER) {
        report.ok(
            ENTRY,
            format!("{path} has it for all registries without another helper"),
        );
    }
    for key in &keys {
        match key.parse::<RegistryHost>() {
            Ok(host) => entry(
                file,
                contents,
                &host,
                key_of(&host, file.is_of_containers),
                report,
            ),
            Err(why) => report.wrong(
                ENTRY,
                format!("{path} has it for {key:?}, which {why}"),
                "take it out, and enter the host with `regcred helper install --registry HOST`",
            ),
        }
    }
    Asked { keys }
}

/// Which helper the client asks for a registry.
fn entry(
    file: &ClientFile,
    contents: &Contents,
    host: &RegistryHost,
    key: &str,
    report: &mut Report,
) {
    let path = file.path.display();
    let client = if file.is_of_containers {
        "podman"
    } else {
        "docker"
    };
    let install = install_hint(file.is_of_containers, host);
    match contents.helpers.get(key) {
        Some(helper) if helper == HELPER => {
            report.ok(
                ENTRY,
                format!("{client} sends {key:?}, for which {path} has it"),
            );
            return;
        }
        Some(other) => {
            report.wrong(
                ENTRY,
                format!("{path} has the helper {other:?} for {key:?}"),
                format!("{install} --force"),
            );
            return;
        }
        None => {}
    }
    let same = |other: &&String| {
        other
            .parse::<RegistryHost>()
            .is_ok_and(|other| other == *host)
    };
    if let Some(other) = contents.helpers.keys().find(same) {
        report.wrong(
            ENTRY,
            format!("{path} spells the registry {other:?}, but {client} sends {key:?}, and compares letter by letter"),
            install,
        );
        return;
    }
    match contents.store.as_deref().filter(|_| !file.is_of_containers) {
        Some(HELPER) => {
            report.ok(
                ENTRY,
                format!("{client} sends {key:?}, and {path} has it for all registries"),
            );
        }
        Some(other) => report.wrong(
            ENTRY,
            format!("{path} has the helper {other:?} for all registries"),
            install,
        ),
        None if contents
            .entries
            .iter()
            .any(|entry| entry.key == key && entry.login.is_ok()) =>
        {
            report.wrong(
                ENTRY,
                format!("{path} has a login of its own for {key:?}, and no helper"),
                install,
            );
        }
        None => report.wrong(ENTRY, format!("{path} has no helper for {key:?}"), install),
    }
}

/// podman's files beside docker's, where there are any: they count for podman before docker's.
fn beside(host: &RegistryHost, report: &mut Report) {
    let key = host.of_containers();
    let docker = places::docker().ok();
    let mut last = None;
    for path in places::search_of_containers() {
        let is_dockers = docker.as_ref() == Some(&path);
        let text = match files::read_plain(&path) {
            Ok(Some(text)) if !is_dockers || last.is_some() => text,
            _ => continue,
        };
        let shown = path.display();
        let client = if is_dockers {
            Client::Docker
        } else {
            Client::Containers
        };
        let (Ok(()), Ok(contents)) = (strict::check(&text, client), read(&text)) else {
            if !is_dockers {
                report.warn(
                    PODMAN,
                    format!("{shown} is broken"),
                    "mend it: podman refuses it",
                );
                return;
            }
            continue;
        };
        if contents
            .helpers
            .get(key)
            .is_some_and(|helper| helper == HELPER)
        {
            report.ok(
                PODMAN,
                format!("podman sends {key:?}, for which {shown} has it"),
            );
            return;
        }
        if contents.has(key) {
            let message =
                format!("podman takes a login or another helper for {key:?} from {shown}");
            report.warn(
                PODMAN,
                message,
                format!(
                    "log out there with `podman logout {key}`, and {}",
                    install_hint(true, host)
                ),
            );
            return;
        }
        last = Some(path);
    }
    if let Some(path) = last {
        let message = format!(
            "podman sends {key:?}, for which neither {} nor a file that it reads before has a helper of regcred's",
            path.display()
        );
        report.warn(PODMAN, message, install_hint(true, host));
    }
}

fn key_of(host: &RegistryHost, is_of_containers: bool) -> &str {
    if is_of_containers {
        host.of_containers()
    } else {
        host.of_docker()
    }
}

fn install_hint(is_of_containers: bool, host: &RegistryHost) -> String {
    let containers = if is_of_containers {
        " --containers"
    } else {
        ""
    };
    format!("run `regcred helper install{containers} --registry {host}`")
}

const FILE: &str = "client file";
const ENTRY: &str = "helper entry";
const PODMAN: &str = "podman";
