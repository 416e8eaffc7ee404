//! Who may do what: every principal, every field and route, in its own project, a foreign one and one that is not there.
//!
//! The rows say what a field needs; what each principal gets is worked out from that. A field or route without a row
//! fails, and so does an output field that no row selects.

mod schema;
mod world;

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{GATEWAY, JSON, LOGIN, PLATFORM, Server};
use schema::Schema;
use world::{World, ask};

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

/// A root field with its arguments; `$project`, `$name`, `$credentials`, `$job`, `$app`, `$token`, `$user`, `$new` stand for what is
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
        "dockerCredentialsVersions",
        "(id: \"$credentials\", projectId: \"$project\")",
        InProject(Viewer),
    ),
    Row(
        "dockerCredentials",
        "(id: \"$credentials\", projectId: \"$project\")",
        InProject(Viewer),
    ),
    Row(
        "registryKeys",
        "(registries: [\"h.x/v2/\", \"not a registry\"])",
        Token,
    ),
    Row("jobs", "(projectId: \"$project\")", InProject(Viewer)),
    Row("job", "(id: \"$job\")", InProject(Viewer)),
    Row("app", "(id: \"$app\")", InProject(Viewer)),
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
        "stageDockerCredentials",
        "(dockerCredentialsStaging: {id: \"$credentials\", password: \"p\", projectId: \"$project\"})",
        InProject(Editor),
    ),
    Row(
        "promoteDockerCredentials",
        "(dockerCredentialsVersion: {id: \"$credentials\", projectId: \"$project\", version: 3, expectedVersion: 2})",
        InProject(Editor),
    ),
    Row(
        "rollbackDockerCredentials",
        "(dockerCredentialsVersion: {id: \"$credentials\", projectId: \"$project\"})",
        InProject(Editor),
    ),
    Row(
        "destroyDockerCredentialsVersion",
        "(id: \"$credentials\", projectId: \"$project\", version: 3)",
        InProject(Editor),
    ),
    Row(
        "verifyDockerCredentials",
        "(id: \"$credentials\", projectId: \"$project\")",
        InProject(Editor),
    ),
    Row(
        "deleteDockerCredentials",
        "(id: \"$credentials\", projectId: \"$project\")",
        InProject(Editor),
    ),
    Row(
        "createJob",
        "(job: {projectId: \"$project\", name: \"$new\", category: \"Processing\", isScheduled: false, isStreaming: false, \
         technology: {id: \"e0a3a91f-2346-4c13-bc27-ed12b10877a9\"}}, jobVersion: {dockerInfo: {image: \"ubuntu\"}})",
        InProject(Editor),
    ),
    Row(
        "addJobVersion",
        "(jobId: \"$job\", jobVersion: {dockerInfo: {image: \"ubuntu\"}})",
        InProject(Editor),
    ),
    Row(
        "editJob",
        "(job: {id: \"$job\", description: \"d\"})",
        InProject(Editor),
    ),
    Row(
        "rollbackJobVersion",
        "(jobId: \"$job\", versionNumber: 1)",
        InProject(Editor),
    ),
    Row("deleteJob", "(jobId: \"$job\")", InProject(Editor)),
    Row("archiveJob", "(jobId: \"$job\")", InProject(Editor)),
    Row(
        "createApp",
        "(app: {projectId: \"$project\", name: \"$new\", technologyId: \"0ecaf828-e2f7-4553-8fcc-69d79561a0d1\", \
         version: {dockerInfo: {image: \"ubuntu\"}, ports: []}})",
        InProject(Editor),
    ),
    Row(
        "addAppVersion",
        "(appId: \"$app\", version: {dockerInfo: {image: \"ubuntu\"}, ports: []})",
        InProject(Editor),
    ),
    Row(
        "editApp",
        "(appEdition: {id: \"$app\", description: \"d\"})",
        InProject(Editor),
    ),
    Row(
        "rollbackAppVersion",
        "(appId: \"$app\", versionNumber: 1)",
        InProject(Editor),
    ),
    Row("deleteApp", "(appId: \"$app\")", InProject(Editor)),
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

const GATEWAY_QUERIES: &[Row] = &[
    Row("repositories", "", Token),
    Row(
        "technology",
        "(id: \"e0a3a91f-2346-4c13-bc27-ed12b10877a9\")",
        Token,
    ),
];

/// Routes, and whether they answer without a token.
const ROUTES: &[(&str, bool)] = &[
    ("POST /authentication/api/open/authenticate", true),
    ("POST /projects/api/platform/{platform}/graphql", false),
    ("POST /gateway/api/graphql", false),
    ("POST /api/v1/pull", false),
    ("GET /api/v1/pull", false),
    ("POST /api/v1/pull/explain", false),
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
        let query = json!({"query": "{ repositories { id name technologies { id label available __typename } } \
                                     technology(id: \"e0a3a91f-2346-4c13-bc27-ed12b10877a9\") { label } }"});
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
            assert_eq!(answer.json()["data"]["technology"]["label"], "Generic");
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
        // Another method is no way in, unless it has a row of its own.
        let other = if method == "GET" { "POST" } else { "GET" };
        if ROUTES
            .iter()
            .any(|(row, _)| *row == format!("{other} {path}"))
        {
            continue;
        }
        let refused = if other == "POST" {
            server.post(&path, &[JSON], b"{}")
        } else {
            server.get(&path)
        };
        assert_eq!(refused.status, 405, "{route}");
        assert!(refused.headers.contains_key("allow"), "{route}");
    }
    assert_eq!(server.get("/nowhere").status, 404);
}
