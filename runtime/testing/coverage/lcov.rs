//! The lcov trace format: <https://man7.org/linux/man-pages/man1/geninfo.1.html>, "FILES".

use std::io::{BufWriter, Write};
use std::path::Path;

use super::summary::Summary;

/// Writes one record for each module.
pub(super) fn write(file: &Path, all: &[Summary]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // A slip of the hand is no reason to lose a script.
    if std::fs::read(file).is_ok_and(|there| !there.is_empty() && !there.starts_with(b"TN:")) {
        return Err(std::io::Error::other(
            "it is there already, and is no report of the coverage",
        ));
    }
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    for module in all {
        writeln!(out, "TN:\nSF:{}", module.path.display())?;
        functions(&mut out, module)?;
        branches(&mut out, module)?;
        for (line, state) in &module.by_line {
            writeln!(out, "DA:{line},{}", state.count)?;
        }
        let hit = module.by_line.values().filter(|line| line.count > 0).count();
        writeln!(out, "LF:{}\nLH:{hit}\nend_of_record", module.by_line.len())?;
    }
    out.flush()
}

fn functions(out: &mut impl Write, module: &Summary) -> std::io::Result<()> {
    for function in &module.called {
        writeln!(out, "FN:{},{}", function.line, function.name)?;
    }
    for function in &module.called {
        writeln!(out, "FNDA:{},{}", function.count, function.name)?;
    }
    let share = module.functions();
    writeln!(out, "FNF:{}\nFNH:{}", share.of, share.hit)
}

fn branches(out: &mut impl Write, module: &Summary) -> std::io::Result<()> {
    for (block, branch) in module.taken.iter().enumerate() {
        for (arm, count) in branch.arms.iter().enumerate() {
            let (line, reached) = (branch.line, branch.reached);
            // A hyphen says that the branch itself was never reached.
            let count = if reached { count.to_string() } else { "-".into() };
            writeln!(out, "BRDA:{line},{block},{arm},{count}")?;
        }
    }
    let share = module.branches();
    writeln!(out, "BRF:{}\nBRH:{}", share.of, share.hit)
}
