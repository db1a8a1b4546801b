//! Which program or SDK it is.

use super::products::Product;

/// The AWS management console, and whoever signs in to it.
pub(super) const CONSOLE: &str = "console";
/// AWS itself.
pub(super) const INTERNAL: &str = "AWS Internal";
/// rotakey itself, which tries keys that it rotates.
pub const OWN: &str = "rotakey";
/// Who does not say what it is.
pub(super) const UNNAMED: &str = "unnamed";

const BROWSER: &str = "browser";

/// Tools that say who they are anywhere, also behind the name of the SDK that they use: by the first part of a
/// word, in lower case. The first that is found names the family, so what is more telling comes first: a tool of attack
/// drives Terraform, and not the other way round.
const MARKS: &[(&str, &str)] = &[
    ("stratus-red-team", "stratus-red-team"),
    ("grimoire", "grimoire"),
    ("pacu", "Pacu"),
    ("scoutsuite", "ScoutSuite"),
    ("scout suite", "ScoutSuite"),
    ("prowler", "Prowler"),
    // What Prowler adds to the user agent of Boto3.
    ("apn_1826889", "Prowler"),
    ("cloudcustodian", "cloud-custodian"),
    ("cloud-custodian", "cloud-custodian"),
    ("opentofu", "OpenTofu"),
    ("pulumi", "Pulumi"),
    ("terraform", "Terraform"),
    ("hashicorp-terraform-exec", "Terraform"),
    ("aws-cdk", "aws-cdk"),
    ("eksctl", "eksctl"),
    ("configure-aws-credentials", "configure-aws-credentials"),
    ("kubectl", "kubectl"),
    ("rclone", "rclone"),
    ("s3cmd", "s3cmd"),
    ("restic", "restic"),
];

/// Words that name a program or SDK by themselves: their first parts in lower case, longer ones first.
const NAMES: &[(&str, &str)] = &[
    ("aws-cli", "aws-cli"),
    ("boto3", "Boto3"),
    ("botocore", "Botocore"),
    ("boto", "boto2"),
    ("aws-sdk-go-v2", "aws-sdk-go-v2"),
    ("aws-sdk-go", "aws-sdk-go"),
    ("aws-sdk-java", "aws-sdk-java"),
    ("aws-sdk-nodejs", "aws-sdk-js"),
    ("aws-sdk-js", "aws-sdk-js"),
    ("aws-sdk-dotnet", "aws-sdk-dotnet"),
    ("aws-sdk-rust", "aws-sdk-rust"),
    ("aws-sdk-ruby", "aws-sdk-ruby"),
    ("aws-sdk-php", "aws-sdk-php"),
    ("aws-sdk-cpp", "aws-sdk-cpp"),
    ("aws-sdk-kotlin", "aws-sdk-kotlin"),
    ("aws-sdk-swift", "aws-sdk-swift"),
    ("aws-sdk-ios", "aws-sdk-ios"),
    ("aws-sdk-android", "aws-sdk-android"),
];

/// The browser behind a user agent that begins with `Mozilla`, the more special ones first: all of them claim to be
/// Safari.
const BROWSERS: &[&str] = &["Edg", "OPR", "Firefox", "Chrome", "Safari"];

/// The family and its version, if it is a known one.
pub(super) fn known<'a>(
    products: &[Product<'a>],
    execution_environment: Option<&'a str>,
) -> Option<(&'static str, Option<String>)> {
    let words = || products.iter().filter(|product| !product.is_comment);
    let library = |product: &&Product<'_>| match (product.name, product.version) {
        ("lib", version) => version.is_some_and(|version| version.starts_with("rotakey/")),
        (name, _) => name == OWN,
    };
    if words().any(|product| library(&product)) {
        return Some((OWN, None));
    }
    for (mark, family) in MARKS {
        if words().any(|product| begins_with(product.name, mark)) {
            // The version of a provider or a wrapper is not that of the tool.
            let itself = words().rfind(|product| product.name.eq_ignore_ascii_case(mark));
            return Some((family, itself.and_then(|product| product.version).map(str::to_owned)));
        }
        if execution_environment.is_some_and(|environment| begins_with(environment, mark)) {
            return Some((family, None));
        }
    }
    let name_of = |product: &&Product<'a>| {
        NAMES.iter().find(|(beginning, _)| begins_with(product.name, beginning)).map(|(_, family)| *family)
    };
    if let Some((family, product)) = words().find_map(|product| Some((name_of(&product)?, product))) {
        return Some((family, product.version.map(str::to_owned)));
    }
    if words().next()?.name == "Mozilla" {
        let browser = BROWSERS.iter().find_map(|name| words().find(|product| product.name == *name));
        let version = browser.map(|browser| match browser.version {
            Some(version) => format!("{} {version}", browser.name),
            None => browser.name.to_owned(),
        });
        return Some((BROWSER, version));
    }
    None
}

/// A name without what is new at each run: `stratus-red-team` of `stratus-red-team_06a62bf9-...`. Empty for a name
/// that is nothing else.
pub(super) fn without_unique_part(name: &str) -> &str {
    const UUID: usize = 36;
    let Some(start) = name.len().checked_sub(UUID).filter(|start| name.is_char_boundary(*start)) else {
        return name;
    };
    let is_uuid = name[start..].bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    if is_uuid { name[..start].trim_end_matches(['_', '-', ':', '.', '/']) } else { name }
}

/// Whether the word, or its first part, is that: `aws-sdk-ruby3` begins with `aws-sdk-ruby`, and `bottom` not with
/// `bot`.
fn begins_with(word: &str, beginning: &str) -> bool {
    word.split_at_checked(beginning.len()).is_some_and(|(start, rest)| {
        start.eq_ignore_ascii_case(beginning) && !rest.starts_with(|next: char| next.is_alphabetic())
    })
}
