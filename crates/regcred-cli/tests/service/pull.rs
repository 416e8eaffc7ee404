//! Pulls: which password leaves for whom, and what is written down before it does.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use serde_json::{Value, json};

use crate::store::{Hold, rows};
use crate::support::{ADMIN, Answer, Client, JSON, PASSWORD, Server, create_admin, regcred, run};

const PULL: &str = "/api/v1/pull";
const EXPLAIN: &str = "/api/v1/pull/explain";

impl Client<'_> {
    pub(crate) fn pull(&self, body: &Value) -> Answer {
        self.send(PULL, body.to_string().as_bytes())
    }

    /// An error where the connection broke.
    pub(crate) fn try_pull(&self, body: &Value) -> Result<Answer, ureq::Error> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [JSON, ("authorization", &*bearer)];
        self.server
            .try_post(PULL, &headers, body.to_string().as_bytes())
    }

    pub(crate) fn explain(&self, body: &Value) -> Value {
        let answer = self.send(EXPLAIN, body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    fn send(&self, path: &str, body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.server
            .post(path, &[JSON, ("authorization", &bearer)], body)
    }

    /// Somebody with a new service token.
    pub(crate) fn with_rights(&self, projects: &[&str], rights: &[&str]) -> Self {
        let create =
            "mutation($t: ServiceTokenInput!) { createServiceToken(serviceToken: $t) { token } }";
        let input = json!({"name": "puller", "projectIds": projects, "rights": rights});
        let made = self.data(create, json!({"t": input}));
        let token = made["createServiceToken"]["token"].as_str().unwrap();
        self.server.client(token.to_owned())
    }
}

/// Status, code and detail of a problem.
fn problem(answer: &Answer) -> (u16, String, String) {
    let kind = answer.headers["content-type"].to_str().unwrap();
    assert_eq!(kind, "application/problem+json", "{answer:?}");
    let body = answer.json();
    assert_eq!(body["status"], answer.status, "{answer:?}");
    let text = |name: &str| {
        body[name]
            .as_str()
            .unwrap_or_else(|| panic!("{answer:?}"))
            .to_owned()
    };
    assert!(body.get("password").is_none() && !text("requestId").is_empty());
    (answer.status, text("code"), text("detail"))
}

#[test]
fn an_image_and_a_server_get_the_credentials_that_match() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("pulls");
    let whole = admin.create_credentials(&project, Some("H.example:5000"), "whole", "pw whole");
    admin.create_credentials(
        &project,
        Some("h.example:5000/team"),
        "team",
        "pw \"te\u{e4}m\"\n",
    );
    admin.create_credentials(&project, None, "hub", "pw hub");
    let puller = admin.with_rights(&[&project], &["PULL"]);

    let answer =
        puller.pull(&json!({"project": project, "image": "h.example:5000/teamwork/app:1"}));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(
        answer.json(),
        json!({"registryKey": "h.example:5000", "username": "whole", "password": "pw whole",
               "credentialsId": whole, "expiresAt": null})
    );
    for (asked, username, password) in [
        (
            json!({"image": "h.example:5000/team/app@sha256:".to_owned() + &"0".repeat(64)}),
            "team",
            "pw \"te\u{e4}m\"\n",
        ),
        (
            json!({"image": "h.example:5000/team"}),
            "team",
            "pw \"te\u{e4}m\"\n",
        ),
        (
            json!({"server": "h.example:5000/team/app"}),
            "team",
            "pw \"te\u{e4}m\"\n",
        ),
        (
            json!({"server": "https://H.example.:5000/v2/"}),
            "whole",
            "pw whole",
        ),
        (
            json!({"server": "https://index.docker.io/v1/"}),
            "hub",
            "pw hub",
        ),
        (json!({"server": "docker.io"}), "hub", "pw hub"),
        (json!({"image": "ubuntu", "project": null}), "hub", "pw hub"),
        (
            json!({"image": "index.docker.io/team/app", "project": "pulls"}),
            "hub",
            "pw hub",
        ),
        (
            json!({"image": "team/app", "project": "PULLS"}),
            "hub",
            "pw hub",
        ),
    ] {
        let answer = puller.pull(&asked);
        assert_eq!(answer.status, 200, "{asked}: {answer:?}");
        assert_eq!(answer.json()["username"], username, "{asked}");
        assert_eq!(answer.json()["password"], password, "{asked}");
    }

    for asked in [
        "h.example",
        "h.example:443",
        "h.example:50000",
        "x.h.example:5000",
        "h.example.x:5000",
        "hh.example:5000",
        "h.example:5000.x",
        "ghcr.io",
        "docker.io.example",
        "xn--h-.example:5000",
        "index.docker.io.evil.example",
    ] {
        let answer = puller.pull(&json!({"server": asked}));
        let (status, code, _) = problem(&answer);
        assert!(
            (status, code.as_str()) == (404, "NO_MATCH")
                || (status, code.as_str()) == (422, "INVALID"),
            "{asked}: {answer:?}"
        );
    }
    let (_, _, detail) = problem(&puller.pull(&json!({"server": "h.example:443"})));
    assert!(
        detail.contains("`h.example:443`")
            && detail.contains("on that host it has `h.example:5000`, `h.example:5000/team`"),
        "{detail}"
    );
}

