//! Jobs and apps: what is kept of them, what they say of credentials in use, and what that guards and decides.

use serde_json::{Value, json};

use crate::store::{change, rows};
use crate::support::{Answer, Client, Server, installation};

const GENERIC: &str = "e0a3a91f-2346-4c13-bc27-ed12b10877a9";
const APP: &str = "0ecaf828-e2f7-4553-8fcc-69d79561a0d1";
const CREATE_JOB: &str =
    "mutation($j: JobInput!, $v: JobVersionInput!) { createJob(job: $j, jobVersion: $v) { id } }";
const CREATE_APP: &str = "mutation($a: AppInput!) { createApp(app: $a) { id } }";
const ADD: &str = "mutation($j: UUID!, $v: JobVersionInput!) \
    { addJobVersion(jobId: $j, jobVersion: $v) { number dockerInfo { image dockerCredentialsId } isCurrent } }";
const DELETE: &str = "mutation($i: UUID!, $p: UUID!, $f: Boolean) \
    { deleteDockerCredentials(id: $i, projectId: $p, force: $f) }";
const USERS: &str =
    "query($p: UUID!) { allDockerCredentials(projectId: $p) { id jobs { name } apps { name } } }";

impl Client<'_> {
    pub(crate) fn create_job(
        &self,
        project: &str,
        name: &str,
        image: &str,
        of: Option<&str>,
    ) -> String {
        let version = json!({"dockerInfo": {"image": image, "dockerCredentialsId": of}});
        let variables = json!({"j": job(project, name), "v": version});
        id(&self.data(CREATE_JOB, variables)["createJob"])
    }

    pub(crate) fn create_app(
        &self,
        project: &str,
        name: &str,
        image: &str,
        of: Option<&str>,
    ) -> String {
        let mut input = app(project, name);
        input["version"]["dockerInfo"] = json!({"image": image, "dockerCredentialsId": of});
        id(&self.data(CREATE_APP, json!({"a": input}))["createApp"])
    }

    fn upgrade_job(&self, job: &str, image: &str, of: Option<&str>) -> Value {
        let version = json!({"dockerInfo": {"image": image, "dockerCredentialsId": of}});
        self.data(ADD, json!({"j": job, "v": version}))["addJobVersion"].take()
    }

    fn delete_credentials(&self, project: &str, id: &str, force: Option<bool>) -> Answer {
        self.post(DELETE, json!({"i": id, "p": project, "f": force}))
    }

    /// For each of the project's credentials the names of the jobs and of the apps that use them.
    fn users(&self, project: &str) -> Vec<(String, Vec<String>)> {
        let data = self.data(USERS, json!({"p": project}));
        let rows = data["allDockerCredentials"].as_array().unwrap().iter();
        let names = |row: &Value| {
            let all = row["jobs"].as_array().unwrap().iter();
            let all = all.chain(row["apps"].as_array().unwrap());
            all.map(|one| one["name"].as_str().unwrap().to_owned())
                .collect()
        };
        rows.map(|row| (id(row), names(row))).collect()
    }
}

fn job(project: &str, name: &str) -> Value {
    json!({"projectId": project, "name": name, "category": "Processing", "technology": {"id": GENERIC},
           "isScheduled": false, "isStreaming": false})
}

