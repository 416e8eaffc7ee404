//! What the system is told of this process before it holds a secret.

use rustix::process::{Resource, Rlimit, setrlimit};

/// No core file when it crashes, and no other process of the same user that reads its memory.
///
/// Where the system refuses, the program goes on: not to serve would not be safer.
pub(crate) fn keep_memory_to_itself() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    // A program that collects core files gets one whatever the limit is, but not of such a process.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