#[test]
fn only_a_token_that_may_pull_in_the_project_gets_a_password() {
    let server = Server::dev();
    let admin = server.admin();
    let (own, foreign) = (admin.create_project("own"), admin.create_project("foreign"));
    for project in [&own, &foreign] {
        admin.create_credentials(project, Some("h.x"), "me", "the secret password");
    }
    let create_user = "mutation($u: UserInput!) { createUser(user: $u) { login } }";
    for login in ["manager", "stranger"] {
        admin.data(
            create_user,
            json!({"u": {"login": login, "password": PASSWORD}}),
        );
    }
    let member = "mutation($p: UUID!) { setProjectMember(projectId: $p, login: \"manager\", role: ROLE_PROJECT_MANAGER) }";
    admin.data(member, json!({"p": own}));
    let session = |login| server.client(server.token(login, PASSWORD));
    let asks = |project: &str| json!({"project": project, "image": "h.x/app"});

    for (who, client, expected) in [
        ("admin", session(ADMIN), (403, "FORBIDDEN")),
        ("manager", session("manager"), (403, "FORBIDDEN")),
        ("stranger", session("stranger"), (404, "NOT_FOUND")),
        (
            "view",
            admin.with_rights(&[&own], &["VIEW"]),
            (403, "FORBIDDEN"),
        ),
        (
            "edit",
            admin.with_rights(&[&own], &["EDIT"]),
            (403, "FORBIDDEN"),
        ),
        (
            "audit",
            admin.with_rights(&[&own], &["AUDIT"]),
            (403, "FORBIDDEN"),
        ),
        (
            "pull elsewhere",
            admin.with_rights(&[&foreign], &["PULL"]),
            (404, "NOT_FOUND"),
        ),
        (
            "nobody",
            server.client("rc_srv_x_y".to_owned()),
            (401, "UNAUTHENTICATED"),
        ),
    ] {
        let answer = client.pull(&asks(&own));
        let (status, code, detail) = problem(&answer);
        assert_eq!((status, code.as_str()), expected, "{who}: {detail}");
        assert!(!answer.text.contains("secret password"), "{who}");
        if status == 403 {
            assert!(
                detail.contains("regcred token create"),
                "it says what to do: {detail}"
            );
        }
    }
    let puller = admin.with_rights(&[&own], &["PULL", "EDIT"]);
    assert_eq!(puller.pull(&asks(&own)).status, 200);
    // A foreign project and an absent one answer alike, by id and by name.
    let refusals = [foreign.as_str(), "00000000-0000-7000-8000-000000000000"]
        .map(|id| problem(&puller.pull(&asks(id))).2.replace(id, "ID"));
    assert_eq!(refusals[0], refusals[1]);
    let bearer = format!("Bearer {}", puller.token);
    for name in ["foreign", "absent", "no\u{e4}h"] {
        let asks = asks(name).to_string();
        let list = format!("{PULL}?project={name}");
        let answers = [
            puller.send(PULL, asks.as_bytes()),
            puller.send(EXPLAIN, asks.as_bytes()),
            server.get_with(
                &list.replace('\u{e4}', "%C3%A4"),
                &[("authorization", &bearer)],
            ),
        ];
        for answer in &answers {
            let (status, code, detail) = problem(answer);
            assert_eq!((status, code.as_str()), (404, "NOT_FOUND"), "{name}");
            assert_eq!(detail, "there is no project of this name that you may see");
        }
    }

    // Left out, the project is the token's only one; with several nothing is guessed.
    let both = admin.with_rights(&[&own, &foreign], &["PULL"]);
    let answer = both.pull(&json!({"image": "h.x/app"}));
    let (status, code, detail) = problem(&answer);
    assert_eq!((status, code.as_str()), (422, "INVALID"), "{detail}");
    assert!(detail.contains("2 projects") && answer.json()["field"] == "project");
    assert_eq!(both.pull(&asks(&foreign)).status, 200);

    // What is revoked pulls no more.
    let tokens = "query($p: UUID!) { serviceTokens(projectId: $p) { id projectIds } }";
    let revoke = "mutation($t: UUID!, $p: UUID!) { revokeServiceToken(id: $t, projectId: $p) }";
    let listed = admin.data(tokens, json!({"p": own}));
    for token in listed["serviceTokens"].as_array().unwrap() {
        admin.data(revoke, json!({"t": token["id"], "p": own}));
    }
    assert_eq!(problem(&puller.pull(&asks(&own))).0, 401);
}