fn app(project: &str, name: &str) -> Value {
    json!({"projectId": project, "name": name, "technologyId": APP,
           "version": {"dockerInfo": {"image": "ubuntu"}, "ports": []}})
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

#[test]
fn usage_is_that_of_the_current_versions() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("usage");
    let one = admin.create_credentials(&project, Some("h.x"), "one", "p");
    let two = admin.create_credentials(&project, Some("h.x"), "two", "p");
    let job = admin.create_job(&project, "nightly", "h.x/a:1", Some(&one));
    admin.create_job(&project, "plain", "ubuntu", None);
    let app = admin.create_app(&project, "web", "h.x/web", Some(&one));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        admin.users(&project),
        [
            (one.clone(), names(&["nightly", "web"])),
            (two.clone(), vec![])
        ]
    );

    let added = admin.upgrade_job(&job, "h.x/a:2", Some(&two));
    assert_eq!(
        added,
        json!({"number": 2, "isCurrent": true,
               "dockerInfo": {"image": "h.x/a:2", "dockerCredentialsId": two}})
    );
    assert_eq!(
        admin.users(&project),
        [
            (one.clone(), names(&["web"])),
            (two.clone(), names(&["nightly"]))
        ]
    );
    let back = "mutation($j: UUID!) { rollbackJobVersion(jobId: $j, versionNumber: 1) \
                { versions { number isCurrent } } }";
    assert_eq!(
        admin.data(back, json!({"j": job}))["rollbackJobVersion"]["versions"],
        json!([{"number": 2, "isCurrent": false}, {"number": 1, "isCurrent": true}])
    );
    let delete = "mutation($a: UUID!) { deleteApp(appId: $a) { id name versions { number } } }";
    assert_eq!(
        admin.data(delete, json!({"a": app}))["deleteApp"],
        json!({"id": app, "name": "web", "versions": []})
    );
    assert_eq!(
        admin.users(&project),
        [(one, names(&["nightly"])), (two, vec![])]
    );
}

#[test]
fn credentials_in_use_are_deleted_by_force_or_by_the_projects_setting_only() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("guard");
    let one = admin.create_credentials(&project, Some("h.x"), "one", "p");
    let two = admin.create_credentials(&project, Some("h.x"), "two", "p");
    let job = admin.create_job(&project, "nightly", "h.x/a:1", Some(&one));
    admin.create_app(&project, "web", "h.x/web", Some(&one));
    for force in [None, Some(false)] {
        let (code, message) = admin.delete_credentials(&project, &one, force).error();
        assert_eq!(code, "IN_USE");
        assert!(
            message.contains("job `nightly`, app `web`") && message.contains("`force`"),
            "{message}"
        );
    }
    assert_eq!(admin.list(&project).len(), 2);

    let deleted = admin.delete_credentials(&project, &one, Some(true)).json();
    assert_eq!(deleted["data"]["deleteDockerCredentials"], true);
    // The version keeps the id: it says with what it pulled.
    let read = "query($j: UUID!) { job(id: $j) { versions(onlyCurrent: true) { dockerInfo { dockerCredentialsId } } } }";
    assert_eq!(
        admin.data(read, json!({"j": job}))["job"]["versions"],
        json!([{"dockerInfo": {"dockerCredentialsId": one}}])
    );
    let puller = admin.with_rights(&[&project], &["PULL"]);
    let pinned = puller.pull(&json!({"image": "h.x/a:1", "dockerCredentialsId": one}));
    assert_eq!(
        (pinned.status, pinned.json()["code"].clone()),
        (404, json!("NO_MATCH"))
    );

    admin.upgrade_job(&job, "h.x/a:2", Some(&two));
    assert_eq!(
        admin.delete_credentials(&project, &two, None).error().0,
        "IN_USE"
    );
    let edit = "mutation($e: ProjectEditionInput!) { editProject(project: $e) { deletesCredentialsInUse } }";
    for setting in [true, false, true] {
        let edition = json!({"id": project, "deletesCredentialsInUse": setting});
        assert_eq!(
            admin.data(edit, json!({"e": edition}))["editProject"]["deletesCredentialsInUse"],
            setting
        );
    }
    let kept = json!({"id": project, "description": "d"});
    assert_eq!(
        admin.data(edit, json!({"e": kept}))["editProject"]["deletesCredentialsInUse"],
        true
    );
    let deleted = admin.delete_credentials(&project, &two, None).json();
    assert_eq!(deleted["data"]["deleteDockerCredentials"], true);
    let rolled = "mutation($j: UUID!) { rollbackJobVersion(jobId: $j, versionNumber: 1) { id } }";
    let (code, message) = admin.post(rolled, json!({"j": job})).error();
    assert_eq!(code, "INVALID", "{message}");
}

