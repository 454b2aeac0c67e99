//! Reading files that others have put into a folder: regular ones, up to a size. A pipe's end would be waited for, and a sparse file of
//! many gigabytes costs nobody anything but who reads it.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

const MIB: u64 = 1 << 20;

/// How much a file of settings may have, in bytes: a `package.json`, wrangler's file, `_headers`.
pub(crate) const SETTINGS: u64 = 4 * MIB;

/// The bytes of a file. Fails where it is no regular file, or has more than `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    // Opening a pipe would wait for who writes.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let too_large = || {
        let why = format!("it is larger than {} MiB", most / MIB);
        Error::new(ErrorKind::FileTooLarge, why)
    };
    if about.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    // It may have grown.
    if bytes.len() as u64 > most {
        return Err(too_large());
    }
    Ok(bytes)
}

/// The text of a file, as [`read`] reads it.
pub(crate) fn read_to_string(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read(path, most)?).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("small"), "text").unwrap();
        assert_eq!(read_to_string(&at("small"), 4).unwrap(), "text");
        let refused = |name: &str| read(&at(name), MIB).unwrap_err().to_string();
        std::fs::File::create(at("sparse")).unwrap().set_len(3 << 30).unwrap();
        assert_eq!(refused("sparse"), "it is larger than 1 MiB");
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(refused("pipe"), "it is not a regular file");
        assert_eq!(refused(""), "it is not a regular file");
    }
}
