//! Who may do what: every principal, every field and route, in its own project, a foreign one and one that is not there.
//!
//! The rows say what a field needs; what each principal gets is worked out from that. A field or route without a row
//! fails, and so does an output field that no row selects.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Client, GATEWAY, JSON, LOGIN, PASSWORD, PLATFORM, Server};

/// What a field demands of whoever asks for it.
#[derive(Clone, Copy, PartialEq)]
enum Needs {
    /// A token of any kind.
    Token,
    /// A user's session.
    User,
    /// A user's session, or a token that may see or edit.
    Seeing,
    Admin,
    InProject(Role),
}

use Needs::{Admin, InProject, Seeing, Token, User};
use Role::{Editor, Manager, Viewer};

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
enum Role {
    Viewer,
    Editor,
    Manager,
}

/// A root field with its arguments; `$project`, `$name`, `$credentials`, `$token`, `$user`, `$new` stand for what is
/// there when it is asked.
struct Row(&'static str, &'static str, Needs);

const QUERIES: &[Row] = &[
    Row("platform", "", Token),
    Row("projects", "", Seeing),
    Row("project", "(id: \"$project\")", InProject(Viewer)),
    Row("projectByName", "(name: \"$name\")", InProject(Viewer)),
    Row("rights", "(projectId: \"$project\")", InProject(Manager)),
    Row(
        "projectMembers",
        "(projectId: \"$project\")",
        InProject(Manager),
    ),
    Row(
        "allDockerCredentials",
        "(projectId: \"$project\")",
        InProject(Viewer),
    ),
    Row(
        "dockerCredentials",
        "(id: \"$credentials\", projectId: \"$project\")",
        InProject(Viewer),
    ),
    Row("me", "", Token),
    Row("users", "", Admin),
    Row(
        "serviceTokens",
        "(projectId: \"$project\")",
        InProject(Manager),
    ),
];

const MUTATIONS: &[Row] = &[
    Row("createProject", "(project: {name: \"$new\"})", User),
    Row(
        "editProject",
        "(project: {id: \"$project\", description: \"d\"})",
        InProject(Manager),
    ),
    Row(
        "deleteProject",
        "(projectId: \"$project\")",
        InProject(Manager),
    ),
    Row(
        "archiveProject",
        "(projectId: \"$project\")",
        InProject(Manager),
    ),
    Row(
        "setProjectMember",
        "(projectId: \"$project\", login: \"$user\", role: ROLE_PROJECT_VIEWER)",
        InProject(Manager),
    ),
    Row(
        "removeProjectMember",
        "(projectId: \"$project\", login: \"$user\")",
        InProject(Manager),
    ),
    Row(
        "createDockerCredentials",
        "(dockerCredentials: {username: \"$new\", password: \"p\", projectId: \"$project\"})",
        InProject(Editor),
    ),
    Row(
        "updateDockerCredentials",
        "(dockerCredentialsUpdate: {id: \"$credentials\", password: \"p\", projectId: \"$project\"})",
        InProject(Editor),
    ),
    Row(
        "deleteDockerCredentials",
        "(id: \"$credentials\", projectId: \"$project\")",
        InProject(Editor),
    ),
    Row(
        "createUser",
        "(user: {login: \"$new\", password: \"correct horse\"})",
        Admin,
    ),
    Row("updateUser", "(login: \"$user\", groups: [\"g\"])", Admin),
    Row("deleteUser", "(login: \"$user\")", Admin),
    Row(
        "resetPassword",
        "(login: \"$user\", newPassword: \"correct horse\")",
        Admin,
    ),
    Row(
        "changePassword",
        "(currentPassword: \"$password\", newPassword: \"$password\")",
        User,
    ),
    Row("logout", "", User),
    Row(
        "createServiceToken",
        "(serviceToken: {name: \"n\", projectIds: [\"$project\"], rights: [PULL]})",
        InProject(Manager),
    ),
    Row(
        "revokeServiceToken",
        "(id: \"$token\", projectId: \"$project\")",
        InProject(Manager),
    ),
];

const GATEWAY_QUERIES: &[Row] = &[Row("repositories", "", Token)];

/// Routes, and whether they answer without a token.
const ROUTES: &[(&str, bool)] = &[
    ("POST /authentication/api/open/authenticate", true),
    ("POST /projects/api/platform/{platform}/graphql", false),
    ("POST /gateway/api/graphql", false),
    ("GET /livez", true),
    ("GET /readyz", true),
    ("GET /metrics", true),
];