#[test]
fn the_workloads_of_an_image_decide_between_accounts_if_they_agree() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("pins");
    let one = admin.create_credentials(&project, Some("h.x/team"), "one", "pw one");
    let two = admin.create_credentials(&project, Some("h.x/team"), "two", "pw two");
    let whole = admin.create_credentials(&project, Some("h.x"), "whole", "pw whole");
    let puller = admin.with_rights(&[&project], &["PULL"]);
    let image = json!({"image": "h.x/team/app:7"});
    assert_eq!(puller.pull(&image).status, 409);

    // Another repository, and an account of another scope, say nothing.
    admin.create_job(&project, "other", "h.x/team/app/deep", Some(&one));
    admin.create_job(&project, "unpinned", "h.x/team/app", None);
    admin.create_job(&project, "short", "h.x/team/app", Some(&whole));
    assert_eq!(puller.pull(&image).status, 409);
    assert_eq!(puller.explain(&image)["outcome"], "AMBIGUOUS");

    let job = admin.create_job(&project, "nightly", "H.x/team/app:1", Some(&two));
    let answer = puller.pull(&image);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["password"], "pw two");
    let server_key = puller.pull(&json!({"server": "h.x/team/app"}));
    assert_eq!(server_key.json()["username"], "two");
    assert_eq!(puller.pull(&json!({"server": "h.x/team"})).status, 409);
    let explained = puller.explain(&image);
    assert_eq!(
        (&explained["outcome"], &explained["chosen"]),
        (&json!("MATCH"), &json!(two))
    );
    let rule = explained["rule"].as_str().unwrap();
    assert!(rule.ends_with("by a job or an app"), "{rule}");
    let reason = &explained["candidates"][1]["reason"];
    assert_eq!(
        reason,
        "the pull, or the jobs and apps that run this image, name others"
    );
    // Who may see the project is told which.
    let seeing = admin.with_rights(&[&project], &["PULL", "VIEW"]);
    for explained in [
        seeing.explain(&image),
        admin.explain(&in_project(&project, &image)),
    ] {
        let rule = explained["rule"].as_str().unwrap();
        assert!(rule.ends_with("by the job `nightly`"), "{rule}");
    }
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
            ("two", "CHOSEN"),
            ("one", "NOT_PINNED"),
            ("whole", "SHORTER_SCOPE")
        ]
    );
    // What the pull itself names comes first.
    let pinned = json!({"image": "h.x/team/app:7", "dockerCredentialsId": one});
    assert_eq!(puller.pull(&pinned).json()["username"], "one");

    let web = admin.create_app(&project, "web", "h.x/team/app:2", Some(&two));
    assert_eq!(puller.pull(&image).json()["username"], "two");
    // They disagree, and nothing is guessed.
    admin.upgrade_job(&job, "h.x/team/app:3", Some(&one));
    for (puller, named) in [
        (
            &puller,
            ["a job or an app for `one`", "a job or an app for `two`"],
        ),
        (
            &seeing,
            ["the job `nightly` for `one`", "the app `web` for `two`"],
        ),
    ] {
        let refused = puller.pull(&image);
        assert_eq!(refused.status, 409);
        let told = refused.json()["detail"].as_str().unwrap().to_owned();
        let rule = puller.explain(&image)["rule"].as_str().unwrap().to_owned();
        for said in [told, rule] {
            assert!(named.iter().all(|named| said.contains(named)), "{said}");
            let names = said.contains("nightly") || said.contains("`web`");
            assert_eq!(names, named[0].contains("nightly"), "{said}");
        }
    }
    let delete = "mutation($a: UUID!) { deleteApp(appId: $a) { id } }";
    admin.data(delete, json!({"a": web}));
    assert_eq!(puller.pull(&image).json()["username"], "one");
}

