//! Draws what a command prints on a terminal of 80 columns as an SVG picture, for the README.

use std::fmt::Write as _;
use std::process::Command;

use crate::failure::{Failure, While as _};
use crate::process;
use crate::repository::Repository;

/// The picture in the README.
const PICTURE: &str = "docs/try.svg";

/// The sections of `rotakey try` that it shows, by the beginnings of their headings, and how many lines of
/// each.
const SECTIONS: &[(&str, usize)] =
    &[("== The audit ==", 16), ("== The rotation", 7), ("== What came of it", 8)];

/// The size of a character cell of the font, in pixels.
const CELL: (f64, usize) = (8.4, 20);

/// Runs `rotakey try`, by the program that the tests of the commands were just built with, and draws the picture anew.
pub(crate) fn draw(repository: &Repository) -> Result<(), Failure> {
    let mut rotakey = Command::new(repository.target()?.join("debug/rotakey"));
    rotakey.args(["try", "--color", "always", "--quiet"]).env("COLUMNS", "80");
    let story = process::capture(&mut rotakey)?;
    let mut lines = vec!["\u{1b}[1m$ rotakey try\u{1b}[0m".to_owned()];
    for (heading, length) in SECTIONS {
        let section = story.lines().skip_while(|line| !plain(line).starts_with(heading));
        let section: Vec<_> = section.take(*length).map(str::to_owned).collect();
        if section.is_empty() {
            return Err(Failure::new(format!("`rotakey try` has no section {heading:?} to draw")));
        }
        lines.push(String::new());
        lines.extend(section);
        lines.push("\u{1b}[2m…\u{1b}[0m".to_owned());
    }
    lines.pop();
    std::fs::write(repository.root().join(PICTURE), svg(&lines)).could_not(format!("write {PICTURE}"))
}

fn svg(lines: &[String]) -> String {
    let (width, height) = (80.0 * CELL.0 + 32.0, lines.len() * CELL.1 + 32);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"What rotakey try prints\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#16181d\"/>\n\
         <g font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" \
         fill=\"#d7dae0\" xml:space=\"preserve\">\n"
    );
    for (number, line) in lines.iter().enumerate() {
        let y = 32 + number * CELL.1;
        for run in runs(line) {
            let x = 16.0 + run.column as f64 * CELL.0;
            let length = run.text.chars().count() as f64 * CELL.0;
            // The length makes columns stand below each other whatever font there is.
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\"{}>{}</text>",
                run.style,
                escaped(run.text)
            )
            .expect("writing to a string does not fail");
        }
    }
    svg + "</g>\n</svg>\n"
}

/// A piece of a line in one style.
struct Run<'a> {
    column: usize,
    text: &'a str,
    style: String,
}

fn runs(line: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let (mut column, mut style) = (0, String::new());
    for (index, piece) in line.split("\u{1b}[").enumerate() {
        let text = match piece.split_once('m').filter(|_| index > 0) {
            Some(("0", text)) => {
                style.clear();
                text
            }
            Some((code, text)) => {
                style.push_str(attribute(code));
                text
            }
            None => piece,
        };
        if !text.trim().is_empty() {
            runs.push(Run { column, text, style: style.clone() });
        }
        column += text.chars().count();
    }
    runs
}

/// What a code of the terminal ("select graphic rendition") looks like.
fn attribute(code: &str) -> &'static str {
    match code {
        "1" => " font-weight=\"bold\"",
        "2" => " fill-opacity=\"0.6\"",
        "31" => " fill=\"#ff7b72\"",
        "32" => " fill=\"#7ee787\"",
        "33" => " fill=\"#e3b341\"",
        "35" => " fill=\"#d2a8ff\"",
        "36" => " fill=\"#79c0ff\"",
        _ => "",
    }
}

fn plain(line: &str) -> String {
    runs(line).iter().map(|run| run.text).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_and_columns_survive() {
        let runs = runs("\u{1b}[1m\u{1b}[31mA <b\u{1b}[0m  c");
        assert_eq!(runs.len(), 2);
        assert_eq!((runs[0].column, runs[0].text), (0, "A <b"));
        assert!(runs[0].style.contains("bold") && runs[0].style.contains("#ff7b72"));
        assert_eq!((runs[1].column, runs[1].style.as_str()), (4, ""));
        assert!(svg(&["\u{1b}[1mA <b\u{1b}[0m".to_owned()]).contains("A &lt;b"));
    }
}
