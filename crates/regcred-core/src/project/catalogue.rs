//! The built-in catalogue of technologies.
//!
//! regcred runs nothing; the catalogue is here because the platform's clients ask for it before they create a
//! project, and send its ids back.

use uuid::{Uuid, uuid};

/// A technology that a project may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Technology {
    /// Its id, the same in every installation.
    pub id: Uuid,
    /// Its name.
    pub label: &'static str,
    /// What it is for.
    pub kind: TechnologyKind,
    /// The ways in which its jobs can run.
    pub contexts: &'static [Context],
}

/// A way in which a job of a technology can run; clients look for it before they create one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// What a version gives as its runtime version.
    pub id: &'static str,
    /// Its name.
    pub label: &'static str,
}

/// What a technology is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TechnologyKind {
    /// Jobs.
    Job,
    /// Spark jobs.
    Spark,
    /// Apps.
    App,
}

/// The name of the catalogue: the one that the platform's clients use by default.
pub const CATALOGUE_NAME: &str = "Saagie";

/// The id of the catalogue.
pub const CATALOGUE_ID: Uuid = uuid!("135d63cf-1293-424c-802a-2e8f96fc5ce8");

/// Every technology.
pub const TECHNOLOGIES: &[Technology] = &[
    Technology {
        id: uuid!("cbf27734-ac10-4525-8b66-402800e03d2c"),
        label: "Bash",
        kind: TechnologyKind::Job,
        contexts: &[],
    },
    // The one for jobs that are a Docker image. No label is there twice: clients find technologies by it.
    Technology {
        id: uuid!("e0a3a91f-2346-4c13-bc27-ed12b10877a9"),
        label: "Generic",
        kind: TechnologyKind::Job,
        contexts: &[Context {
            id: "docker",
            label: "Docker",
        }],
    },
    Technology {
        id: uuid!("f1260ebc-7d56-4b56-b714-dc919b27dbdf"),
        label: "Java/Scala",
        kind: TechnologyKind::Job,
        contexts: &[],
    },
    Technology {
        id: uuid!("6caf76a5-7035-48ae-8280-ad3729a6f2e7"),
        label: "Python",
        kind: TechnologyKind::Job,
        contexts: &[],
    },
    Technology {
        id: uuid!("3f0c9931-918c-40bf-9670-c342c6cce996"),
        label: "R",
        kind: TechnologyKind::Job,
        contexts: &[],
    },
    Technology {
        id: uuid!("004498f4-b987-47c1-8c9c-26a813678d7a"),
        label: "Spark",
        kind: TechnologyKind::Spark,
        contexts: &[],
    },
    Technology {
        id: uuid!("0ecaf828-e2f7-4553-8fcc-69d79561a0d1"),
        label: "Docker image",
        kind: TechnologyKind::App,
        contexts: &[],
    },
    Technology {
        id: uuid!("73f80e52-a369-48b5-a441-4c46f147ecf9"),
        label: "Dash",
        kind: TechnologyKind::App,
        contexts: &[],
    },
    Technology {
        id: uuid!("c1af4465-06f1-42fc-a101-0f154a9f2968"),
        label: "Jupyter Notebook",
        kind: TechnologyKind::App,
        contexts: &[],
    },
    Technology {
        id: uuid!("b459071a-fb8a-4f9e-bf72-c46dca8fbe35"),
        label: "RStudio",
        kind: TechnologyKind::App,
        contexts: &[],
    },
    Technology {
        id: uuid!("5a3c1fbd-f9da-4bf3-a816-96a68afe2312"),
        label: "VSCode",
        kind: TechnologyKind::App,
        contexts: &[],
    },
];

/// Technologies that were in the catalogue, and what they are now. Projects may name them still, so they are taken
/// for these.
const RETIRED: &[(Uuid, Uuid)] = &[(
    uuid!("f3c95789-ace1-4954-ac5d-6baed2eac902"),
    uuid!("e0a3a91f-2346-4c13-bc27-ed12b10877a9"),
)];

/// How many ids there are, those of retired ones among them.
pub(super) const MOST_IDS: usize = TECHNOLOGIES.len() + RETIRED.len();

/// The technology of an id, of one that is no longer listed, too.
#[must_use]
pub fn find_technology(id: Uuid) -> Option<&'static Technology> {
    let retired = RETIRED.iter().find(|(before, _)| *before == id);
    let id = retired.map_or(id, |(_, now)| *now);
    TECHNOLOGIES.iter().find(|technology| technology.id == id)
}