#[test]
fn lists_are_of_one_project_and_as_asked_for() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("lists");
    let other = admin.create_project("other");
    admin.create_job(&other, "foreign", "ubuntu", None);
    for name in ["a", "b", "c"] {
        admin.create_job(&project, name, "ubuntu", None);
    }
    let list = "query($p: UUID!, $c: String, $t: UUID) \
                { jobs(projectId: $p, category: $c, technologyId: $t) { name } }";
    let names = |category: Option<&str>, technology: Option<&str>| {
        let variables = json!({"p": project, "c": category, "t": technology});
        let data = admin.data(list, variables);
        let jobs = data["jobs"].as_array().unwrap().iter();
        jobs.map(|job| job["name"].as_str().unwrap())
            .collect::<String>()
    };
    assert_eq!(names(None, None), "abc");
    assert_eq!(names(Some("Processing"), Some(GENERIC)), "abc");
    assert_eq!(names(Some("Extraction"), None), "");
    assert_eq!(names(None, Some(APP)), "");
    let read = "query($p: UUID!) { project(id: $p) { jobsCount jobs(limit: 2) { name project { name } } apps { id } } }";
    assert_eq!(
        admin.data(read, json!({"p": project}))["project"],
        json!({"jobsCount": 3, "apps": [],
               "jobs": [{"name": "a", "project": {"name": "lists"}}, {"name": "b", "project": {"name": "lists"}}]})
    );
    let walk = "query($p: UUID!) { project(id: $p) { jobs { project { jobs { project { jobs { project { jobs \
                { project { jobs { project { jobs { id } } } } } } } } } } } } }";
    for n in 0..10 {
        admin.create_job(&project, &format!("more {n}"), "ubuntu", None);
    }
    let (code, message) = admin.post(walk, json!({"p": project})).error();
    assert_eq!(code, "INVALID");
    assert!(message.contains("50000 rows"), "{message}");
}

#[test]
fn an_answer_holds_so_much_of_workloads_and_no_more() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("heavy");
    let credentials = admin.create_credentials(&project, Some("h.x"), "me", "p");
    // 32 versions of more than 20 KB; fourteen copies of that are too much.
    let text = "é".repeat(4_000);
    let version = json!({"commandLine": text, "releaseNote": text.replace('é', "漢"),
                         "dockerInfo": {"image": "h.x/a", "dockerCredentialsId": credentials}});
    let variables = json!({"j": job(&project, "heavy"), "v": version});
    let job = id(&admin.data(CREATE_JOB, variables)["createJob"]);
    for _ in 0..31 {
        admin.data(ADD, json!({"j": job, "v": version}));
    }
    let ask = |read: &str, times: usize| {
        let fields = (0..times).map(|n| format!("a{n}: {read}"));
        let fields = fields.collect::<Vec<_>>().join(" ");
        let document = format!("query($j: UUID!) {{ job(id: $j) {{ {fields} }} }}");
        admin.post(&document, json!({"j": job}))
    };
    let refused = |answer: &Answer| {
        let (code, message) = answer.error();
        assert_eq!(code, "INVALID", "{message}");
        assert!(message.contains("8 MiB"), "{message}");
        assert!(
            message.contains("versions(limit, onlyCurrent)"),
            "{message}"
        );
    };
    let all = ask("versions { commandLine releaseNote }", 10).json();
    let versions = all["data"]["job"]["a9"].as_array().unwrap();
    assert_eq!(versions.len(), 32);
    assert_eq!(versions[31]["commandLine"], text);
    refused(&ask("versions { commandLine releaseNote }", 14));
    // What is not asked for is not counted.
    let numbers = ask("versions { number dockerInfo { image } }", 14).json();
    assert_eq!(numbers["data"]["job"]["a13"][0]["number"], 32);
    let few = ask("versions(limit: 2) { commandLine }", 14).json();
    assert_eq!(few["data"]["job"]["a13"].as_array().unwrap().len(), 2);
    // An alias tells a text once more, as long as it is in JSON: each of these is 6 bytes there.
    let described = json!({"description": "\u{1}".repeat(1_000), "category": "x"});
    for n in 0..80 {
        let mut input = self::job(&project, &format!("described {n}"));
        merge(&mut input, &described);
        let version = json!({"dockerInfo": {"image": "h.x/a", "dockerCredentialsId": credentials}});
        admin.data(CREATE_JOB, json!({"j": input, "v": version}));
    }
    for list in [
        "jobs(projectId: $p, category: \"x\") { LEAF }",
        "allDockerCredentials(projectId: $p) { jobs { LEAF } }",
        "project(id: $p) { jobs { LEAF } }",
    ] {
        let ask = |times: usize| {
            let leaves = (0..times).map(|n| format!("a{n}: description"));
            let leaves = leaves.collect::<Vec<_>>().join(" ");
            let document = format!("query($p: UUID!) {{ {} }}", list.replace("LEAF", &leaves));
            admin.post(&document, json!({"p": project}))
        };
        assert_eq!(ask(17).json().get("errors"), None, "{list}");
        refused(&ask(18));
    }
    let listed = "query($p: UUID!) { jobs(projectId: $p, category: \"Processing\") { id name versions(onlyCurrent: true) { commandLine } } \
                  allDockerCredentials(projectId: $p) { jobs { name alias } } }";
    let listed = admin.data(listed, json!({"p": project}));
    assert_eq!(listed["jobs"][0]["versions"][0]["commandLine"], text);
    assert_eq!(
        listed["allDockerCredentials"][0]["jobs"]
            .as_array()
            .unwrap()
            .len(),
        81
    );
}

