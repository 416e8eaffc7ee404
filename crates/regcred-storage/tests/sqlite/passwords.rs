//! What went in is what is sealed.

use crate::installation::Installation;

#[tokio::test]
async fn a_password_is_kept_byte_for_byte() {
    let installation = Installation::new();
    let running = installation.open().unwrap();
    let admin = running.admin().await;
    let project = running.project(&admin, "one").await;
    let passwords = [
        "hunter2",
        " ",
        "\u{0}\r\n\t\u{1b}",
        "пароль 🔐 \"\\'",
        "e\u{301} and \u{e9} differ",
        "\u{feff}\u{202e}",
        &"🔐".repeat(4_096),
    ];
    for (number, password) in passwords.iter().enumerate() {
        let username = format!("user{number}");
        running
            .credentials_with(&admin, project, "ghcr.io", &username, password)
            .await;
    }
    let running = {
        running.close().await;
        installation.open().unwrap()
    };
    assert_eq!(
        running.passwords().await,
        passwords.map(|text| text.as_bytes().to_vec())
    );
    running.close().await;
}
