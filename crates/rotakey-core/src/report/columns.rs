//! The columns of a credential report, found by their names.

use std::io::BufRead;

use super::error::ReportError;
use super::line::Lines;

/// Declares the known columns: those without which nothing can be judged, and the others.
macro_rules! columns {
    (
        required { $($required:ident = $required_name:literal,)* }
        optional { $($optional:ident = $optional_name:literal,)* }
    ) => {
        /// A column that AWS documents.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Column {
            $($required,)*
            $($optional,)*
        }

        impl Column {
            /// The columns without which nothing can be judged.
            const REQUIRED: &[Self] = &[$(Self::$required),*];
            /// All columns, each at the place of its number.
            const ALL: &[Self] = &[$(Self::$required,)* $(Self::$optional),*];

            /// The name in the header.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$required => $required_name,)*
                    $(Self::$optional => $optional_name,)*
                }
            }
        }
    };
}

columns! {
    required {
        User = "user",
        Arn = "arn",
        UserCreationTime = "user_creation_time",
        PasswordEnabled = "password_enabled",
        Key1Active = "access_key_1_active",
        Key1LastRotated = "access_key_1_last_rotated",
        Key1LastUsedDate = "access_key_1_last_used_date",
        Key1LastUsedRegion = "access_key_1_last_used_region",
        Key1LastUsedService = "access_key_1_last_used_service",
        Key2Active = "access_key_2_active",
        Key2LastRotated = "access_key_2_last_rotated",
        Key2LastUsedDate = "access_key_2_last_used_date",
        Key2LastUsedRegion = "access_key_2_last_used_region",
        Key2LastUsedService = "access_key_2_last_used_service",
    }
    optional {
        PasswordLastUsed = "password_last_used",
        PasswordLastChanged = "password_last_changed",
        PasswordNextRotation = "password_next_rotation",
        MfaActive = "mfa_active",
        Cert1Active = "cert_1_active",
        Cert1LastRotated = "cert_1_last_rotated",
        Cert2Active = "cert_2_active",
        Cert2LastRotated = "cert_2_last_rotated",
    }
}

/// Which column stands where.
#[derive(Debug)]
pub(super) struct Columns {
    places: [Option<usize>; Column::ALL.len()],
    pub(super) width: usize,
    pub(super) unknown: Vec<String>,
}

impl Columns {
    /// Reads the header that `lines` stands at.
    pub(super) fn from_header<R: BufRead>(lines: &Lines<R>) -> Result<Self, ReportError> {
        let mut columns =
            Self { places: [None; Column::ALL.len()], width: lines.width(), unknown: Vec::new() };
        for place in 0..lines.width() {
            let name = lines.value(place).trim();
            match Column::ALL.iter().find(|column| column.name() == name) {
                None => columns.unknown.push(name.to_owned()),
                Some(&column) => {
                    if columns.places[column as usize].replace(place).is_some() {
                        return Err(ReportError::DuplicateColumn(column.name()));
                    }
                }
            }
        }
        let missing: Vec<_> =
            Column::REQUIRED.iter().filter(|column| columns.place(**column).is_none()).collect();
        if missing.len() == Column::REQUIRED.len() {
            return Err(not_a_report(lines.text()));
        }
        if !missing.is_empty() {
            return Err(ReportError::MissingColumns(missing.iter().map(|column| column.name()).collect()));
        }
        Ok(columns)
    }

    /// Where the column stands, if the report has it.
    pub(super) fn place(&self, column: Column) -> Option<usize> {
        self.places[column as usize]
    }
}

fn not_a_report(header: &str) -> ReportError {
    // "user,arn" in base64.
    let hint = if header.starts_with("dXNlcixhcm") {
        Some("this is the report in base64: decode it first, as with `base64 --decode`")
    } else {
        Some("save one by `aws iam get-credential-report > report.json`")
    };
    ReportError::NotAReport { found: format!("{:?}", super::cell::shortened(header)), hint }
}