/// Whoever fills a project with long names does not keep others from what they ask of it.
#[test]
fn a_project_full_of_long_names_is_listed_by_ids() {
    let directory = installation();
    let data = directory.path().join("data");
    let (project, own) = {
        let server = Server::on(&data);
        let admin = server.admin();
        let project = admin.create_project("full");
        let own = admin.create_credentials(&project, Some("h.x"), "me", "p");
        admin.create_job(&project, "first", "h.x/a", Some(&own));
        (project, own)
    };
    // 8,000 names of more than 1,000 bytes, and as long an alias, description and category.
    let long = format!("'{}'", "\u{1f980}".repeat(252));
    let id = "CAST(CAST(1000000000000000 + i AS text) AS blob)";
    let numbers = "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)";
    for copy in [
        format!(
            "{numbers} INSERT INTO workload SELECT project_id, kind, {id}, {long}, 'n' || i, \
             {long}, {long}, {long}, technology, creator, created_at, settings FROM workload, n WHERE name_key = 'first'"
        ),
        format!(
            "{numbers} INSERT INTO workload_version SELECT {id}, number, project_id, current, \
             creator, created_at, image, image_key, credentials_id, details FROM workload_version, n"
        ),
    ] {
        change(&data, &copy);
    }
    let server = Server::on(&data);
    let admin = server.admin();
    let count = |read: &str, at: &str| {
        let document = format!("query($p: UUID!) {{ {read} }}");
        let data = admin.data(&document, json!({"p": project}));
        data.pointer(at).unwrap().as_array().unwrap().len()
    };
    assert_eq!(count("jobs(projectId: $p) { id }", "/jobs"), 8_000);
    let versions =
        "jobs(projectId: $p) { id versions(onlyCurrent: true) { dockerInfo { image } } }";
    assert_eq!(count(versions, "/jobs"), 8_000);
    let all =
        "allDockerCredentials(projectId: $p) { id registry username jobs { id } apps { id } }";
    assert_eq!(count(all, "/allDockerCredentials/0/jobs"), 8_000);
    let some = "project(id: $p) { jobs(limit: 5) { id name } }";
    assert_eq!(count(some, "/project/jobs"), 5);
    let names = "query($p: UUID!) { jobs(projectId: $p) { id name alias } }";
    let (code, message) = admin.post(names, json!({"p": project})).error();
    assert_eq!(code, "INVALID");
    assert!(message.contains("8 MiB"), "{message}");
    // And each alias of a list is a list.
    let aliases = (0..8).map(|n| format!("a{n}: jobs {{ id }}"));
    let aliases = aliases.collect::<Vec<_>>().join(" ");
    let walk =
        format!("query($p: UUID!) {{ allDockerCredentials(projectId: $p) {{ {aliases} }} }}");
    let (code, message) = admin.post(&walk, json!({"p": project})).error();
    assert_eq!(code, "INVALID");
    assert!(message.contains("50000 rows"), "{message}");
    assert_eq!(
        admin.delete_credentials(&project, &own, None).error().0,
        "IN_USE"
    );
}

#[test]
fn what_cannot_be_kept_of_a_job_is_refused_with_its_field() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("bad");
    let other = admin.create_project("other");
    let foreign = admin.create_credentials(&other, None, "me", "p");
    for (job_part, version_part, field) in bad_jobs(&foreign) {
        let mut input = job(&project, "bad");
        merge(&mut input, &job_part);
        let answer = admin.post(CREATE_JOB, json!({"j": input, "v": version_part}));
        assert_invalid(&answer, field);
    }
    let count = "query($p: UUID!) { project(id: $p) { jobsCount } }";
    let left = admin.data(count, json!({"p": project}));
    assert_eq!(left["project"], json!({"jobsCount": 0}));
}

