//! Hostile requests against the real program. Each is refused in words that name the limit, costs next to nothing, and
//! leaves the process as it was. What is let through is cheap as well.

mod bodies;
mod requests;
mod valid;
mod wire;
