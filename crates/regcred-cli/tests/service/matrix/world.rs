//! The people who ask, and what has to be there when they do.

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Role::{Editor, Manager, Viewer};
use super::{Needs, Principal, Target, expected};
use crate::support::{ADMIN, Answer, Client, JSON, PASSWORD, PLATFORM, Server, UPDATE};

/// The people, and what they need to be there when they ask.
pub(super) struct World<'a> {
    server: &'a Server,
    pub(super) admin: Client<'a>,
    /// Sessions by login: a login is made when it is first needed.
    sessions: BTreeMap<String, String>,
    serial: Cell<u32>,
}

/// A project with everybody in it, and things in it.
pub(super) struct Project {
    id: String,
    name: String,
    credentials: String,
    token: String,
    job: String,
    app: String,
}

impl<'a> World<'a> {
    pub(super) fn new(server: &'a Server) -> Self {
        let admin = server.admin();
        let mut sessions = BTreeMap::from([(ADMIN.to_owned(), admin.token.clone())]);
        for login in ["stranger", "viewer", "editor", "manager"] {
            let create = "mutation($u: UserInput!) { createUser(user: $u) { login } }";
            admin.data(create, json!({"u": {"login": login, "password": PASSWORD}}));
            sessions.insert(login.to_owned(), server.token(login, PASSWORD));
        }
        Self {
            server,
            admin,
            sessions,
            serial: 0.into(),
        }
    }

    /// Asks for a field in the own, a foreign and an absent project, and compares with the matrix.
    pub(super) fn check(
        &mut self,
        document: &str,
        field: &str,
        principal: Principal,
        needs: Needs,
    ) {
        let own = self.project();
        let foreign = self.foreign();
        let absent = Project {
            id: "00000000-0000-7000-8000-000000000000".to_owned(),
            name: "absent".to_owned(),
            credentials: foreign.credentials.clone(),
            token: foreign.token.clone(),
            job: "00000000-0000-7000-8000-000000000001".to_owned(),
            app: "00000000-0000-7000-8000-000000000002".to_owned(),
        };
        let mut hidden = Vec::new();
        for (target, project) in [
            (Target::Own, &own),
            (Target::Foreign, &foreign),
            (Target::Absent, &absent),
        ] {
            if target != Target::Own && !matches!(needs, Needs::InProject(_)) {
                continue;
            }
            let answer = self.ask(document, principal, project, &own);
            let found = outcome(&answer);
            let expected = expected(principal, needs, target);
            assert_eq!(
                found, expected,
                "{principal:?} {field} {target:?}: {answer:?}"
            );
            if expected == "NOT_FOUND" {
                hidden.push(
                    answer
                        .error()
                        .1
                        .replace(&project.id, "$project")
                        .replace(&project.name, "$name")
                        .replace(&project.job, "$job")
                        .replace(&project.app, "$app"),
                );
            }
        }
        hidden.dedup();
        assert!(
            hidden.len() <= 1,
            "{principal:?} {field}: foreign and absent answer alike: {hidden:?}"
        );
        if matches!(field, "logout" | "changePassword") {
            self.log_in_again(principal);
        }
    }

    fn ask(
        &self,
        document: &str,
        principal: Principal,
        project: &Project,
        own: &Project,
    ) -> Answer {
        let mut document = document
            .replace("$project", &project.id)
            .replace("$name", &project.name)
            .replace("$credentials", &project.credentials)
            .replace("$token", &project.token)
            .replace("$job", &project.job)
            .replace("$app", &project.app)
            .replace("$password", PASSWORD);
        if document.contains("$user") {
            let user = self.fresh("user");
            let create = "mutation($u: UserInput!) { createUser(user: $u) { login } }";
            self.admin
                .data(create, json!({"u": {"login": user, "password": PASSWORD}}));
            let member = "mutation($p: UUID!, $u: String!) \
                          { setProjectMember(projectId: $p, login: $u, role: ROLE_PROJECT_VIEWER) }";
            self.admin.post(member, json!({"p": project.id, "u": user}));
            document = document.replace("$user", &user);
        }
        document = document.replace("$new", &self.fresh("new"));
        let token = self.token(principal, own).unwrap_or_default();
        ask(self.server, PLATFORM, &token, &json!({"query": document}))
    }

