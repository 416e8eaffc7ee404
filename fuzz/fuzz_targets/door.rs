//! The body of a GraphQL request, all the way to what would be executed: UTF-8, JSON, the guard, the parser, and the
//! guard again. No body may panic, overflow the stack, or take long.
//!
//! Once: `cargo install cargo-fuzz`. Then, in the root of the repository:
//!
//! ```sh
//! ulimit -s 2048    # the stack that the threads of the service have
//! mkdir -p fuzz/corpus/door
//! RUSTC_BOOTSTRAP=1 cargo fuzz run door fuzz/corpus/door fuzz/seeds/door -- \
//!     -dict=fuzz/door.dict -max_len=65536 -timeout=5 -max_total_time=300
//! ```
//!
//! What it finds lies in `fuzz/artifacts/door`; `RUSTC_BOOTSTRAP=1 cargo fuzz run door FILE` runs it again. The
//! seeds are the smaller cases of `crates/regcred-cli/tests/service/door`, where a finding gets its test, too.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    regcred_server::fuzzing::door(body);
});