/// Everybody there is. A user has a role in the project, a service token a right.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Principal {
    Anonymous,
    Stranger,
    Member(Role),
    PlatformAdmin,
    ServiceToken(&'static str, Option<Role>),
}

const PRINCIPALS: &[Principal] = &[
    Principal::Anonymous,
    Principal::Stranger,
    Principal::Member(Viewer),
    Principal::Member(Editor),
    Principal::Member(Manager),
    Principal::PlatformAdmin,
    Principal::ServiceToken("VIEW", Some(Viewer)),
    Principal::ServiceToken("EDIT", Some(Editor)),
    Principal::ServiceToken("PULL", None),
    Principal::ServiceToken("AUDIT", None),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Own,
    Foreign,
    Absent,
}

/// What a principal gets: an answer, 401, or a code.
fn expected(principal: Principal, needs: Needs, target: Target) -> &'static str {
    use Principal::{Anonymous, Member, PlatformAdmin, ServiceToken, Stranger};
    let may = |allowed| if allowed { "ok" } else { "FORBIDDEN" };
    let role = match principal {
        Member(role) => Some(role),
        ServiceToken(_, role) => role,
        _ => None,
    };
    match (principal, needs, target) {
        (Anonymous, ..) => "401",
        (_, Token, _) | (PlatformAdmin, InProject(_), Target::Own | Target::Foreign) => "ok",
        (_, User, _) => may(!matches!(principal, ServiceToken(..))),
        (_, Seeing, _) => may(role.is_some() || !matches!(principal, ServiceToken(..))),
        (_, Admin, _) => may(principal == PlatformAdmin),
        (Stranger, ..) | (_, _, Target::Foreign | Target::Absent) => "NOT_FOUND",
        (_, InProject(least), Target::Own) => may(role.is_some_and(|role| role >= least)),
    }
}

#[test]
fn every_principal_gets_what_the_matrix_says() {
    let server = Server::dev();
    let mut world = World::new(&server);
    let schema = Schema::of(&server, PLATFORM, &world.admin.token);
    schema.covered("Query", QUERIES);
    schema.covered("Mutation", MUTATIONS);
    let mut selected = BTreeSet::new();
    for (operation, rows) in [("query", QUERIES), ("mutation", MUTATIONS)] {
        let root = if operation == "query" {
            "Query"
        } else {
            "Mutation"
        };
        for Row(field, arguments, needs) in rows {
            let selection = schema.selection(root, field, &mut selected);
            let document = format!("{operation} {{ {field}{arguments} {selection} }}");
            for principal in PRINCIPALS {
                world.check(&document, field, *principal, *needs);
            }
        }
    }
    schema.all_selected(&selected);
}

#[test]
fn every_principal_may_ask_the_gateway() {
    let server = Server::dev();
    let world = World::new(&server);
    let schema = Schema::of(&server, GATEWAY, &world.admin.token);
    schema.covered("GatewayQuery", GATEWAY_QUERIES);
    let project = world.project();
    for principal in PRINCIPALS {
        let query = json!({"query": "{ repositories { id name technologies { id label available __typename } } }"});
        let token = world.token(*principal, &project).unwrap_or_default();
        let answer = ask(&server, GATEWAY, &token, &query);
        if *principal == Principal::Anonymous {
            assert_eq!(answer.status, 401);
        } else {
            assert_eq!(
                answer.json()["data"]["repositories"][0]["name"],
                "Saagie",
                "{principal:?}"
            );
        }
    }
}

#[test]
fn every_route_is_open_or_wants_a_token() {
    let mut table = regcred_server::route_table();
    table.sort_unstable();
    let mut rows: Vec<_> = ROUTES
        .iter()
        .map(|(route, _)| (*route).to_owned())
        .collect();
    rows.sort_unstable();
    assert_eq!(table, rows, "each route has one row");

    let server = Server::dev();
    for (route, open) in ROUTES {
        let (method, path) = route.split_once(' ').unwrap();
        let path = path.replace("{platform}", "1");
        let answer = |path: &str| match method {
            "GET" => server.get(path),
            _ => server.post(
                path,
                &[JSON],
                br#"{"query":"{__typename}","login":"x","password":"x"}"#,
            ),
        };
        let status = answer(&path).status;
        if path == LOGIN {
            assert_eq!(
                status, 401,
                "wrong passwords are refused, right ones are let in: see the sessions' tests"
            );
        } else {
            assert_eq!(status, if *open { 200 } else { 401 }, "{route}");
        }
        // Another method is no way in.
        let other = if method == "GET" {
            server.post(&path, &[JSON], b"{}")
        } else {
            server.get(&path)
        };
        assert_eq!(other.status, 405, "{route}");
        assert!(other.headers.contains_key("allow"), "{route}");
    }
    assert_eq!(server.get("/nowhere").status, 404);
}