/// What is wrong in the job, what in its version, and the field that is told.
fn bad_jobs(foreign: &str) -> Vec<(Value, Value, &'static str)> {
    let alerting = json!({"emails": ["a@b.c"], "statusList": ["FAILED"]});
    vec![
        (json!({"name": ""}), json!({}), "name"),
        (json!({"name": " "}), json!({}), "name"),
        (json!({"name": "x".repeat(255)}), json!({}), "name"),
        (json!({"alias": "my-job"}), json!({}), "alias"),
        (
            json!({"description": "x".repeat(1_001)}),
            json!({}),
            "description",
        ),
        (json!({"description": "a\u{0}b"}), json!({}), "description"),
        (json!({"category": ""}), json!({}), "category"),
        (json!({"technology": {"id": APP}}), json!({}), "technology"),
        (
            json!({"technology": {"id": foreign}}),
            json!({}),
            "technology",
        ),
        (json!({"isScheduled": true}), json!({}), "isScheduled"),
        (
            json!({"cronScheduling": "0 0 * * *"}),
            json!({}),
            "cronScheduling",
        ),
        (
            json!({"scheduleTimezone": "UTC"}),
            json!({}),
            "scheduleTimezone",
        ),
        (json!({"alerting": alerting}), json!({}), "alerting"),
        (
            json!({"resources": {"cpu": {"request": -1}}}),
            json!({}),
            "resources",
        ),
        (json!({}), json!({"dockerInfo": {"image": ""}}), "image"),
        (
            json!({}),
            json!({"dockerInfo": {"image": "h.x/Upper"}}),
            "image",
        ),
        (
            json!({}),
            json!({"dockerInfo": {"image": "https://h.x/a"}}),
            "image",
        ),
        (
            json!({}),
            json!({"dockerInfo": {"image": "ubuntu", "dockerCredentialsId": foreign}}),
            "dockerCredentialsId",
        ),
        (json!({}), json!({"sourceUrl": "ftp://h.x"}), "sourceUrl"),
        (
            json!({}),
            json!({"sourceUrl": "https://me:secret@h.x/a"}),
            "sourceUrl",
        ),
        (
            json!({}),
            json!({"commandLine": "x".repeat(4_001)}),
            "commandLine",
        ),
        (
            json!({}),
            json!({"usePreviousArtifact": true}),
            "usePreviousArtifact",
        ),
        (
            json!({}),
            json!({"packageInfo": {"name": "a.zip"}}),
            "packageInfo",
        ),
        (json!({}), json!({"doesUseGPU": true}), "doesUseGPU"),
        (
            json!({}),
            json!({"resources": {"cpu": 1, "memory": 1, "disk": 1}}),
            "resources",
        ),
    ]
}

#[test]
fn what_cannot_be_kept_of_an_app_is_refused_with_its_field() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("bad");
    for (app_part, version_part, field) in [
        (json!({"technologyId": GENERIC}), json!({}), "technologyId"),
        (json!({}), json!({"dockerInfo": null}), "dockerInfo"),
        (
            json!({}),
            json!({"ports": [{"number": 0, "isRewriteUrl": false}]}),
            "ports",
        ),
        (
            json!({}),
            json!({"ports": vec![json!({"number": 1, "isRewriteUrl": false}); 17]}),
            "ports",
        ),
        (
            json!({}),
            json!({"ports": [{"number": 1, "isRewriteUrl": false, "name": "x".repeat(65)}]}),
            "ports",
        ),
        (
            json!({}),
            json!({"volumesWithPath": [{"path": "/d", "volumeId": project}]}),
            "volumesWithPath",
        ),
        (
            json!({"alerting": {"emails": [], "statusList": ["FAILED"]}}),
            json!({}),
            "alerting",
        ),
    ] {
        let mut input = app(&project, "bad");
        merge(&mut input, &app_part);
        merge(&mut input["version"], &version_part);
        assert_invalid(&admin.post(CREATE_APP, json!({"a": input})), field);
    }
    let list = "query($p: UUID!) { project(id: $p) { apps { id } } }";
    let left = admin.data(list, json!({"p": project}));
    assert_eq!(left["project"], json!({"apps": []}));
}

