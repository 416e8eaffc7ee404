//! Where a platform is: its URL, the number of the platform, its realm.

use std::net::IpAddr;

use reqwest::Url;

use crate::error::{Error, Result};

/// The URL under which a platform's endpoints lie, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    url: Url,
}

/// What a full platform URL such as `https://acme-workspace.prod.saagie.io/projects/platform/6/` says, in its parts.
///
/// ```
/// use regcred_client::PlatformUrl;
///
/// let full = PlatformUrl::parse("https://acme-workspace.prod.saagie.io/projects/platform/6/project/x")?;
/// assert_eq!(full.url, "https://acme-workspace.prod.saagie.io");
/// assert_eq!((full.realm.as_str(), full.platform), ("acme", 6));
/// # Ok::<(), regcred_client::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformUrl {
    /// The URL of the installation.
    pub url: String,
    /// The number of the platform.
    pub platform: u32,
    /// The realm: what stands before the first hyphen of the host's first label.
    pub realm: String,
}

impl PlatformUrl {
    /// Takes a full platform URL apart.
    pub fn parse(text: &str) -> Result<Self> {
        let form = "https://REALM-workspace.example/projects/platform/6";
        let wrong = || {
            let message = format!("the URL is not that of a platform, which has the form {form}");
            Error::invalid("url", message)
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let (before, after) = url.path().split_once(PLATFORM_PATH).ok_or_else(wrong)?;
        let platform = after.split('/').next().and_then(|id| id.parse().ok());
        let host = url.host_str().ok_or_else(wrong)?;
        let label = host.split('.').next().unwrap_or(host);
        let (realm, _) = label.split_once('-').ok_or_else(|| {
            let message = format!(
                "the host {host} names no realm before a hyphen, as in {form}; give URL, platform and realm apart"
            );
            Error::invalid("url", message)
        })?;
        let mut base = url.clone();
        base.set_path(before);
        base.set_query(None);
        base.set_fragment(None);
        Ok(Self {
            url: Address::parse(base.as_str())?.to_string(),
            platform: platform.ok_or_else(wrong)?,
            realm: realm.to_owned(),
        })
    }

    /// Whether the text is a full platform URL rather than that of an installation.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.contains(PLATFORM_PATH)
    }
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let invalid = |message: String| Err(Error::invalid("url", message));
        let Ok(mut url) = Url::parse(text) else {
            return invalid(
                "the URL is not of the form https://regcred.example or http://127.0.0.1:8490"
                    .into(),
            );
        };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return invalid("the URL must begin with https:// or http://".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("the URL must hold no login and no password; give them apart".into());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return invalid("the URL must hold no `?` and no `#`".into());
        }
        if PlatformUrl::is_one(url.path()) {
            return invalid(
                "the URL is that of a platform's pages; connect with easy_connect, or leave out what begins with \
                 /projects"
                    .into(),
            );
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self { url })
    }

    /// Whether requests would cross a network in the clear.
    pub(crate) fn in_the_clear(&self) -> bool {
        self.url.scheme() == "http" && !self.is_loopback()
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether the host is this machine by its name or its address; nothing is resolved.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address
                .parse::<IpAddr>()
                .is_ok_and(|address| address.to_canonical().is_loopback())
    }

    /// The URL of an endpoint, by its path from the root of the installation, with a name and its value.
    pub(crate) fn endpoint(&self, path: &str, query: Option<(&str, &str)>) -> Url {
        let mut url = self.url.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}{path}"));
        if let Some((name, value)) = query {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

const PLATFORM_PATH: &str = "/projects/platform/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_cleaned_or_refused_with_what_is_wrong() {
        let shown = |text| Address::parse(text).map(|address| address.to_string());
        assert_eq!(
            shown("https://Regcred.Example/").unwrap(),
            "https://regcred.example"
        );
        assert_eq!(shown("http://[::1]:8490").unwrap(), "http://[::1]:8490");
        assert_eq!(shown("https://h/prefix//").unwrap(), "https://h/prefix");
        for (text, part) in [
            ("", "form"),
            ("regcred.example", "form"),
            ("regcred.example:8490", "begin with"),
            ("ftp://h", "begin with"),
            ("https://u:p@h", "no login"),
            ("https://h/?x", "`?`"),
            ("https://a-b.c/projects/platform/1", "easy_connect"),
        ] {
            let message = shown(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
            assert!(!message.contains("u:p"), "{message}");
        }
    }

    #[test]
    fn endpoints_lie_below_the_url_and_its_path() {
        let endpoint = |text| {
            let address = Address::parse(text).unwrap();
            let query = Some(("project", "a&b c"));
            assert!(
                address
                    .endpoint("/x", query)
                    .as_str()
                    .ends_with("/x?project=a%26b+c")
            );
            address.endpoint("/gateway/api/graphql", None).to_string()
        };
        assert_eq!(endpoint("https://h:1/"), "https://h:1/gateway/api/graphql");
        assert_eq!(endpoint("https://h/p/"), "https://h/p/gateway/api/graphql");
    }

    #[test]
    fn only_this_machine_may_be_spoken_to_in_the_clear() {
        let clear = |text| Address::parse(text).unwrap().in_the_clear();
        for safe in [
            "http://127.0.0.1",
            "http://127.9.9.9:1",
            "http://localhost",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]",
            "https://regcred.example",
        ] {
            assert!(!clear(safe), "{safe}");
        }
        for open in [
            "http://regcred.example",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://[::]",
        ] {
            assert!(clear(open), "{open}");
        }
    }

    #[test]
    fn a_full_platform_url_is_taken_apart() {
        let parts =
            |text| PlatformUrl::parse(text).map(|full| (full.url, full.platform, full.realm));
        let expected = (
            "https://acme-w.prod.example".to_owned(),
            6,
            "acme".to_owned(),
        );
        for text in [
            "https://acme-w.prod.example/projects/platform/6",
            "https://acme-w.prod.example/projects/platform/6/",
            "https://acme-w.prod.example/projects/platform/6/project/x/jobs?tab=1#top",
        ] {
            assert_eq!(parts(text).unwrap(), expected, "{text}");
        }
        for text in [
            "https://acme-w.prod.example/",
            "https://acme.example/projects/platform/6",
            "https://acme-w.example/projects/platform/six",
            "https://acme-w.example/projects/platform/",
            "https://u:p@acme-w.example/projects/platform/6",
            "acme-w/projects/platform/6",
        ] {
            assert!(parts(text).is_err(), "{text}");
        }
    }
}
