//! Grants: authority as a value.

use std::marker::PhantomData;

use super::principal::{Actor, RequestId, TokenPrincipal, UserPrincipal};
use super::role::Role;
use crate::audit::{Action, AuditEvent};
use crate::clock::Timestamp;
use crate::ids::{ProjectId, TokenId};

/// The proof that a principal holds at least the role `L` in a project.
#[derive(Debug)]
pub struct Grant<L: Level> {
    project: ProjectId,
    origin: Origin,
    level: PhantomData<L>,
}

impl<L: Level> Grant<L> {
    pub(super) fn new(project: ProjectId, actor: Actor, request: RequestId) -> Self {
        Self {
            project,
            origin: Origin { actor, request },
            level: PhantomData,
        }
    }

    /// The project in which the grant counts.
    #[must_use]
    pub fn project(&self) -> ProjectId {
        self.project
    }

    /// The part of the grant that lets see which credentials the project has: every level does.
    #[must_use]
    pub fn sight(&self) -> Sight {
        Sight {
            project: self.project,
        }
    }

    /// An audit event by the grant's holder.
    #[must_use]
    pub fn event(&self, at: Timestamp, action: Action) -> AuditEvent {
        self.origin.event(at, action)
    }
}

/// The proof that a service token may pull in a project.
#[derive(Debug)]
pub struct PullGrant {
    project: ProjectId,
    token: TokenId,
    token_name: String,
    origin: Origin,
}

impl PullGrant {
    pub(super) fn new(project: ProjectId, token: &TokenPrincipal, request: RequestId) -> Self {
        Self {
            project,
            token: token.id,
            token_name: token.name.clone(),
            origin: Origin {
                actor: token.actor(),
                request,
            },
        }
    }

    /// The project in which the grant counts.
    #[must_use]
    pub fn project(&self) -> ProjectId {
        self.project
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> TokenId {
        self.token
    }

    /// The name of the token.
    #[must_use]
    pub fn token_name(&self) -> &str {
        &self.token_name
    }

    /// Who may pull gets passwords opened.
    #[must_use]
    pub fn unsealing(&self) -> Unsealing {
        Unsealing {
            project: self.project,
        }
    }

    /// Who may pull them may see which credentials the project has.
    #[must_use]
    pub fn sight(&self) -> Sight {
        Sight {
            project: self.project,
        }
    }

    /// An audit event by the token.
    #[must_use]
    pub fn event(&self, at: Timestamp, action: Action) -> AuditEvent {
        self.origin.event(at, action)
    }
}

impl Grant<Editor> {
    /// The part of the grant that lets open a password, to prove it at its registry.
    #[must_use]
    pub fn unsealing(&self) -> Unsealing {
        Unsealing {
            project: self.project,
        }
    }

    /// The part of the grant that lets write down what came of such a proof.
    #[must_use]
    pub fn proving(&self) -> Proving {
        Proving {
            project: self.project,
        }
    }
}

/// For what the service does by itself, never for a request: it tries credentials, and tells what is wrong with them.
#[derive(Debug)]
pub struct ServiceGrant {
    origin: Origin,
}

impl ServiceGrant {
    /// For one piece of work, with the id under which it is written down. Never for a request from the network.
    #[must_use]
    pub fn for_itself(request: RequestId) -> Self {
        Self {
            origin: Origin {
                actor: Actor::Service,
                request,
            },
        }
    }

    /// The part of the grant that lets open a password of a project, to prove it at its registry.
    #[must_use]
    pub fn unsealing(&self, project: ProjectId) -> Unsealing {
        Unsealing { project }
    }

    /// The part of the grant that lets write down what came of such a proof.
    #[must_use]
    pub fn proving(&self, project: ProjectId) -> Proving {
        Proving { project }
    }

    /// An audit event by the service.
    #[must_use]
    pub fn event(&self, at: Timestamp, action: Action) -> AuditEvent {
        self.origin.event(at, action)
    }
}

/// The proof that it may be written down what came of a proof of a project's credentials: an editor's, or the service's own.
#[derive(Debug)]
pub struct Proving {
    project: ProjectId,
}

impl Proving {
    /// The project.
    #[must_use]
    pub fn project(&self) -> ProjectId {
        self.project
    }
}

/// The proof that a password of a project may be opened: to be handed out to a token that may pull it, or to be proved at
/// its registry, for an editor or by the service itself, who learn the verdict alone.
#[derive(Debug)]
pub struct Unsealing {
    project: ProjectId,
}

impl Unsealing {
    /// The project.
    #[must_use]
    pub fn project(&self) -> ProjectId {
        self.project
    }
}

/// The proof that a principal may see which credentials a project has: a viewer, or a token that may pull them.
#[derive(Debug)]
pub struct Sight {
    project: ProjectId,
}

impl Sight {
    /// The project.
    #[must_use]
    pub fn project(&self) -> ProjectId {
        self.project
    }
}

/// The proof that a principal is an admin of the platform, or its operator.
#[derive(Debug)]
pub struct AdminGrant {
    origin: Origin,
}

impl AdminGrant {
    pub(super) fn new(actor: Actor, request: RequestId) -> Self {
        Self {
            origin: Origin { actor, request },
        }
    }

    /// For whoever holds the database and its key: the operator's offline commands, and `serve --dev`. Never for a
    /// request from the network.
    #[must_use]
    pub fn for_operator(request: RequestId) -> Self {
        Self::new(Actor::Operator, request)
    }

    /// An audit event by the grant's holder.
    #[must_use]
    pub fn event(&self, at: Timestamp, action: Action) -> AuditEvent {
        self.origin.event(at, action)
    }
}

/// The proof that a principal is a user: for what concerns only that user.
#[derive(Debug)]
pub struct UserGrant {
    user: UserPrincipal,
    origin: Origin,
}

impl UserGrant {
    pub(super) fn new(user: UserPrincipal, actor: Actor, request: RequestId) -> Self {
        Self {
            user,
            origin: Origin { actor, request },
        }
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &UserPrincipal {
        &self.user
    }

    /// An audit event by the user.
    #[must_use]
    pub fn event(&self, at: Timestamp, action: Action) -> AuditEvent {
        self.origin.event(at, action)
    }
}

#[derive(Debug)]
struct Origin {
    actor: Actor,
    request: RequestId,
}

impl Origin {
    fn event(&self, at: Timestamp, action: Action) -> AuditEvent {
        AuditEvent {
            at,
            actor: self.actor.clone(),
            request: self.request.clone(),
            action,
        }
    }
}

/// A role as a type: [`Viewer`], [`Editor`] or [`Manager`].
pub trait Level: sealed::Sealed + Send + Sync + 'static {
    /// The least role that the level demands.
    const ROLE: Role;
}

macro_rules! level {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
        impl sealed::Sealed for $name {}
        impl Level for $name {
            const ROLE: Role = Role::$name;
        }
    };
}

level!(
    /// At least [`Role::Viewer`].
    Viewer
);
level!(
    /// At least [`Role::Editor`].
    Editor
);
level!(
    /// [`Role::Manager`].
    Manager
);

mod sealed {
    #[expect(
        unnameable_types,
        reason = "no other level can be made outside this module"
    )]
    pub trait Sealed {}
}
