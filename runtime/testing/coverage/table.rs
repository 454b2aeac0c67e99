//! Coverage for people.

use comfy_table::{CellAlignment, Table, presets};

use super::{Lines, percent};

/// A row for each module: how much of it ran, and which lines did not.
pub(super) fn render(all: &[Lines]) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_header(["file", "lines", "", "not run"]);
    for lines in all {
        let (hit, of) = (lines.hit(), lines.counts.len());
        table.add_row([lines.name.clone(), share(hit, of), format!("{hit}/{of}"), missed(lines)]);
    }
    let hit = all.iter().map(Lines::hit).sum();
    let of = all.iter().map(|lines| lines.counts.len()).sum();
    table.add_row(["all".to_owned(), share(hit, of), format!("{hit}/{of}"), String::new()]);
    for column in [1, 2] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn share(hit: usize, of: usize) -> String {
    format!("{:.1}%", percent(hit, of))
}

/// The numbers of the lines that did not run, those that follow each other as a range.
fn missed(lines: &Lines) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    let mut run_between = true;
    for (line, count) in &lines.counts {
        if *count > 0 {
            run_between = true;
            continue;
        }
        match ranges.last_mut() {
            Some((_, last)) if !run_between => *last = *line,
            _ => ranges.push((*line, *line)),
        }
        run_between = false;
    }
    let ranges: Vec<String> = ranges
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        })
        .collect();
    ranges.join(" ")
}
