//! The service of regcred.
