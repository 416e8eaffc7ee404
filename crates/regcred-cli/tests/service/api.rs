//! The platform's interface, by the letter.

use serde_json::json;

use crate::support::{
    ADMIN, CREATE, GATEWAY, JSON, LIST, LOGIN, PASSWORD, PLATFORM, Server, UPDATE,
};

#[test]
fn a_login_answers_the_bare_token_and_one_401_for_all_that_is_wrong() {
    let server = Server::dev();
    let right = server.login(ADMIN, PASSWORD);
    assert_eq!(right.status, 200);
    assert!(
        right.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert_eq!(right.headers["cache-control"], "no-store");
    assert!(right.text.starts_with("rc_ses_") && right.text.trim() == right.text);
    // The canonical login is the same whatever the case.
    assert_eq!(server.login("Admin", PASSWORD).status, 200);

    let mut texts = Vec::new();
    for (login, password) in [
        (ADMIN, "wrong"),
        ("nobody", PASSWORD),
        ("", ""),
        ("no such\nlogin 🔐", PASSWORD),
        (ADMIN, &"x".repeat(3_000)),
    ] {
        let wrong = server.login(login, password);
        assert_eq!(wrong.status, 401, "{login:?}");
        let mut body = wrong.json();
        body["requestId"].take();
        texts.push(body.to_string());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");

    for body in [
        "",
        "{}",
        "[]",
        "[\"admin\",\"correct horse battery\"]",
        "{\"login\":\"admin\"}",
        "{\"login\":1,\"password\":2}",
    ] {
        let bad = server.post(LOGIN, &[JSON], body.as_bytes());
        assert_eq!(bad.status, 400, "{body}");
        assert!(
            bad.json()["detail"]
                .as_str()
                .unwrap()
                .contains("`login` and `password`")
        );
    }
}

#[test]
fn the_realm_counts_where_one_is_configured() {
    let mut command =
        crate::support::regcred(&["serve", "--dev", "--dev-admin-password", PASSWORD]);
    command.args(["--realm", "acme"]);
    let server = Server::start(command);
    let body = json!({"login": ADMIN, "password": PASSWORD}).to_string();
    for (headers, status) in [
        (vec![JSON, ("saagie-realm", "acme")], 200),
        (vec![JSON, ("saagie-realm", "other")], 401),
        (vec![JSON], 401),
    ] {
        assert_eq!(
            server.post(LOGIN, &headers, body.as_bytes()).status,
            status,
            "{headers:?}"
        );
    }
}

#[test]
fn a_token_that_does_not_count_is_a_401_whatever_is_wrong_with_it() {
    let server = Server::dev();
    let admin = server.admin();
    let ended = server.client(server.token(ADMIN, PASSWORD));
    ended.data("mutation { logout }", json!({}));
    let token = admin.token.clone();
    let flipped = format!(
        "{}{}",
        &token[..token.len() - 1],
        if token.ends_with('0') { '1' } else { '0' }
    );
    for authorization in [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(token.clone()),
        Some(format!("Basic {token}")),
        Some(format!("Bearer {flipped}")),
        Some(format!("Bearer {}", ended.token)),
        Some(format!("Bearer {token} {token}")),
    ] {
        let mut headers = vec![JSON];
        headers.extend(
            authorization
                .as_deref()
                .map(|value| ("authorization", value)),
        );
        for path in [PLATFORM, GATEWAY, "/projects/api/platform/2/graphql"] {
            // The body is not looked at: the answer is the same for one that is no JSON.
            let answer = server.post(path, &headers, b"{");
            assert_eq!(answer.status, 401, "{authorization:?}");
            assert_eq!(
                answer.headers["www-authenticate"],
                "Bearer realm=\"regcred\""
            );
            let body = answer.json();
            // The platform's client takes a body with one of these for an answer, and does not log in again.
            assert!(body.get("errors").is_none() && body.get("data").is_none());
        }
    }
    // A token in the URL is no token.
    let answer = server.post(&format!("{PLATFORM}?access_token={token}"), &[JSON], b"{}");
    assert_eq!(answer.status, 401);
}

#[test]
fn an_unknown_platform_is_a_404_for_whoever_has_a_token() {
    let server = Server::dev();
    let bearer = format!("Bearer {}", server.admin().token);
    for platform in ["2", "01", "x", "1%20"] {
        let path = format!("/projects/api/platform/{platform}/graphql");
        let answer = server.post(
            &path,
            &[JSON, ("authorization", &bearer)],
            b"{\"query\":\"{me{name}}\"}",
        );
        assert_eq!(answer.status, 404, "{platform}");
    }
}

#[test]
fn slashes_are_merged_and_every_answer_has_an_id() {
    let server = Server::dev();
    let body = json!({"login": ADMIN, "password": PASSWORD}).to_string();
    let answer = server.post(
        "//authentication//api/open/authenticate",
        &[JSON],
        body.as_bytes(),
    );
    assert_eq!(answer.status, 200);
    let mut ids = Vec::new();
    for answer in [
        answer,
        server.get("//livez"),
        server.get("/nowhere"),
        server.post(PLATFORM, &[], b""),
    ] {
        ids.push(answer.headers["x-request-id"].to_str().unwrap().to_owned());
    }
    assert!(ids.iter().all(|id| id.len() == 16), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn reads_give_milliseconds_and_writes_microseconds_with_a_zone() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("times");
    let digits = |text: &str| {
        text.chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect::<String>()
    };
    let create = json!({"username": "me", "password": "p", "projectId": project});
    let created = admin.data(CREATE, json!({"c": create}))["createDockerCredentials"].take();
    let written = created["lastUpdate"].as_str().unwrap();
    assert_eq!(digits(written), "0000-00-00T00:00:00.000000Z[UTC]");
    let listed = admin.list(&project);
    let read = listed[0]["lastUpdate"].as_str().unwrap();
    assert_eq!(digits(read), "0000-00-00T00:00:00.000Z");
    assert_eq!(read[..23], written[..23], "the same moment");

    let update = json!({"id": created["id"], "password": "q", "projectId": project});
    let updated = admin.data(UPDATE, json!({"c": update}))["updateDockerCredentials"].take();
    let later = updated["lastUpdate"].as_str().unwrap();
    assert_eq!(digits(later), "0000-00-00T00:00:00.000000Z[UTC]");
    assert!(later > written);
}

#[test]
fn an_update_without_a_registry_sets_docker_hub_and_without_a_username_keeps_it() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("updates");
    let id = admin.create_credentials(&project, Some("GHCR.io"), "me", "p");
    let update = |fields: serde_json::Value| {
        let mut input = json!({"id": id, "password": "p", "projectId": project});
        input
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let updated = admin.data(UPDATE, json!({"c": input}))["updateDockerCredentials"].take();
        (updated["registry"].clone(), updated["username"].clone())
    };
    assert_eq!(
        update(json!({"registry": "GHCR.io"})),
        (json!("GHCR.io"), json!("me"))
    );
    assert_eq!(
        update(json!({"username": "you"})),
        (json!(null), json!("you"))
    );
    assert_eq!(
        update(json!({"registry": "Host:443/", "username": null})),
        (json!("Host:443/"), json!("you"))
    );
    assert_eq!(
        update(json!({"registry": null})),
        (json!(null), json!("you"))
    );
    let listed = admin.list(&project);
    assert_eq!(
        (&listed[0]["registry"], &listed[0]["username"]),
        (&json!(null), &json!("you"))
    );
    assert_eq!(listed[0]["jobs"], json!([]));
}

#[test]
fn errors_have_codes_and_the_id_of_their_request() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("codes");
    admin.create_credentials(&project, None, "me", "p");
    let absent = "00000000-0000-7000-8000-000000000000";
    let again = json!({"c": {"registry": "docker.io", "username": "me", "password": "p", "projectId": project}});
    for (query, variables, code) in [
        (
            "{ dockerCredentials(id: \"$a\", projectId: \"$p\") { id } }",
            json!({}),
            "NOT_FOUND",
        ),
        (
            "{ dockerCredentials(id: \"$p\", projectId: \"$a\") { id } }",
            json!({}),
            "NOT_FOUND",
        ),
        (
            "mutation { deleteDockerCredentials(id: \"$a\", projectId: \"$p\") }",
            json!({}),
            "NOT_FOUND",
        ),
        (CREATE, again, "CONFLICT"),
        (
            "mutation { createProject(project: {name: \"CODES\"}) { id } }",
            json!({}),
            "CONFLICT",
        ),
        ("{ nothing }", json!({}), "INVALID"),
        ("{", json!({}), "INVALID"),
        (LIST, json!({"p": "x"}), "INVALID"),
    ] {
        let query = query
            .replace("$a", absent)
            .replace("$p\"", &format!("{project}\""));
        let answer = admin.post(&query, variables);
        assert_eq!(answer.error().0, code, "{query}: {answer:?}");
        let id = &answer.json()["errors"][0]["extensions"]["requestId"];
        assert_eq!(*id, answer.headers["x-request-id"].to_str().unwrap());
    }
}

#[test]
fn a_deleted_project_takes_its_credentials_and_its_tokens_along() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("going");
    admin.create_credentials(&project, None, "me", "p");
    let create = "mutation($p: UUID!) { createServiceToken(serviceToken: {name: \"ci\", projectIds: [$p], \
                  rights: [VIEW]}) { token } }";
    let created = admin.data(create, json!({"p": project}));
    let token = created["createServiceToken"]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let ci = server.client(token);
    assert_eq!(ci.list(&project).len(), 1);
    admin.data(
        "mutation($p: UUID!) { deleteProject(projectId: $p) }",
        json!({"p": project}),
    );
    assert_eq!(ci.post(LIST, json!({"p": project})).status, 401);
    assert_eq!(admin.refused(LIST, json!({"p": project})).0, "NOT_FOUND");
}
