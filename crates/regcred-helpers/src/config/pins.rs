//! Which credentials are meant where several accounts fit: what a workload names beside its image, and neither docker nor
//! the kubelet can pass on.

use regcred_client::CredentialsId;

use super::file::Ids;
use crate::failure::{Failure, Result};

/// Ids of credentials, in order, each once. Where nothing is ambiguous they do not count.
pub(crate) struct Pins(Vec<CredentialsId>);

impl Pins {
    /// Reads texts of one id or several with commas. `from` is what people call their place.
    pub(super) fn parse<'a>(texts: impl IntoIterator<Item = &'a str>, from: &str) -> Result<Self> {
        let ids = texts.into_iter().flat_map(|text| text.split(','));
        let ids: Result<Vec<CredentialsId>, _> = ids.map(|id| id.trim_ascii().parse()).collect();
        match ids {
            Ok(mut ids) if !ids.is_empty() => {
                ids.sort_unstable();
                ids.dedup();
                Ok(Self(ids))
            }
            _ => Err(Failure::new(
                format!("{from} does not hold ids of credentials"),
                "give it one id, or several with commas, as `regcred credentials list` shows them; or leave it out",
            )),
        }
    }

    pub(super) fn of_file(ids: Option<Ids>) -> Result<Self> {
        const FROM: &str = "`credentials-id` of the file";
        match ids {
            None => Ok(Self(Vec::new())),
            Some(Ids::Text(text)) => Self::parse([text.as_str()], FROM),
            Some(Ids::List(texts)) => Self::parse(texts.iter().map(String::as_str), FROM),
        }
    }

    /// The one of several that is named; `None` where none is, or more than one.
    pub(crate) fn one_of<T>(
        &self,
        several: impl IntoIterator<Item = T>,
        id: impl Fn(&T) -> CredentialsId,
    ) -> Option<T> {
        let mut named = several.into_iter().filter(|one| self.0.contains(&id(one)));
        let one = named.next()?;
        named.next().is_none().then_some(one)
    }

    /// One text for each set of ids.
    pub(crate) fn text(&self) -> String {
        let ids: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        ids.join(",")
    }
}
