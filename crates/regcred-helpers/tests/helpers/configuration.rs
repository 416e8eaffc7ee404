//! Where the programs find regcred, and that a token goes to its own server only.

use crate::world::{DOCKER, KUBELET, TOKEN, World};

fn file(world: &World) -> String {
    format!("url = \"{}\"\ntoken = \"{TOKEN}\"\n", world.server.url)
}

fn unset(registry_key: &'static str) -> World {
    World::giving(registry_key)
        .without("REGCRED_URL")
        .without("REGCRED_TOKEN")
}

#[test]
fn the_file_stands_in_for_the_variables() {
    let world = unset("ghcr.io");
    let text = file(&world) + "project = \"of the file\"\nplatform = 2\ncache = \"off\"\n";
    world.write(".config/regcred/helper.toml", &text, 0o600);
    let run = world.docker("get", "ghcr.io");
    assert_eq!(
        (run.json()["Username"].as_str(), run.stderr.as_str()),
        (Some("bot"), "")
    );
    assert_eq!(world.server.seen()[0].body["project"], "of the file");

    // A variable counts more; another file takes the place of the first.
    let world = world.with("REGCRED_PROJECT", "of the variable");
    world.docker("get", "ghcr.io").json();
    assert_eq!(world.server.seen()[1].body["project"], "of the variable");
    let token = world.write("other/token", &format!("{TOKEN}\n"), 0o600);
    assert!(token.is_absolute());
    let other = format!("url = \"{}/\"\ntoken-file = \"token\"\n", world.server.url);
    let other = world.write("other/helper.toml", &other, 0o600);
    let world = world.with("REGCRED_HELPER_CONFIG", other.to_str().unwrap());
    world.docker("get", "ghcr.io").json();
    assert_eq!(
        world.server.seen()[2].authorization,
        format!("Bearer {TOKEN}")
    );
}

#[test]
fn a_file_of_a_token_by_variable() {
    let world = World::giving("ghcr.io").without("REGCRED_TOKEN");
    let token = world.write("token", &format!("{TOKEN}\r\n"), 0o400);
    let world = world.with("REGCRED_TOKEN_FILE", token.to_str().unwrap());
    world.docker("get", "ghcr.io").json();
    assert_eq!(
        world.server.seen()[0].authorization,
        format!("Bearer {TOKEN}")
    );
    let world = world.with("REGCRED_TOKEN", TOKEN);
    world
        .docker("get", "ghcr.io")
        .failed_with("REGCRED_TOKEN and REGCRED_TOKEN_FILE are both set");
    let world = world
        .without("REGCRED_TOKEN")
        .with("REGCRED_TOKEN_FILE", "/nowhere/token");
    world
        .docker("get", "ghcr.io")
        .failed_with("/nowhere/token of the token cannot be read");
}

#[test]
fn a_token_goes_to_its_own_server_only() {
    let (own, other) = (unset("ghcr.io"), World::giving("ghcr.io"));
    own.write(".config/regcred/helper.toml", &file(&own), 0o600);

    // The URL of the environment, the token of the file.
    let own = own.with("REGCRED_URL", &other.server.url);
    own.docker("get", "ghcr.io")
        .failed_with("is not for the URL in REGCRED_URL");
    // The token of the environment, the URL of the file.
    let own = own
        .without("REGCRED_URL")
        .with("REGCRED_TOKEN", "rc_svc_another");
    own.docker("get", "ghcr.io")
        .failed_with("REGCRED_TOKEN is set, but REGCRED_URL is not");
    assert!(own.server.seen().is_empty() && other.server.seen().is_empty());

    // Both of one place, or of one server.
    let url = own.server.url.clone();
    let own = own.with("REGCRED_URL", &format!("{url}/"));
    own.docker("get", "ghcr.io").json();
    assert_eq!(own.server.seen()[0].authorization, "Bearer rc_svc_another");
    let own = own.without("REGCRED_TOKEN");
    own.docker("get", "ghcr.io").json();
    assert_eq!(
        own.server.seen()[1].authorization,
        format!("Bearer {TOKEN}")
    );
}

#[test]
fn what_a_file_says_of_its_server_says_nothing_of_another() {
    let world = World::giving("ghcr.io");
    let text = "url = \"https://elsewhere.example\"\nproject = \"there\"\nca-file = \"/nowhere\"\n";
    world.write(".config/regcred/helper.toml", text, 0o600);
    world.docker("get", "ghcr.io").json();
    assert_eq!(
        world.server.seen()[0].body,
        serde_json::json!({"server": "ghcr.io"})
    );
}

#[test]
fn what_cannot_be_meant_is_refused_without_the_line() {
    let world = unset("ghcr.io");
    for (text, part) in [
        (
            format!("tokn = \"{TOKEN}\"\n"),
            "line 1: unknown field `tokn`",
        ),
        (format!("url = \"x\"\ntoken = {TOKEN}\n"), "line 2: "),
        (
            file(&world) + "cache = \"1h\"\n",
            "neither `off` nor a duration from 1s to 5m",
        ),
        (
            file(&world) + "cache = \"0s\"\n",
            "neither `off` nor a duration",
        ),
        (file(&world) + "project = \"\"\n", "`project` is empty"),
        (
            file(&world) + "ca-file = \"/nowhere\"\n",
            "/nowhere of certificates cannot be read",
        ),
        (
            file(&world) + "token-file = \"x\"\n",
            "`token` and `token-file` are both set",
        ),
        (
            file(&world) + "platform = \"one\"\n",
            "line 3: invalid type",
        ),
        (
            "url = \"https://regcred.example\"\n".to_owned(),
            "no token to ask regcred with",
        ),
        (format!("token = \"{TOKEN}\"\n"), "is not for the URL"),
        (
            format!("url = \"http://regcred.example\"\ntoken = \"{TOKEN}\"\n"),
            "plain http",
        ),
        (
            format!("url = \"nowhere\"\ntoken = \"{TOKEN}\"\n"),
            "not of the form",
        ),
        (
            "url = \"https://regcred.example\"\ntoken = \"two words\"\n".to_owned(),
            "no token has",
        ),
    ] {
        world.write(".config/regcred/helper.toml", &text, 0o600);
        let run = world.docker("get", "ghcr.io");
        run.failed_with(part);
        let run = world.run(KUBELET, &[], &crate::kubelet::request("ghcr.io/app"));
        run.provides_nothing(part);
    }
    world.write(".config/regcred/helper.toml", &file(&world), 0o666);
    world
        .docker("get", "ghcr.io")
        .failed_with("everybody can change it");
    assert!(world.server.seen().is_empty());
}

