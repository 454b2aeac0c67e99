//! Coverage for people.

use comfy_table::{CellAlignment, Table, presets};

use super::Totals;
use super::summary::{Share, Summary};

/// A row for each module: how much of it ran, and where it did not.
pub(super) fn render(all: &[Summary], totals: &Totals) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "file",
        "lines",
        "",
        "branches",
        "",
        "functions",
        "",
        "lines not run",
        "branches not taken",
    ]);
    for module in all {
        let shares = [module.lines(), module.branches(), module.functions()];
        let lines = ranges(module.by_line.iter().map(|(line, state)| (*line, state.whole)));
        table.add_row(row(&module.name, shares, lines, untaken(module)));
    }
    let shares = [totals.lines, totals.branches, totals.functions];
    table.add_row(row("all", shares, String::new(), String::new()));
    for column in 1..=6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn row(name: &str, shares: [Share; 3], lines: String, branches: String) -> Vec<String> {
    let mut row = vec![name.to_owned()];
    for share in shares {
        row.push(format!("{:.1}%", share.percent()));
        row.push(format!("{}/{}", share.hit, share.of));
    }
    row.extend([lines, branches]);
    row
}

/// The numbers of the lines that did not run, those that follow each other as a range.
fn ranges(lines: impl Iterator<Item = (u32, bool)>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut run_between = true;
    for (line, ran) in lines {
        if ran {
            run_between = true;
            continue;
        }
        match ranges.last_mut() {
            Some((_, last)) if !run_between => *last = line,
            _ => ranges.push((line, line)),
        }
        run_between = false;
    }
    let shown = |(first, last): (u32, u32)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    };
    ranges.into_iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// The lines of branches that were reached, and one of whose ways was never gone.
fn untaken(module: &Summary) -> String {
    let partly = module
        .taken
        .iter()
        .filter(|branch| branch.reached && branch.arms.contains(&0));
    let mut lines: Vec<u32> = partly.map(|branch| branch.line).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}