fn assert_invalid(answer: &Answer, field: &str) {
    let (code, message) = answer.error();
    let told = &answer.json()["errors"][0]["extensions"]["field"];
    assert_eq!(
        (code.as_str(), told),
        ("INVALID", &json!(field)),
        "{message}"
    );
}

#[test]
fn what_is_not_there_or_no_number_of_anything_is_refused() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("bad");
    let job = admin.create_job(&project, "job", "ubuntu", None);
    let variables = json!({"j": job, "v": {}, "p": project});
    for (document, code) in [
        (
            "mutation($j: UUID!) { rollbackJobVersion(jobId: $j, versionNumber: 2) { id } }",
            "NOT_FOUND",
        ),
        (
            "mutation($j: UUID!) { rollbackJobVersion(jobId: $j, versionNumber: -1) { id } }",
            "INVALID",
        ),
        (
            "mutation($j: UUID!) { addJobVersion(jobId: $j, jobVersion: {}, file: \"x\") { number } }",
            "INVALID",
        ),
        ("query($j: UUID!) { app(id: $j) { id } }", "NOT_FOUND"),
        (
            "query($j: UUID!) { job(id: $j) { versions(limit: -1) { number } } }",
            "INVALID",
        ),
        (
            "query($p: UUID!) { project(id: $p) { jobs(limit: -1) { id } } }",
            "INVALID",
        ),
    ] {
        let (found, message) = admin.post(document, variables.clone()).error();
        assert_eq!(found, code, "{document}: {message}");
    }
    let twice = json!({"j": self::job(&project, "JOB"), "v": {}});
    assert_eq!(admin.post(CREATE_JOB, twice).error().0, "CONFLICT");
}

#[test]
fn a_project_takes_the_technologies_that_it_allows() {
    let server = Server::dev();
    let admin = server.admin();
    let create = "mutation($p: ProjectInput!) { createProject(project: $p) { id } }";
    let allowed = json!([{"jobCategory": "Extraction", "technologies": [{"id": GENERIC}]},
                         {"jobCategory": "Processing", "technologies": []}]);
    let input = json!({"name": "strict", "technologiesByCategory": allowed});
    let project = id(&admin.data(create, json!({"p": input}))["createProject"]);
    for (category, field) in [
        ("Extraction", None),
        ("Processing", Some("technology")),
        ("Smart App", Some("category")),
    ] {
        let mut input = job(&project, category);
        input["category"] = json!(category);
        let answer = admin.post(CREATE_JOB, json!({"j": input, "v": {}})).json();
        let found = answer["errors"][0]["extensions"]["field"].as_str();
        assert_eq!(found, field, "{answer}");
    }
}

#[test]
fn a_technology_that_a_project_has_from_before_is_kept_and_edited() {
    const BEFORE: &str = "f3c95789-ace1-4954-ac5d-6baed2eac902";
    let server = Server::dev();
    let admin = server.admin();
    let create = "mutation($p: ProjectInput!) { createProject(project: $p) { id } }";
    let allowed = json!([{"jobCategory": "Processing", "technologies": [{"id": BEFORE}]}]);
    let input = json!({"name": "old", "technologiesByCategory": allowed});
    let project = id(&admin.data(create, json!({"p": input}))["createProject"]);
    // As the platform's clients edit: with all that they read.
    let edit = "mutation($e: ProjectEditionInput!) { editProject(project: $e) \
                { technologiesByCategory { jobCategory technologies { id } } } }";
    let edition = json!({"id": project, "description": "d", "technologiesByCategory": allowed});
    assert_eq!(
        admin.data(edit, json!({"e": edition}))["editProject"]["technologiesByCategory"],
        allowed
    );
    admin.create_job(&project, "with what it is now", "ubuntu", None);
    let mut old = job(&project, "with the old id");
    old["technology"]["id"] = json!(BEFORE);
    admin.data(CREATE_JOB, json!({"j": old, "v": {}}));
    // They are of one technology, by whichever id it is asked for.
    let list = "query($p: UUID!, $t: UUID) { jobs(projectId: $p, technologyId: $t) { technology { id } } }";
    for of in [GENERIC, BEFORE] {
        let listed = admin.data(list, json!({"p": project, "t": of}));
        let now = json!({"technology": {"id": GENERIC}});
        assert_eq!(listed["jobs"], json!([now, now]));
    }
}

