//! People and tokens: made, changed, revoked.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{ADMIN, LIST, LOGIN, PASSWORD, Server};

const CREATE_USER: &str =
    "mutation($u: UserInput!) { createUser(user: $u) { login admin groups } }";
const ME: &str = "{ me { kind name admin } }";

#[test]
fn a_change_of_password_ends_every_session() {
    let server = Server::dev();
    let admin = server.admin();
    admin.data(
        CREATE_USER,
        json!({"u": {"login": "ann", "password": PASSWORD}}),
    );
    let sessions = [(); 2].map(|()| server.client(server.token("ann", PASSWORD)));
    let change = "mutation($o: String!, $n: String!) { changePassword(currentPassword: $o, newPassword: $n) }";
    let (code, message) =
        sessions[0].refused(change, json!({"o": "wrong wrong", "n": "new password"}));
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("FORBIDDEN", "the current password is wrong")
    );
    let (code, message) = sessions[0].refused(change, json!({"o": PASSWORD, "n": "short"}));
    assert!(
        code == "INVALID" && message.contains("at least 8"),
        "{message}"
    );
    sessions[0].data(change, json!({"o": PASSWORD, "n": "new password"}));
    for session in &sessions {
        assert_eq!(session.post(ME, json!({})).status, 401);
    }
    assert_eq!(server.login("ann", PASSWORD).status, 401);
    let ann = server.client(server.token("ann", "new password"));

    let reset = "mutation($n: String!) { resetPassword(login: \"ann\", newPassword: $n) }";
    admin.data(reset, json!({"n": "another password"}));
    assert_eq!(ann.post(ME, json!({})).status, 401);
    assert_eq!(server.login("ann", "another password").status, 200);
}

#[test]
fn what_is_revoked_or_changed_acts_with_the_next_request() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("one");
    let create = "mutation($p: UUID!) { createServiceToken(serviceToken: {name: \"ci\", projectIds: [$p], \
                  rights: [EDIT], expiresInDays: 1}) { token serviceToken { id rights expiresAt createdAt } } }";
    let made = admin.data(create, json!({"p": project}))["createServiceToken"].take();
    let ci = server.client(made["token"].as_str().unwrap().to_owned());
    ci.create_credentials(&project, None, "me", "p");
    let revoke = "mutation($t: UUID!, $p: UUID!) { revokeServiceToken(id: $t, projectId: $p) }";
    admin.data(
        revoke,
        json!({"t": made["serviceToken"]["id"], "p": project}),
    );
    assert_eq!(ci.post(LIST, json!({"p": project})).status, 401);

    admin.data(
        CREATE_USER,
        json!({"u": {"login": "ann", "password": PASSWORD, "groups": ["ops"]}}),
    );
    let ann = server.client(server.token("ann", PASSWORD));
    assert_eq!(ann.refused(LIST, json!({"p": project})).0, "NOT_FOUND");
    let rights = "mutation($p: UUID!, $g: [SecurityGroupInput]) \
                  { editProject(project: {id: $p, authorizedGroups: $g}) { id } }";
    let viewers = json!([{"name": "ops", "role": "ROLE_PROJECT_VIEWER"}]);
    admin.data(rights, json!({"p": project, "g": viewers}));
    assert_eq!(ann.list(&project).len(), 1);
    admin.data(
        "mutation { updateUser(login: \"ann\", groups: []) { login } }",
        json!({}),
    );
    assert_eq!(ann.refused(LIST, json!({"p": project})).0, "NOT_FOUND");
    admin.data(
        "mutation { updateUser(login: \"ann\", admin: true) { login } }",
        json!({}),
    );
    assert_eq!(ann.list(&project).len(), 1);
    admin.data("mutation { deleteUser(login: \"ann\") }", json!({}));
    assert_eq!(ann.post(ME, json!({})).status, 401);
    let (code, _) = admin.refused("mutation { deleteUser(login: \"admin\") }", json!({}));
    assert_eq!(code, "CONFLICT", "the last admin stays");
}

