//! Prints the interface that the service serves; `cargo xtask schema` keeps it in schema.graphql.
#![expect(clippy::print_stdout, reason = "its purpose")]

fn main() {
    print!("{}", regcred_server::schema_text());
}