/// The people, and what they need to be there when they ask.
struct World<'a> {
    server: &'a Server,
    admin: Client<'a>,
    /// Sessions by login: a login is made when it is first needed.
    sessions: BTreeMap<String, String>,
    serial: std::cell::Cell<u32>,
}

/// A project with everybody in it, and things in it.
struct Project {
    id: String,
    name: String,
    credentials: String,
    token: String,
}

impl<'a> World<'a> {
    fn new(server: &'a Server) -> Self {
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
    fn check(&mut self, document: &str, field: &str, principal: Principal, needs: Needs) {
        let own = self.project();
        let foreign = self.foreign();
        let absent = Project {
            id: "00000000-0000-7000-8000-000000000000".to_owned(),
            name: "absent".to_owned(),
            credentials: foreign.credentials.clone(),
            token: foreign.token.clone(),
        };
        let mut hidden = Vec::new();
        for (target, project) in [
            (Target::Own, &own),
            (Target::Foreign, &foreign),
            (Target::Absent, &absent),
        ] {
            if target != Target::Own && !matches!(needs, InProject(_)) {
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
                        .replace(&project.name, "$name"),
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
    fn token(&self, principal: Principal, own: &Project) -> Option<String> {
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
    fn project(&self) -> Project {
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
        let credentials = self.admin.create_credentials(&id, None, "me", "p");
        let token = self.service_token(&id, "PULL").0;
        Project {
            id,
            name,
            credentials,
            token,
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

fn ask(server: &Server, path: &str, token: &str, body: &Value) -> Answer {
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

/// The served schema: the fields of each object type, with the type that each leads to.
struct Schema(BTreeMap<String, BTreeMap<String, String>>);

impl Schema {
    fn of(server: &Server, path: &str, token: &str) -> Self {
        let kind = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
        let query = format!(
            "{{ __schema {{ types {{ kind name fields(includeDeprecated: true) \
                             {{ name type {{ {kind} }} }} }} }} }}"
        );
        let answer = ask(server, path, token, &json!({"query": query})).json();
        let types = answer["data"]["__schema"]["types"].as_array().unwrap();
        let objects = types.iter().filter(|object| object["kind"] == "OBJECT");
        let fields = |object: &Value| {
            let fields = object["fields"].as_array().unwrap().iter();
            fields
                .map(|field| (name(&field["name"]), innermost(&field["type"])))
                .collect()
        };
        Self(
            objects
                .map(|object| (name(&object["name"]), fields(object)))
                .filter(|(name, _)| !name.starts_with("__"))
                .collect(),
        )
    }

    /// Each field of the root has one row.
    fn covered(&self, root: &str, rows: &[Row]) {
        let served: BTreeSet<_> = self.0[root].keys().map(String::as_str).collect();
        let covered: BTreeSet<_> = rows.iter().map(|Row(field, ..)| *field).collect();
        assert_eq!(served, covered, "each field of {root} has one row");
        assert_eq!(covered.len(), rows.len());
    }

    /// Every field below a root field, to any depth.
    fn selection(
        &self,
        object: &str,
        field: &str,
        selected: &mut BTreeSet<(String, String)>,
    ) -> String {
        selected.insert((object.to_owned(), field.to_owned()));
        let below = &self.0[object][field];
        let Some(fields) = self.0.get(below) else {
            return String::new();
        };
        let fields = fields.keys().fold(String::new(), |mut text, field| {
            let _ = write!(text, "{field} {} ", self.selection(below, field, selected));
            text
        });
        format!("{{ {fields}}}")
    }

    fn all_selected(&self, selected: &BTreeSet<(String, String)>) {
        for (object, fields) in &self.0 {
            for field in fields.keys() {
                assert!(
                    selected.contains(&(object.clone(), field.clone())),
                    "no row selects {object}.{field}"
                );
            }
        }
    }
}

fn name(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn innermost(kind: &Value) -> String {
    if kind["ofType"].is_null() {
        name(&kind["name"])
    } else {
        innermost(&kind["ofType"])
    }
}