#[test]
fn two_accounts_of_one_scope_are_an_error_that_names_both_and_a_pin_decides() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("two");
    let one = admin.create_credentials(&project, Some("h.x/team"), "one", "pw one");
    let other = admin.create_credentials(&project, Some("https://h.x/team/"), "other", "pw other");
    let hub = admin.create_credentials(&project, None, "hub", "pw hub");
    let puller = admin.with_rights(&[&project], &["PULL"]);
    let answer = puller.pull(&json!({"image": "h.x/team/app"}));
    let (status, code, detail) = problem(&answer);
    assert_eq!((status, code.as_str()), (409, "CONFLICT"));
    for named in [&one, &other, "`one`", "`other`"] {
        assert!(detail.contains(named), "{detail}");
    }
    let mut candidates = answer.json()["candidates"].as_array().unwrap().clone();
    candidates.sort_by_key(|candidate| candidate["username"].as_str().unwrap().to_owned());
    assert_eq!(
        json!(candidates),
        json!([{"credentialsId": one, "registryKey": "h.x/team", "username": "one"},
               {"credentialsId": other, "registryKey": "h.x/team", "username": "other"}])
    );
    for (id, password) in [(&one, "pw one"), (&other, "pw other")] {
        let answer = puller.pull(&json!({"image": "h.x/team/app", "dockerCredentialsId": id}));
        assert_eq!(answer.json()["password"], password, "{answer:?}");
    }
    // A pin lets no other registry's credentials out.
    for (image, pin) in [
        ("h.x/team/app", hub.as_str()),
        ("h.x/teamwork", &one),
        ("h.x/team/app", &project),
    ] {
        let answer = puller.pull(&json!({"image": image, "dockerCredentialsId": pin}));
        assert_eq!(problem(&answer).1, "NO_MATCH", "{answer:?}");
    }
    let explained = puller.explain(&json!({"image": "h.x/team/app"}));
    assert_eq!(explained["outcome"], "AMBIGUOUS");
    assert_eq!(explained["chosen"], Value::Null);
}

