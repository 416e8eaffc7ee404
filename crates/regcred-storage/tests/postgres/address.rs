//! What a database URL may say.

use regcred_core::secret::SecretText;
use regcred_storage::PostgresOptions;

fn parsed(url: &str) -> Result<String, String> {
    let options = PostgresOptions::parse(&SecretText::new(url.to_owned()), None);
    options
        .map(|options| options.to_string())
        .map_err(|error| error.to_string())
}

#[test]
fn is_shown_without_user_and_password() {
    for (url, shown) in [
        (
            "postgres://me:sesame@127.0.0.1:5433/regcred",
            "127.0.0.1:5433/regcred",
        ),
        (
            "postgresql://me@localhost/regcred",
            "localhost:5432/regcred",
        ),
        (
            "postgres://me:sesame@a.example,b.example:5433/r",
            "a.example:5432,b.example:5433/r",
        ),
        (
            "postgres://me@%2Frun%2Fpostgresql/r",
            "/run/postgresql:5432/r",
        ),
        ("postgres://me@[::1]:5432/r?sslmode=disable", "::1:5432/r"),
        (
            "postgres://me@db.example/r?sslmode=verify-full&connect_timeout=1",
            "db.example:5432/r",
        ),
    ] {
        assert_eq!(parsed(url).as_deref(), Ok(shown), "{url}");
    }
}

#[test]
fn is_refused_where_others_could_read_along() {
    for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
        let why = parsed(&format!("postgres://me:sesame@db.example/r?sslmode={mode}")).unwrap_err();
        assert!(why.contains(mode) && why.contains("verify-full"), "{why}");
        assert!(!why.contains("sesame"), "{why}");
    }
    let elsewhere = "postgres://me@localhost/r?hostaddr=192.0.2.1&sslmode=disable";
    let why = parsed(elsewhere).unwrap_err();
    assert!(
        why.contains("192.0.2.1") && why.contains("verify-full"),
        "{why}"
    );
}

#[test]
fn is_refused_with_what_to_do() {
    for (url, told) in [
        ("", "begins with postgres://"),
        ("mysql://me@127.0.0.1/r", "begins with postgres://"),
        ("127.0.0.1:5432", "begins with postgres://"),
        ("postgres://me@127.0.0.1:x/r", "cannot be read"),
        ("postgres://me@127.0.0.1/r?sslmode=sometimes", "neither"),
        ("postgres://me@127.0.0.1/r?colour=red", "cannot be read"),
        ("postgres:///r", "names no host"),
        (
            "postgres://me@db.example/r?sslrootcert=/nowhere/ca.pem",
            "/nowhere/ca.pem cannot be read",
        ),
    ] {
        let why = parsed(url).unwrap_err();
        assert!(why.contains(told), "{url}: {why}");
    }
}
