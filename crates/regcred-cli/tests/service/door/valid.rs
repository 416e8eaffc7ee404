//! Documents that were answered before: what is told of one does not hang on what anybody sent before.

use serde_json::{Value, json};

use crate::support::{LIST, Server};

/// Whether a variable is right, or missing, may depend on where it stands. What was answered before is no matter.
#[test]
fn what_is_refused_is_refused_whatever_was_answered_before() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("before");
    let unknown = "mutation($p: UUID!, $u: String!, $w: String!, $r: String) { createDockerCredentials(dockerCredentials: \
                   {projectId: $p, username: $u, password: $w, registry: $r, bogus: 1}) { id } }";
    let create = |username: &str, registry: Option<&str>| {
        let mut variables = json!({"p": project, "u": username, "w": "p"});
        if let Some(registry) = registry {
            variables["r"] = registry.into();
        }
        admin.post(unknown, variables).json()
    };
    let refused = |answer: &Value| answer["errors"][0]["message"].as_str().map(str::to_owned);
    let before = refused(&create("a", Some("h.x"))).unwrap();
    assert!(before.contains("bogus"), "{before}");
    // The library misses what is unknown beside a variable that is not given.
    for username in ["b", "c"] {
        assert_eq!(refused(&create(username, None)), None);
    }
    assert_eq!(refused(&create("d", Some("h.x"))), Some(before));
    assert_eq!(admin.list(&project).len(), 2);

    let role = "mutation($n: String!, $r: String!) { createProject(project: {name: $n, authorizedGroups: {name: $n, role: $r}}) \
                { name } }";
    let make = |name: &str, role_of: &str| {
        let mut answer = admin.post(role, json!({"n": name, "r": role_of})).json();
        for error in answer["errors"].as_array_mut().into_iter().flatten() {
            error["extensions"] = json!({});
        }
        answer
    };
    let before = make("one", "hunter2");
    assert!(before["errors"].is_array(), "{before}");
    for name in ["two", "three"] {
        make(name, "ROLE_PROJECT_VIEWER");
    }
    assert_eq!(make("four", "hunter2"), before);
}

/// What was found valid once is not validated again; nobody is to notice.
#[test]
fn a_bad_value_is_told_in_the_same_words_before_and_after_a_good_one() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("twice");
    let id = admin.create_credentials(&project, Some("docker.io"), "me", "p");
    let other = "860b8dc8-e734-4c98-b2e7-f9ec32ab4771";
    let get =
        "query($p: UUID!, $i: UUID!) { dockerCredentials(projectId: $p, id: $i) { username } }";
    let named = "query Named($p: UUID!) { allDockerCredentials(projectId: $p) { username } }";
    let alias =
        "query($p: UUID!) { a: allDockerCredentials(projectId: $p) { username } a: me { login } }";
    let good = json!({"p": project, "i": id});
    let bad = [
        json!({}),
        json!(null),
        json!({"p": project}),
        json!({"p": project, "i": null}),
        json!({"p": null, "i": id}),
        json!({"p": 1, "i": id}),
        json!({"p": true, "i": [id]}),
        json!({"p": [project], "i": id}),
        json!({"p": {"p": project}, "i": id}),
        json!({"p": "", "i": id}),
        json!({"p": "hunter2", "i": "hunter2"}),
        json!({"p": other, "i": id}),
        json!({"p": project, "i": other}),
    ];
    // Without what tells one request from another.
    let told = |query: &str, variables: &Value| {
        let mut answer = admin.post(query, variables.clone()).json();
        for error in answer["errors"].as_array_mut().into_iter().flatten() {
            let id = error.pointer_mut("/extensions/requestId").unwrap();
            assert!(id.take().is_string());
        }
        answer
    };
    for (query, is_valid) in [(LIST, true), (get, true), (named, true), (alias, false)] {
        let told_all = || bad.iter().map(|bad| told(query, bad)).collect::<Vec<_>>();
        let before = told_all();
        for _ in 0..3 {
            let answer = told(query, &good);
            assert_eq!(answer["errors"].is_null(), is_valid, "{query}: {answer}");
        }
        for ((before, after), bad) in before.iter().zip(told_all()).zip(&bad) {
            assert_eq!(*before, after, "{query} with {bad}");
        }
        // Whether the values that are wrong for one are wrong for the other is seen here, too.
        assert!(before.first().unwrap()["errors"].is_array(), "{query}");
    }
}
