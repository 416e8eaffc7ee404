//! Who may do what: principals, roles, and the grant that a store call demands.
//!
//! A [`Grant`] can only be made here, by [`check()`], so a use case that forgets the check does not compile. Someone
//! else's project and one that does not exist answer alike.

mod check;
mod grant;
mod principal;
mod role;

pub(crate) use check::decide;
pub use check::{as_admin, as_user, belongs, check, check_pull, check_sight};
pub use grant::{
    AdminGrant, Editor, Grant, Level, Manager, Proving, PullGrant, ServiceGrant, Sight, Unsealing,
    UserGrant, Viewer,
};
pub use principal::{Actor, Caller, Principal, RequestId, TokenPrincipal, UserPrincipal};
pub use role::{Right, Rights, Role};