#[test]
fn variables_that_are_empty_or_wrong_are_refused() {
    for (name, value, part) in [
        ("REGCRED_URL", "", "REGCRED_URL is set, but empty"),
        ("REGCRED_TOKEN", "", "REGCRED_TOKEN is set, but empty"),
        ("REGCRED_PROJECT", "", "REGCRED_PROJECT is set, but empty"),
        (
            "REGCRED_PLATFORM",
            "one",
            "REGCRED_PLATFORM is not the number",
        ),
        (
            "REGCRED_HELPER_CACHE",
            "forever",
            "REGCRED_HELPER_CACHE is neither",
        ),
        ("REGCRED_CA_FILE", "/nowhere", "/nowhere of certificates"),
        (
            "REGCRED_HELPER_CONFIG",
            "/nowhere",
            "/nowhere cannot be used: it does not exist",
        ),
    ] {
        let world = World::giving("ghcr.io").with(name, value);
        world.docker("get", "ghcr.io").failed_with(part);
        assert!(world.server.seen().is_empty());
    }
    unset("ghcr.io")
        .docker("get", "ghcr.io")
        .failed_with("there is no token to ask regcred with");
}

#[test]
fn a_token_that_others_can_read_is_told_loudly() {
    let world = unset("ghcr.io");
    world.write(".config/regcred/helper.toml", &file(&world), 0o644);
    let run = world.run(DOCKER, &["get"], b"ghcr.io");
    run.json();
    assert!(
        run.stderr.contains("warning: ") && run.stderr.contains("can be read by others: chmod 600"),
        "{run:?}"
    );
}

#[test]
fn files_that_others_can_read_or_change_are_told_of() {
    for (mode, parts) in [
        (0o600, &[][..]),
        (0o400, &[]),
        (0o640, &["can be read by others"]),
        (
            0o660,
            &["can be read by others", "can be changed by others"],
        ),
        (
            0o666,
            &["can be read by others", "can be changed by others"],
        ),
        (0o622, &["can be changed by others"]),
    ] {
        let warned = |run: &crate::world::Run| {
            run.json();
            assert_eq!(
                run.stderr.matches("warning: ").count(),
                parts.len(),
                "{mode:o}: {run:?}"
            );
            for part in parts {
                assert!(run.stderr.contains(part), "{mode:o}: {run:?}");
            }
        };
        let world = World::giving("ghcr.io").without("REGCRED_TOKEN");
        let token = world.write("token", TOKEN, mode);
        let world = world.with("REGCRED_TOKEN_FILE", token.to_str().unwrap());
        warned(&world.docker("get", "ghcr.io"));

        let world = unset("ghcr.io");
        world.write(".config/regcred/token", TOKEN, mode);
        let text = format!("url = \"{}\"\ntoken-file = \"token\"\n", world.server.url);
        world.write(".config/regcred/helper.toml", &text, 0o644);
        warned(&world.docker("get", "ghcr.io"));

        if mode & 0o002 == 0 {
            let world = unset("ghcr.io");
            world.write(".config/regcred/helper.toml", &file(&world), mode);
            warned(&world.docker("get", "ghcr.io"));
        }
    }
    // Who can change the file without a token can still send the token of another file elsewhere.
    let world = unset("ghcr.io");
    world.write("token", TOKEN, 0o600);
    let text = format!(
        "url = \"{}\"\ntoken-file = \"../../token\"\n",
        world.server.url
    );
    world.write(".config/regcred/helper.toml", &text, 0o664);
    let run = world.docker("get", "ghcr.io");
    run.json();
    assert!(
        run.stderr.contains("helper.toml can be changed by others"),
        "{run:?}"
    );
}

#[test]
fn a_file_of_certificates_is_read_up_to_a_bound() {
    let world = World::giving("ghcr.io");
    let large = world.write("large.pem", &"#".repeat((1 << 20) + 1), 0o644);
    for (file, part) in [
        (large.to_str().unwrap(), "it holds more than 1 MiB"),
        ("/dev/zero", "it holds more than 1 MiB"),
    ] {
        let world = World::giving("ghcr.io").with("REGCRED_CA_FILE", file);
        world.docker("get", "ghcr.io").failed_with(part);
    }
}

#[test]
fn only_blanks_of_ascii_around_a_token_or_a_key_are_taken_off() {
    let world = World::giving("ghcr.io").with("REGCRED_TOKEN", &format!("{TOKEN}\u{3000}"));
    world.docker("get", "ghcr.io").failed_with("no token has");
    for blank in ["\u{a0}", "\u{3000}", "\u{2028}", "\u{85}", "\u{b}"] {
        for key in [format!("ghcr.io{blank}"), format!("{blank}ghcr.io")] {
            let world = World::giving("ghcr.io");
            world
                .docker("get", &key)
                .failed_with("the server key holds");
            assert!(world.server.seen().is_empty());
        }
    }
}