#[test]
fn bad_bodies_are_refused_with_what_to_do() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("bad");
    admin.create_credentials(&project, Some("h.x"), "me", "pw");
    let puller = admin.with_rights(&[&project], &["PULL"]);
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{}",
        "[\"p\",\"h.x/app\",null,null]",
        r#"{"image":1}"#,
        r#"{"image":["h.x/app"]}"#,
        r#"{"image":"h.x/a","server":"h.x"}"#,
        r#"{"image":null,"server":null}"#,
        r#"{"image":"h.x/a","image":"h.x/a"}"#,
        r#"{"image":"h.x/a","projekt":"x"}"#,
        r#"{"image":"h.x/a","project":{}}"#,
        "{\"image\":\"h.x/a\"}x",
        "\u{feff}{}",
        r#"{"image":"\ud800"}"#,
    ] {
        for path in [PULL, EXPLAIN] {
            let answer = puller.send(path, body.as_bytes());
            assert_eq!(problem(&answer).0, 400, "{body}: {answer:?}");
        }
    }
    for (body, field) in [
        (json!({"image": ""}), "image"),
        (json!({"image": "h.x/App"}), "image"),
        (json!({"image": "h.x/app\n"}), "image"),
        (json!({"image": "h.x/app\u{0}"}), "image"),
        (json!({"image": "x".repeat(10_000)}), "image"),
        (json!({"server": ""}), "server"),
        (json!({"server": "h.x\r\nh.y"}), "server"),
        (json!({"server": "ftp://h.x"}), "server"),
        (json!({"server": "h.x@h.y"}), "server"),
        (json!({"server": "h\u{3002}x/\u{430}"}), "server"),
        (
            json!({"image": "h.x/app", "dockerCredentialsId": "me"}),
            "dockerCredentialsId",
        ),
    ] {
        let answer = puller.pull(&body);
        let (status, code, _) = problem(&answer);
        assert_eq!(
            (status, code.as_str()),
            (422, "INVALID"),
            "{body}: {answer:?}"
        );
        assert_eq!(answer.json()["field"], field, "{body}: {answer:?}");
    }
    assert_eq!(problem(&puller.send(PULL, &vec![b' '; 20_000])).0, 413);
    let bearer = format!("Bearer {}", puller.token);
    let form = [
        ("content-type", "text/plain"),
        ("authorization", bearer.as_str()),
    ];
    assert_eq!(
        problem(&server.post(PULL, &form, br#"{"image":"h.x/app"}"#)).0,
        415
    );
    // A password in the wrong place is not repeated.
    let answer = puller.pull(&json!({"server": "https://me:hunter2@h.x"}));
    assert!(
        !answer.text.contains("hunter2") && !server.log_text().contains("hunter2"),
        "{answer:?}"
    );
}

#[test]
fn a_pull_is_in_the_trail_and_shown_on_the_credentials() {
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    let server = Server::on(&data);
    let admin = server.admin();
    let project = admin.create_project("used");
    let used = admin.create_credentials(&project, Some("h.x"), "me", "pw");
    admin.create_credentials(&project, Some("h.y"), "idle", "pw");
    let puller = admin.with_rights(&[&project], &["PULL"]);
    for tag in ["1", "2", "3"] {
        assert_eq!(
            puller
                .pull(&json!({"image": format!("h.x/app:{tag}")}))
                .status,
            200
        );
    }
    assert_eq!(
        problem(&puller.pull(&json!({"image": "h.z/app"}))).1,
        "NO_MATCH"
    );

    let list = "query($p: UUID!) { allDockerCredentials(projectId: $p) \
                { id registryKey expiresAt lastUsed lastUsedBy { id name } pullsByDay { day pulls } } }";
    let listed = admin.data(list, json!({"p": project}))["allDockerCredentials"].take();
    let row = &listed[0];
    assert_eq!(row["id"], used.as_str());
    assert_eq!(row["lastUsedBy"]["name"], "puller");
    assert_eq!(row["pullsByDay"][0]["pulls"], 3);
    let moment = row["lastUsed"].as_str().unwrap();
    assert_eq!(row["pullsByDay"][0]["day"].as_str().unwrap(), &moment[..10]);
    assert_eq!(listed[1]["lastUsed"], Value::Null);
    assert_eq!(listed[1]["pullsByDay"], json!([]));
    let one = "query($p: UUID!, $c: UUID!) { dockerCredentials(id: $c, projectId: $p) { lastUsed pullsByDay(days: 1) { pulls } } }";
    let shown = admin.data(one, json!({"p": project, "c": used}));
    assert_eq!(
        shown["dockerCredentials"]["pullsByDay"],
        json!([{"pulls": 3}])
    );
    let many = one.replace("days: 1", "days: 91");
    assert_eq!(
        admin.refused(&many, json!({"p": project, "c": used})).0,
        "INVALID"
    );

    let metrics = server.get("/metrics").text;
    assert!(
        metrics.contains("regcred_pulls_total{outcome=\"ok\"} 3"),
        "{metrics}"
    );
    assert!(
        metrics.contains("regcred_pulls_total{outcome=\"no_match\"} 1"),
        "{metrics}"
    );
    drop(server);

    let trail = rows(
        &data,
        "SELECT event FROM audit_event WHERE event LIKE '%pulled%'",
    )
    .concat();
    for tag in ["1", "2", "3"] {
        assert!(trail.contains(&format!("h.x/app:{tag}")), "{trail}");
    }
    assert_eq!(trail.matches("credentials_pulled").count(), 3, "{trail}");
    let mut verify = regcred(&["audit", "verify"]);
    verify.arg("--data-dir").arg(&data);
    assert!(run(verify, "").status.success());
}

#[test]
fn what_runs_out_says_when() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("expiry");
    let puller = admin.with_rights(&[&project], &["PULL"]);
    let create = |expires: &str| {
        let input = json!({"projectId": project, "registry": "h.x", "username": "me", "password": "pw", "expiresAt": expires});
        admin.post(crate::support::CREATE, json!({"c": input}))
    };
    let past = create("2020-01-01T00:00:00Z").error();
    assert!(
        past.0 == "INVALID" && past.1.contains("run out"),
        "{past:?}"
    );
    let id =
        create("2100-01-01T02:00:00+02:00").json()["data"]["createDockerCredentials"]["id"].clone();
    let expires = || puller.pull(&json!({"image": "h.x/app"})).json()["expiresAt"].clone();
    assert_eq!(expires(), "2100-01-01T00:00:00.000Z");
    // The old password's end says nothing of the new one.
    let input = json!({"id": id, "projectId": project, "registry": "h.x", "password": "pw2"});
    admin.data(crate::support::UPDATE, json!({"c": input}));
    assert_eq!(expires(), Value::Null);
}