#[test]
fn the_audit_trail_says_what_was_run_with_which_credentials() {
    let directory = installation();
    let data = directory.path().join("data");
    let server = Server::on(&data);
    let admin = server.admin();
    let project = admin.create_project("audit");
    let one = admin.create_credentials(&project, Some("h.x"), "one", "p");
    let job = admin.create_job(&project, "nightly", "h.x/a:1", Some(&one));
    admin.upgrade_job(&job, "h.x/a:2", None);
    let back = "mutation($j: UUID!) { rollbackJobVersion(jobId: $j, versionNumber: 1) { id } }";
    admin.data(back, json!({"j": job}));
    let edit = "mutation($j: UUID!) { editJob(job: {id: $j, name: \"daily\", description: \"d\", isStreaming: false}) { id } }";
    admin.data(edit, json!({"j": job}));
    admin.delete_credentials(&project, &one, Some(true)).json();
    let delete = "mutation($j: UUID!) { deleteJob(jobId: $j) }";
    admin.data(delete, json!({"j": job}));
    drop(server);

    let trail = rows(
        &data,
        "SELECT event FROM audit_event WHERE event LIKE '%\"type\":\"workload_%' \
         OR event LIKE '%\"type\":\"credentials_deleted\"%' ORDER BY sequence",
    );
    let trail: Vec<Value> = trail
        .iter()
        .map(|event| serde_json::from_str(event).unwrap())
        .collect();
    let expected = [
        json!({"type": "workload_created", "name": "nightly", "image": "h.x/a:1", "credentials": one}),
        json!({"type": "workload_version_added", "version": 2, "image": "h.x/a:2", "credentials": null}),
        json!({"type": "workload_rolled_back", "version": 1, "image": "h.x/a:1", "credentials": one}),
        json!({"type": "workload_edited", "name": "daily", "fields": ["name", "description", "isStreaming"]}),
        json!({"type": "credentials_deleted", "credentials": one, "force": true, "used_by": 1}),
        json!({"type": "workload_deleted", "name": "daily"}),
    ];
    assert_eq!(trail.len(), expected.len(), "{trail:?}");
    for (event, expected) in trail.iter().zip(expected) {
        let event = &event["action"];
        assert_eq!(event["project"], json!(project), "{event}");
        if expected["type"] != "credentials_deleted" {
            assert_eq!(
                (&event["kind"], &event["workload"]),
                (&json!("job"), &json!(job))
            );
        }
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(event[field], *value, "{field} of {event}");
        }
    }
}

fn in_project(project: &str, ask: &Value) -> Value {
    let mut ask = ask.clone();
    ask["project"] = json!(project);
    ask
}

/// Whoever is told that a version was added has credentials to pull with; whoever is told that credentials are gone has
/// taken them from nobody.
#[test]
fn a_new_version_and_a_deletion_of_its_credentials_never_both_succeed() {
    let server = Server::dev();
    let admin = server.admin();
    let project = admin.create_project("race");
    let job = admin.create_job(&project, "nightly", "h.x/a", None);
    for round in 0..20 {
        let own = admin.create_credentials(&project, Some("h.x"), &format!("me{round}"), "p");
        let version = json!({"dockerInfo": {"image": "h.x/a", "dockerCredentialsId": own}});
        let outcomes = std::thread::scope(|scope| {
            let add = scope.spawn(|| admin.post(ADD, json!({"j": job, "v": version})));
            let delete = scope.spawn(|| admin.delete_credentials(&project, &own, None));
            [add.join().unwrap(), delete.join().unwrap()]
        });
        let codes = outcomes
            .each_ref()
            .map(|answer| answer.json()["errors"][0]["extensions"]["code"].clone());
        match (codes[0].as_str(), codes[1].as_str()) {
            (None, Some("IN_USE")) | (Some("INVALID"), None) => {}
            other => panic!("{other:?}"),
        }
        admin.upgrade_job(&job, "h.x/a", None);
    }
}

fn merge(into: &mut Value, part: &Value) {
    for (name, value) in part.as_object().unwrap() {
        into[name] = value.clone();
    }
}