    /// The token of a principal, which for a service token is made for its own project.
    pub(super) fn token(&self, principal: Principal, own: &Project) -> Option<String> {
        match principal {
            Principal::Anonymous => None,
            Principal::ServiceToken(right, _) => Some(self.service_token(&own.id, right).1),
            _ => Some(self.sessions[login(principal)].clone()),
        }
    }

    fn log_in_again(&mut self, principal: Principal) {
        if !matches!(
            principal,
            Principal::Anonymous | Principal::ServiceToken(..)
        ) {
            let login = login(principal);
            self.sessions
                .insert(login.to_owned(), self.server.token(login, PASSWORD));
            self.admin.token.clone_from(&self.sessions[ADMIN]);
        }
    }

    /// A project in which everybody has the role of his name.
    pub(super) fn project(&self) -> Project {
        let project = self.foreign();
        for (login, role) in [
            ("viewer", "VIEWER"),
            ("editor", "EDITOR"),
            ("manager", "MANAGER"),
        ] {
            let member = format!(
                "mutation($p: UUID!, $u: String!) \
                 {{ setProjectMember(projectId: $p, login: $u, role: ROLE_PROJECT_{role}) }}"
            );
            self.admin
                .data(&member, json!({"p": project.id, "u": login}));
        }
        project
    }

    /// A project of the admin's.
    fn foreign(&self) -> Project {
        let name = self.fresh("project");
        let id = self.admin.create_project(&name);
        let credentials = self
            .admin
            .create_credentials(&id, Some("localhost:1"), "me", "p");
        // The second version counts, and the third one is staged.
        let input =
            json!({"id": credentials, "projectId": id, "registry": "localhost:1", "password": "p"});
        self.admin.data(UPDATE, json!({"c": input}));
        let stage = "mutation($s: DockerCredentialsStaging!) \
                     { stageDockerCredentials(dockerCredentialsStaging: $s) { version } }";
        let input = json!({"id": credentials, "projectId": id, "password": "p"});
        self.admin.data(stage, json!({"s": input}));
        let token = self.service_token(&id, "PULL").0;
        let job = self.admin.create_job(&id, "job", "ubuntu", None);
        let app = self.admin.create_app(&id, "app", "ubuntu", None);
        Project {
            id,
            name,
            credentials,
            token,
            job,
            app,
        }
    }

    /// Id and text of a service token.
    fn service_token(&self, project: &str, right: &str) -> (String, String) {
        let create = "mutation($t: ServiceTokenInput!) { createServiceToken(serviceToken: $t) \
                      { token serviceToken { id } } }";
        let input = json!({"name": "matrix", "projectIds": [project], "rights": [right]});
        let created = self.admin.data(create, json!({"t": input}))["createServiceToken"].take();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&created["serviceToken"]["id"]),
            text(&created["token"]),
        )
    }

    fn fresh(&self, what: &str) -> String {
        self.serial.set(self.serial.get() + 1);
        format!("{what}-{}", self.serial.get())
    }
}

fn login(principal: Principal) -> &'static str {
    match principal {
        Principal::Member(Viewer) => "viewer",
        Principal::Member(Editor) => "editor",
        Principal::Member(Manager) => "manager",
        Principal::PlatformAdmin => ADMIN,
        _ => "stranger",
    }
}

pub(super) fn ask(server: &Server, path: &str, token: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [JSON, ("authorization", bearer.as_str())];
    let headers = if token.is_empty() {
        &headers[..1]
    } else {
        &headers[..]
    };
    server.post(path, headers, body.to_string().as_bytes())
}

fn outcome(answer: &Answer) -> String {
    match answer.status {
        200 if answer.json().get("errors").is_none() => "ok".to_owned(),
        200 => answer.error().0,
        status => status.to_string(),
    }
}
