//! The audit of a saved credential report with very many rows.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::Command;

use super::super::measure::{self, Cost};
use super::Bench;
use crate::failure::{Failure, While as _};

/// What the audit of a saved report costs.
pub(super) struct Offline {
    pub(super) rows: u64,
    /// How large the report is, in MiB.
    pub(super) mib: f64,
    pub(super) runs: usize,
    /// For each form of the output, the medians and how much was written, in MiB.
    pub(super) forms: Vec<Form>,
}

/// What one form of the output costs.
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) cost: Cost,
    pub(super) written_mib: f64,
}

impl Offline {
    /// How many rows are judged in a second, from the start of the process to its end.
    pub(super) fn rows_a_second(&self, form: &Form) -> f64 {
        self.rows as f64 / form.cost.wall_seconds
    }
}

/// The header of a credential report.
const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
    access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
    cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

/// Writes a report of that many rows, and audits it that many times.
pub(super) fn measure(bench: &Bench, rows: u64, runs: usize) -> Result<Offline, Failure> {
    println!("\nA saved report of {rows} rows");
    let folder = bench.folder.join("offline");
    measure::empty(&folder)?;
    let report = folder.join("report.csv");
    write(&report, rows).could_not("write a large report")?;
    let mib = size_in_mib(&report)?;

    let mut forms = Vec::new();
    for name in ["human", "csv", "json"] {
        let written = folder.join("written");
        let mut costs = Vec::new();
        for _ in 0..runs {
            let mut command = Command::new(&bench.rotakey);
            command.arg("audit").arg("--report").arg(&report);
            command.args(["--format", name, "--no-progress", "--output"]).arg(&written);
            let cost = bench.meter.run(&command, &folder, &[0, 1])?;
            println!("  --format {name:<23} {cost}");
            costs.push(cost);
        }
        forms.push(Form { name, cost: Cost::median(&costs), written_mib: size_in_mib(&written)? });
    }
    std::fs::remove_dir_all(&folder).could_not("remove a large report")?;
    Ok(Offline { rows, mib, runs, forms })
}

fn size_in_mib(path: &Path) -> Result<f64, Failure> {
    let length = path.metadata().could_not(format!("look at {}", path.display()))?.len();
    Ok(length as f64 / 1_048_576.0)
}

fn write(path: &Path, rows: u64) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{HEADER}")?;
    let mut line = String::new();
    for number in 0..rows {
        line.clear();
        row(number, &mut line);
        writeln!(file, "{line}")?;
    }
    file.flush()
}

/// The row of that number. One user in four has no key, one has two; keys are of all ages from a day to two
/// years; one in three was never used.
fn row(number: u64, line: &mut String) {
    const NO_KEY: &str = "false,N/A,N/A,N/A,N/A";
    let key = |line: &mut String, salt: u64| {
        let (year, month, day) = (2024 + (number + salt) % 2, 1 + number / 28 % 12, 1 + number % 28);
        let active = number % 10 != salt;
        let _ = write!(line, "{active},{year}-{month:02}-{day:02}T08:30:00+00:00,");
        let _ = match number % 3 {
            0 => write!(line, "N/A,N/A,N/A"),
            _ => write!(line, "2026-{month:02}-{day:02}T10:15:00+00:00,us-east-1,s3"),
        };
    };
    let _ = write!(
        line,
        "user-{number:07},arn:aws:iam::111122223333:user/user-{number:07},2020-01-01T00:00:00+00:00,\
         false,N/A,N/A,N/A,false,"
    );
    match number % 4 {
        0 => line.push_str(NO_KEY),
        _ => key(line, 0),
    }
    line.push(',');
    match number % 4 {
        3 => key(line, 1),
        _ => line.push_str(NO_KEY),
    }
    line.push_str(",false,N/A,false,N/A");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_the_columns_of_the_header() {
        assert_eq!(HEADER.split(',').count(), 22);
        for number in 0..12 {
            let mut line = String::new();
            row(number, &mut line);
            assert_eq!(line.split(',').count(), 22, "{line}");
        }
    }
}
