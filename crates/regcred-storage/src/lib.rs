//! The Store of regcred.
