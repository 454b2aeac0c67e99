//! The lcov trace format: <https://man7.org/linux/man-pages/man1/geninfo.1.html>, "FILES".

use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::Lines;

/// Writes one record for each module.
pub(super) fn write(file: &Path, all: &[Lines]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    for lines in all {
        writeln!(out, "TN:\nSF:{}", lines.path.display())?;
        for (line, count) in &lines.counts {
            writeln!(out, "DA:{line},{count}")?;
        }
        writeln!(out, "LF:{}\nLH:{}\nend_of_record", lines.counts.len(), lines.hit())?;
    }
    out.flush()
}
