//! A file of lines, each of which stands for itself whatever became of the one before.

use std::fs::File;
use std::io::{Read as _, Result, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

/// The file, whether it is on a disk, and whether its last line has no end: whoever wrote it before may have been cut short.
pub(super) fn open(path: Option<&Path>) -> Result<(Arc<File>, bool, bool)> {
    let file = match path {
        Some(path) => File::options().create(true).append(true).mode(0o600).open(path)?,
        None => File::from(std::io::stdout().as_fd().try_clone_to_owned()?),
    };
    let on_disk = file.metadata()?.is_file();
    let torn = on_disk && path.is_some_and(is_torn);
    Ok((Arc::new(file), on_disk, torn))
}

fn is_torn(path: &Path) -> bool {
    let last = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        Result::Ok(last[0])
    };
    // What has no last byte is empty.
    last().is_ok_and(|last| last != b'\n')
}

/// Writes a line. `torn`: whether the one before has no end, and then whether this one has none: a full disk takes a part, and what
/// comes after must not be read as one with it.
pub(super) fn write_line(mut file: &File, torn: &mut bool, line: &[u8]) -> Result<()> {
    if *torn {
        file.write_all(b"\n")?;
        *torn = false;
    }
    let mut rest = line;
    while !rest.is_empty() {
        match file.write(rest) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                rest = &rest[written..];
                *torn = !rest.is_empty();
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_not_read_as_one_with_what_was_cut_short() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = || std::fs::read_to_string(file.path()).unwrap();
        let (opened, on_disk, mut torn) = open(Some(file.path())).unwrap();
        assert!(on_disk && !torn);
        write_line(&opened, &mut torn, b"one\n").unwrap();
        std::fs::write(file.path(), "one\ntw").unwrap();
        let (opened, _, mut torn) = open(Some(file.path())).unwrap();
        assert!(torn);
        write_line(&opened, &mut torn, b"three\n").unwrap();
        assert!(!torn);
        assert_eq!(read(), "one\ntw\nthree\n");
        // A disk that is full takes nothing, and what it took is not lost count of.
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut torn = true;
        assert!(write_line(&full, &mut torn, b"four\n").is_err());
        assert!(torn);
    }
}