#[test]
fn service_tokens_have_rights_projects_and_an_end() {
    let server = Server::dev();
    let admin = server.admin();
    let (one, two) = (admin.create_project("one"), admin.create_project("two"));
    let create = "mutation($t: ServiceTokenInput!) { createServiceToken(serviceToken: $t) \
                  { token serviceToken { id name rights projectIds creator createdAt expiresAt } } }";
    let token = json!({"name": "ci", "projectIds": [one], "rights": ["VIEW", "PULL", "VIEW"]});
    let made = admin.data(create, json!({"t": token}))["createServiceToken"].take();
    assert_eq!(made["serviceToken"]["rights"], json!(["VIEW", "PULL"]));
    assert_eq!(made["serviceToken"]["creator"], ADMIN);
    let text = made["token"].as_str().unwrap().to_owned();
    assert!(text.starts_with("rc_svc_"));
    let ci = server.client(text);
    assert_eq!(
        ci.data(ME, json!({}))["me"],
        json!({"kind": "SERVICE_TOKEN", "name": "ci", "admin": false})
    );
    assert!(ci.list(&one).is_empty());
    assert_eq!(ci.refused(LIST, json!({"p": two})).0, "NOT_FOUND");
    let listed = admin.data(
        "query($p: UUID!) { serviceTokens(projectId: $p) { id name } }",
        json!({"p": one}),
    );
    assert_eq!(listed["serviceTokens"].as_array().unwrap().len(), 1);
    for (token, why) in [
        (
            json!({"name": "", "projectIds": [one], "rights": ["VIEW"]}),
            "the token name is empty",
        ),
        (
            json!({"name": "x", "projectIds": [], "rights": ["VIEW"]}),
            "1 to 100 projects",
        ),
        (
            json!({"name": "x", "projectIds": [one], "rights": []}),
            "at least one right",
        ),
        (
            json!({"name": "x", "projectIds": [one], "rights": ["VIEW"], "expiresInDays": 0}),
            "1 to 365",
        ),
        (
            json!({"name": "x", "projectIds": [one], "rights": ["VIEW"], "expiresInDays": 366}),
            "1 to 365",
        ),
    ] {
        let (code, message) = admin.refused(create, json!({"t": token}));
        assert!(code == "INVALID" && message.contains(why), "{message}");
    }
}

#[test]
fn failed_logins_are_slowed_and_successful_ones_never() {
    let server = Server::dev();
    for _ in 0..3 {
        assert_eq!(server.login(ADMIN, PASSWORD).status, 200);
    }
    let guesses: Vec<_> = (0..12)
        .map(|_| server.login(ADMIN, "wrong").status)
        .collect();
    assert_eq!(guesses[..10], [401; 10]);
    let slowed = server.login(ADMIN, PASSWORD);
    assert_eq!(
        slowed.status, 429,
        "here even the right password waits: it may be the next guess"
    );
    let wait: u64 = slowed.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    let detail = slowed.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!(
        detail,
        format!("too many failed logins; try again in {wait} s")
    );

    // Somebody else at the same address logs in all the while: an address that somebody logged in from is judged by user.
    let server = Server::dev();
    assert_eq!(server.login(ADMIN, PASSWORD).status, 200);
    let mut guesses = 0;
    while server.login(&format!("user{guesses}"), "wrong").status == 401 {
        guesses += 1;
    }
    // Thirty at once, and one more for each two seconds that it took.
    assert!((30..40).contains(&guesses), "per address: {guesses}");
    assert_eq!(server.login(ADMIN, PASSWORD).status, 200);
    for _ in 0..20 {
        assert_eq!(server.login(ADMIN, PASSWORD).status, 200);
    }
}

#[test]
fn an_unknown_user_costs_as_much_as_a_wrong_password() {
    let server = Server::dev();
    let time = |login: &str| {
        let started = Instant::now();
        assert_eq!(server.login(login, "wrong").status, 401);
        started.elapsed()
    };
    // In turns, and the best of each: what else the machine does only adds to a time.
    let (mut unknown, mut known) = (Duration::MAX, Duration::MAX);
    for _ in 0..9 {
        unknown = unknown.min(time("nobody"));
        known = known.min(time(ADMIN));
    }
    let ratio = unknown.as_secs_f64() / known.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "{ratio}");
}

#[test]
fn too_many_passwords_at_once_are_refused_and_the_rest_is_answered() {
    let server = Server::dev();
    let statuses: Vec<_> = std::thread::scope(|scope| {
        let logins: Vec<_> = (0..80)
            .map(|number| {
                let server = &server;
                scope.spawn(move || server.login(&format!("user{number}"), "wrong").status)
            })
            .collect();
        logins
            .into_iter()
            .map(|login| login.join().unwrap())
            .collect()
    });
    let seen: HashSet<_> = statuses.iter().copied().collect();
    assert_eq!(seen, HashSet::from([401, 429]), "{statuses:?}");
    // It is still there.
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn a_large_login_is_refused_before_it_is_read() {
    let server = Server::dev();
    let body = json!({"login": ADMIN, "password": "x".repeat(4_096)}).to_string();
    let answer = server.post(LOGIN, &[crate::support::JSON], body.as_bytes());
    assert_eq!(answer.status, 413);
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("4096 bytes")
    );
}