#[test]
fn an_explanation_names_the_candidates_and_the_rule_and_holds_no_password() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("why");
    let team = admin.create_credentials(&project, Some("h.x/team"), "team", "the password");
    let whole = admin.create_credentials(&project, Some("h.x"), "whole", "the password");
    admin.create_credentials(&project, Some("h.x/other"), "other", "the password");
    admin.create_credentials(&project, Some("h.x:443"), "port", "the password");
    admin.create_credentials(&project, Some("h.y"), "foreign", "the password");
    let puller = admin.with_rights(&[&project], &["PULL"]);
    puller.pull(&json!({"image": "h.x/team/app"}));

    let ask = json!({"project": project, "image": "h.x/team/app:1"});
    for who in [&admin, &puller, &admin.with_rights(&[&project], &["VIEW"])] {
        let explained = who.explain(&ask);
        assert_eq!(explained["outcome"], "MATCH");
        assert_eq!(explained["chosen"], team.as_str());
        assert_eq!(explained["registryKey"], "h.x/team/app");
        assert!(
            explained["rule"]
                .as_str()
                .unwrap()
                .contains("longest scope")
        );
        let verdicts: Vec<_> = explained["candidates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                (
                    row["username"].as_str().unwrap(),
                    row["verdict"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            verdicts,
            [
                ("team", "CHOSEN"),
                ("whole", "SHORTER_SCOPE"),
                ("other", "OTHER_PATH"),
                ("port", "OTHER_PORT")
            ]
        );
        assert!(explained["candidates"][0]["lastUsed"].is_string());
        assert_eq!(explained["candidates"][0]["verification"], Value::Null);
        assert!(!explained.to_string().contains("the password"));
    }
    let none = puller.explain(&json!({"server": "h.z"}));
    assert_eq!(
        (&none["outcome"], &none["candidates"]),
        (&json!("NO_MATCH"), &json!([]))
    );
    let pinned = puller.explain(&json!({"image": "h.x/team/app", "dockerCredentialsId": whole}));
    assert_eq!(pinned["chosen"], whole.as_str());
    let audit = admin.with_rights(&[&project], &["AUDIT"]);
    assert_eq!(
        problem(&audit.send(EXPLAIN, ask.to_string().as_bytes())).0,
        403
    );

    let listed = |client: &Client<'_>, query: &str| {
        let bearer = format!("Bearer {}", client.token);
        server.get_with(&format!("{PULL}{query}"), &[("authorization", &bearer)])
    };
    let answer = listed(&puller, "?project=why");
    let keys: Vec<_> = answer.json()["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["registryKey"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys, ["h.x", "h.x/other", "h.x/team", "h.x:443", "h.y"]);
    assert!(!answer.text.contains("the password"));
    assert_eq!(
        problem(&listed(&admin, &format!("?project={project}"))).0,
        403
    );
    assert_eq!(problem(&listed(&puller, "?projekt=why")).0, 400);
    // An explanation is no pull: only the one above is counted.
    let count = "query($p: UUID!, $c: UUID!) { dockerCredentials(id: $c, projectId: $p) { pullsByDay { pulls } } }";
    let counted = admin.data(count, json!({"p": project, "c": team}));
    assert_eq!(
        counted["dockerCredentials"]["pullsByDay"],
        json!([{"pulls": 1}])
    );
}

