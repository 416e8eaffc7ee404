//! Files that hold secrets: replaced as a whole, readable by their owner alone.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_client::Secret;
use rustix::fs::OFlags;
use tempfile::NamedTempFile;

/// Replaces a file, or makes it, 0600. No interruption leaves half of it. A link stays, and its target is replaced; what
/// is no plain file, such as a device, is left as it is.
pub(crate) fn replace(path: &Path, text: &Secret) -> io::Result<()> {
    Draft::to_replace(path)?.finish(text)
}

/// A file that is going to be written, for whoever wants to know beforehand whether that is possible. Where it is dropped,
/// nothing is left of it.
pub(crate) struct Draft {
    /// Beside the path, and 0600 from its first moment on.
    file: NamedTempFile,
    path: PathBuf,
    replaces: bool,
}

impl Draft {
    /// Of a file that replaces one, as [`replace`] does.
    pub(crate) fn to_replace(path: &Path) -> io::Result<Self> {
        let path = target(path)?;
        if fs::metadata(&path).is_ok_and(|there| !there.is_file()) {
            return Err(io::Error::other("it is no plain file, and is not replaced"));
        }
        Ok(Self {
            file: NamedTempFile::new_in(directory_of(&path))?,
            path,
            replaces: true,
        })
    }

    /// Of a file where there is none.
    pub(crate) fn to_create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: NamedTempFile::new_in(directory_of(path))?,
            path: path.to_owned(),
            replaces: false,
        })
    }

    /// Writes the text, and puts the file where it belongs.
    pub(crate) fn finish(mut self, text: &Secret) -> io::Result<()> {
        self.file.write_all(text.expose().as_bytes())?;
        self.file.as_file().sync_all()?;
        if self.replaces {
            keep_owner(&self.path, self.file.as_file());
            self.file.persist(&self.path).map_err(|error| error.error)?;
        } else {
            let made = self.file.persist_noclobber(&self.path);
            made.map_err(|error| error.error)?;
        }
        File::open(directory_of(&self.path))?.sync_all()
    }
}

/// Reads a file that is to be replaced; `None` where there is none. What is no plain file is refused rather than waited
/// for, as a pipe or a device would be.
pub(crate) fn read_plain(path: &Path) -> io::Result<Option<Secret>> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // Opening a pipe waits for somebody who writes.
    let at_once = OFlags::NONBLOCK.union(OFlags::NOCTTY).bits().cast_signed();
    let opened = File::options().read(true).custom_flags(at_once).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(Secret::new(text)))
}

/// Locks a file, or a directory, against others who do the same, until it is dropped. It waits, but not for ever: whoever
/// holds the lock may hang.
pub(crate) fn locked(file: File) -> io::Result<File> {
    for _ in 0..200 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other("another process holds it"))
}

/// Locks the directory in which a file lies, or that to which a link leads. No file is left in it.
pub(crate) fn lock_beside(path: &Path) -> io::Result<File> {
    locked(File::open(directory_of(&target(path)?))?)
}

/// What a link leads to, whether or not there is a file yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = directory_of(&path).join(to),
            // It is no link, or absent.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Root that changes somebody's file does not take it away from them; nobody else can give a file away.
fn keep_owner(path: &Path, file: &File) {
    use std::os::unix::fs::MetadataExt as _;
    if let Ok(before) = fs::metadata(path) {
        let _ = std::os::unix::fs::fchown(file, Some(before.uid()), Some(before.gid()));
    }
}

/// Makes a directory 0700, below others with the usual rights.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    if let Some(above) = directory.parent() {
        fs::create_dir_all(above)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
        }
        done => done,
    }
}

/// Whether others than the owner can read a file.
pub(crate) fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode().trailing_zeros() < 6)
}

/// Whether everybody can change a file.
pub(crate) fn is_open_to_changes(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o002 != 0)
}

const MOST_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_is_no_plain_file_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let (socket, link) = (
            directory.path().join("socket"),
            directory.path().join("link"),
        );
        let _listener = UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        let text = Secret::new("secret".to_owned());
        for path in [&socket, &link, &directory.path().to_owned()] {
            let before = fs::symlink_metadata(path).unwrap().file_type();
            let error = replace(path, &text).unwrap_err();
            assert!(error.to_string().contains("no plain file"), "{error}");
            assert_eq!(fs::symlink_metadata(path).unwrap().file_type(), before);
            assert!(Draft::to_create(path).unwrap().finish(&text).is_err());
        }
        let left = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(left, 2, "no temporary file is left");
    }
}
