//! Where the logins come from: a file, standard input, or docker's file with its credential helpers.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use regcred_client::Secret;

use crate::docker_config::edit::HELPER;
use crate::docker_config::program::{NoAnswer, Program};
use crate::docker_config::{Contents, Entry, Login, places, read as read_text};
use crate::failure::{Failure, Result};
use crate::files;
use crate::interrupt::Interrupt;
use crate::prompt::beside;

/// Reads a file, or docker's own together with its helpers where none is named.
pub(super) async fn read(
    file: Option<&Path>,
    is_stdin: bool,
    interrupt: &Interrupt,
) -> Result<Contents> {
    let path = match file {
        Some(file) => file.to_owned(),
        None => places::docker()?,
    };
    let shown = path.display().to_string();
    let is_named = file.is_some();
    let text = beside(interrupt, move || {
        let text = if is_stdin {
            text_of(std::io::stdin())
        } else if is_named {
            // A pipe that a shell names is a file, too.
            File::open(&path).and_then(text_of)
        } else {
            files::read_plain(&path).and_then(|text| text.ok_or(ErrorKind::NotFound.into()))
        };
        text.map_err(|error| {
            let message = format!("the file {} cannot be read: {error}", path.display());
            Failure::usage(message, "name a file, or `-` for standard input")
        })
    });
    let mut contents = read_text(&text.await?)
        .map_err(|error| Failure::usage(format!("{shown}: {}", error.0), FORMS))?;
    if contents.is_nothing() {
        let message = format!("{shown}: it holds no logins");
        return Err(Failure::usage(message, FORMS));
    }
    if contents.has_no_logins {
        contents.odd.push("`auths` is empty".to_owned());
    }
    if file.is_some() {
        if !contents.helpers.is_empty() || contents.store.is_some() {
            contents.odd.push(
                "the credential helpers that the file names are not asked; --docker-config asks those of docker's own file"
                    .to_owned(),
            );
        }
        return Ok(contents);
    }
    ask_helpers(&mut contents).await;
    Ok(contents)
}

/// All that is read, up to more than any file of logins holds.
fn text_of(from: impl Read) -> io::Result<Secret> {
    let mut text = String::new();
    from.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("it is larger than 64 MiB"));
    }
    Ok(Secret::new(text))
}

/// Adds what the helpers have. As for docker, a helper's login counts more than one in the file.
async fn ask_helpers(contents: &mut Contents) {
    let mut asked: Vec<(String, String)> = Vec::new();
    let own = contents.helpers.clone();
    asked.extend(
        own.iter()
            .map(|(key, helper)| (key.clone(), helper.clone())),
    );
    if let Some(store) = contents.store.clone() {
        match keys_of(&store).await {
            Ok(keys) => {
                let keys = keys.into_iter().filter(|key| !own.contains_key(key));
                asked.extend(keys.map(|key| (key, store.clone())));
            }
            Err(why) => contents.odd.push(why),
        }
    }
    for (key, helper) in asked {
        let login = login_of(&helper, &key).await;
        let of_file = contents.entries.iter().position(|entry| entry.key == key);
        match (login, of_file) {
            (Ok(login), Some(index)) => {
                if let Some(entry) = contents.entries.get_mut(index) {
                    if entry.login.is_ok() {
                        entry.odd.push(format!(
                            "the login of the helper {helper:?} counts, not that of the file"
                        ));
                    }
                    entry.login = Ok(login);
                }
            }
            (login, None) => contents.entries.push(Entry {
                key,
                login,
                odd: Vec::new(),
            }),
            (Err(why), Some(index)) => {
                if let Some(entry) = contents.entries.get_mut(index) {
                    if entry.login.is_ok() {
                        entry.odd.push(format!(
                            "the helper of this registry {why}; the login of the file is taken"
                        ));
                    } else {
                        entry.login = Err(why);
                    }
                }
            }
        }
    }
}

async fn keys_of(store: &str) -> Result<BTreeSet<String>, String> {
    let program = program(store)?;
    match program.list().await {
        Ok(keys) => Ok(keys.into_keys().collect()),
        Err(NoAnswer::NotFound) => Ok(BTreeSet::new()),
        Err(NoAnswer::Failed(why)) => Err(format!("{} {why}", program.name())),
    }
}

/// What a helper has for a key; or why not, as the end of a sentence that begins with the key.
async fn login_of(helper: &str, key: &str) -> Result<Login, String> {
    let program = program(helper)?;
    match program.get(key).await {
        Ok((username, password)) => {
            Login::of(username, password).map_err(|why| format!("{why}, in {}", program.name()))
        }
        Err(NoAnswer::NotFound) => Err(format!("is not in {}", program.name())),
        Err(NoAnswer::Failed(why)) => Err(format!("is left: {} {why}", program.name())),
    }
}

/// regcred's own helper is not asked: its logins are in regcred.
fn program(helper: &str) -> Result<Program, String> {
    if helper == HELPER {
        return Err("is left: it is served by regcred's own helper".to_owned());
    }
    Program::named(helper).ok_or_else(|| format!("is left: {helper:?} is no name of a helper"))
}

const FORMS: &str = "give a config.json, auth.json, .dockercfg, or a Kubernetes pull secret";
const MOST_BYTES: u64 = 64 << 20;