#[test]
fn a_token_with_too_many_pulls_under_way_waits_and_others_go_on() {
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    let server = Server::on(&data);
    let admin = server.admin();
    let project = admin.create_project("busy");
    admin.create_credentials(&project, Some("h.x"), "me", "pw");
    let (busy, other) = (
        admin.with_rights(&[&project], &["PULL"]),
        admin.with_rights(&[&project], &["PULL"]),
    );
    // Somebody else's transaction stands for a disk that does not answer.
    let hold = Hold::on(&data);

    let asks = json!({"image": "h.x/app"});
    let answers = std::thread::scope(|scope| {
        let pulls: Vec<_> = (0..300).map(|_| scope.spawn(|| busy.pull(&asks))).collect();
        // Who is refused is told at once, while the others wait.
        let refused = |text: &str| text.contains("regcred_pulls_total{outcome=\"throttled\"} 44");
        while !refused(&server.get("/metrics").text) {
            assert!(pulls.iter().filter(|pull| pull.is_finished()).count() <= 44);
            std::thread::yield_now();
        }
        let patient = scope.spawn(|| other.pull(&asks));
        drop(hold);
        assert_eq!(
            patient.join().unwrap().status,
            200,
            "another token's pull goes on"
        );
        pulls
            .into_iter()
            .map(|pull| pull.join().unwrap())
            .collect::<Vec<_>>()
    });
    let (handed_out, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((handed_out.len(), refused.len()), (256, 44));
    for answer in refused {
        assert_eq!(problem(answer).1, "THROTTLED", "{answer:?}");
        assert_eq!(
            (answer.status, &answer.headers["retry-after"]),
            (429, &"1".parse().unwrap())
        );
    }
}

#[test]
fn while_credentials_change_each_pull_gets_one_whole_version_and_none_after_the_end() {
    let directory = tempfile::TempDir::new().unwrap();
    let data = directory.path().join("data");
    create_admin(&data);
    let server = Server::on(&data);
    let admin = server.admin();
    let project = admin.create_project("race");
    let id = admin.create_credentials(&project, Some("h.x"), "user0", "password0");
    let asks = json!({"image": "h.x/app"});
    let acknowledged = AtomicUsize::new(0);
    let (deleted, revoked) = (AtomicBool::new(false), AtomicBool::new(false));

    std::thread::scope(|scope| {
        for _ in 0..4 {
            let puller = admin.with_rights(&[&project], &["PULL"]);
            scope.spawn(|| {
                let puller = puller;
                loop {
                    let (least, over) = (acknowledged.load(SeqCst), deleted.load(SeqCst));
                    let answer = puller.pull(&asks);
                    let most = acknowledged.load(SeqCst) + 1;
                    if answer.status == 404 {
                        break;
                    }
                    assert!(answer.status == 200 && !over, "{answer:?}");
                    let body = answer.json();
                    let number = |field: &str, word| {
                        let text = body[field].as_str().unwrap().strip_prefix(word).unwrap();
                        text.parse::<usize>().unwrap()
                    };
                    let version = number("password", "password");
                    assert_eq!(number("username", "user"), version, "one version, whole");
                    assert!(
                        (least..=most).contains(&version),
                        "{least} <= {version} <= {most}"
                    );
                }
            });
        }
        let short = admin.with_rights(&[&project], &["PULL"]);
        scope.spawn(|| {
            let short = short;
            loop {
                let over = revoked.load(SeqCst);
                match short.pull(&asks).status {
                    200 => assert!(!over, "no pull after its token was revoked"),
                    status => break assert_eq!(status, 401),
                }
            }
        });
        let tokens = "query($p: UUID!) { serviceTokens(projectId: $p) { id } }";
        let listed = admin.data(tokens, json!({"p": project}));
        let last = listed["serviceTokens"].as_array().unwrap().last().unwrap()["id"].clone();
        for version in 1..=60 {
            let input = json!({"id": id, "projectId": project, "registry": "h.x",
                               "username": format!("user{version}"), "password": format!("password{version}")});
            admin.data(crate::support::UPDATE, json!({"c": input}));
            acknowledged.store(version, SeqCst);
            if version == 30 {
                let revoke =
                    "mutation($t: UUID!, $p: UUID!) { revokeServiceToken(id: $t, projectId: $p) }";
                admin.data(revoke, json!({"t": last, "p": project}));
                revoked.store(true, SeqCst);
            }
        }
        let delete =
            "mutation($c: UUID!, $p: UUID!) { deleteDockerCredentials(id: $c, projectId: $p) }";
        admin.data(delete, json!({"c": id, "p": project}));
        deleted.store(true, SeqCst);
    });
    drop(server);

    // The trail agrees: no pull behind the deletion, none by the token behind its revocation.
    let (mut deleted, mut revoked, mut pulls) = (false, Value::Null, 0);
    for event in rows(&data, "SELECT event FROM audit_event ORDER BY sequence") {
        let event: Value = serde_json::from_str(&event).unwrap();
        let action = &event["action"];
        match action["type"].as_str().unwrap() {
            "credentials_deleted" => deleted = true,
            "token_revoked" => revoked = action["token"].clone(),
            "credentials_pulled" => {
                assert!(!deleted && event["actor"]["id"] != revoked, "{event}");
                pulls += 1;
            }
            _ => {}
        }
    }
    assert!(deleted && revoked.is_string());
    assert!(pulls > 60, "{pulls} pulls");
}
