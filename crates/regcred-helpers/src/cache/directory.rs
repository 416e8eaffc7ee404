//! The directory of the cache: 0700 and the user's own, with files of 0600. No link is followed.

use std::fs::{File, create_dir_all};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rustix::fs::{
    AtFlags, CWD, Dir, Mode, OFlags, fchmod, mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

/// The directory, open.
pub(super) struct Directory(File);

impl Directory {
    /// Opens it, and makes it where it is not there: `regcred/helper` below the user's directory of caches. That one may
    /// be anywhere the user links it to; the two below are no links, and the user's own.
    pub(super) fn open(caches: &Path, make: bool) -> io::Result<Self> {
        if make {
            create_dir_all(caches)?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut directory = File::from(openat(CWD, caches, flags, Mode::empty())?);
        for name in ["regcred", "helper"] {
            if make {
                match mkdirat(&directory, name, Mode::RWXU) {
                    Err(Errno::EXIST) | Ok(()) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let flags = flags | OFlags::NOFOLLOW;
            directory = File::from(openat(&directory, name, flags, Mode::empty())?);
            if directory.metadata()?.uid() != geteuid().as_raw() {
                return Err(io::Error::other("the directory is somebody else's"));
            }
        }
        if directory.metadata()?.mode() & 0o077 != 0 {
            fchmod(&directory, Mode::RWXU)?;
        }
        Ok(Self(directory))
    }

    /// A file's bytes; anything but a small file of the user's own, for nobody else to read, is an error.
    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        // Opening a pipe must not wait for somebody who writes to it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.0, name, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        let fits = metadata.is_file()
            && metadata.uid() == geteuid().as_raw()
            && metadata.mode().trailing_zeros() >= 6
            && metadata.len() <= MOST_BYTES;
        if !fits {
            return Err(io::Error::other("the entry is not one of ours"));
        }
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Puts a file there as a whole, in place of the one that there was. Its time is the moment until which it is good,
    /// so that one who cannot open it can tell, too.
    pub(super) fn write(&self, name: &str, bytes: &[u8], end: Timestamp) -> io::Result<()> {
        let temporary = format!("{name}.{}", std::process::id());
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // What a process of the same number left behind.
        self.remove(&temporary);
        let mut file = File::from(openat(&self.0, &temporary, flags, Mode::RUSR | Mode::WUSR)?);
        let written = file
            .write_all(bytes)
            .and_then(|()| file.set_modified(rounded_up(end)))
            .and_then(|()| Ok(renameat(&self.0, &temporary, &self.0, name)?));
        if written.is_err() {
            self.remove(&temporary);
        }
        written
    }

    pub(super) fn remove(&self, name: &str) {
        let _ = unlinkat(&self.0, name, AtFlags::empty());
    }

    /// Removes the entries that are no longer good, those that claim to be so for longer than `longest`, and what writers
    /// that were ended left behind longer ago than that.
    pub(super) fn remove_dead(&self, longest: Duration, now: Timestamp) {
        let longest = i64::try_from(longest.as_secs()).unwrap_or(i64::MAX);
        self.remove_where(|name| {
            let status = statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW);
            status.is_ok_and(|status| {
                let left = status.st_mtime.saturating_sub(now.as_second());
                if name.contains('.') {
                    left < -longest
                } else {
                    left <= 0 || left > longest + 1
                }
            })
        });
    }

    /// Removes all that is there.
    pub(super) fn remove_all(&self) {
        self.remove_where(|_| true);
    }

    fn remove_where(&self, is_meant: impl Fn(&str) -> bool) {
        let Ok(entries) = Dir::read_from(&self.0) else {
            return;
        };
        for entry in entries.flatten() {
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) if is_meant(name) => self.remove(name),
                Ok(_) => {}
            }
        }
    }
}

/// The second in which a moment is over.
fn rounded_up(moment: Timestamp) -> SystemTime {
    let begun = i64::from(moment.subsec_nanosecond() > 0);
    let seconds = u64::try_from(moment.as_second() + begun).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// More than any entry: a password has at most 16 KiB, and each of its characters may be escaped.
const MOST_BYTES: u64 = 256 << 10;
