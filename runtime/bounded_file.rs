//! Reading files that others have put into a folder: regular ones, up to a size. A pipe's end would be waited for, and a sparse file of
//! many gigabytes costs nobody anything but who reads it.

use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

use crate::private_files::is_secret;
use crate::unlinked_file;

const MIB: u64 = 1 << 20;

/// How much a file of settings may have, in bytes: a `package.json`, wrangler's file, `_headers`.
pub(crate) const SETTINGS: u64 = 4 * MIB;

/// The same of a wrangler file in an agent's folder. What is made of it takes a hundred times that, in time and memory.
pub(crate) const AGENTS_SETTINGS: u64 = MIB / 4;

/// The bytes of a file, by a path that has no symbolic links. Fails where it has one, where it is no regular file, or has more than `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let file = unlinked_file::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let too_large = || {
        let why = match most / MIB {
            0 => format!("it is larger than {} KiB", most >> 10),
            mib => format!("it is larger than {mib} MiB"),
        };
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

/// The bytes of a file of a package, as [`read`] reads them. Links to it are followed, where they lead to nobody's keys.
pub(crate) fn read_packaged(path: &Path, most: u64) -> Result<Vec<u8>> {
    read(&unlinked_file::checked(path, |found| !is_secret(found))?, most)
}

/// The text of a file of a package, as [`read_packaged`] reads it.
pub(crate) fn read_to_string(path: &Path, most: u64) -> Result<String> {
    String::from_utf8(read_packaged(path, most)?).map_err(|error| Error::new(ErrorKind::InvalidData, error))
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
        let refused = |name: &str| read_packaged(&at(name), MIB).unwrap_err().to_string();
        std::fs::File::create(at("sparse")).unwrap().set_len(3 << 30).unwrap();
        assert_eq!(refused("sparse"), "it is larger than 1 MiB");
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(refused("pipe"), "it is not a regular file");
        assert_eq!(refused(""), "it is not a regular file");
    }
}
