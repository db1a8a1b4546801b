//! What a user agent says of the client.
//!
//! All of it is what a client claims of itself: whoever holds a key may write anything here. It is a hint for
//! finding the owner of a key, and never proof. The text is foreign: control characters are kept, and whoever
//! shows it escapes it.

mod credentials;
mod family;
mod products;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use family::OWN;
use products::{Product, products};

/// What is beyond is not read. The SDKs stay below a kilobyte, but for long lists of features.
const MOST_READ: usize = 4_096;

/// The most bytes of each part.
const MOST_PART: usize = 128;

/// The most bytes of a text that is kept because nobody knows what it says.
const MOST_TEXT: usize = 512;

/// A client, as it describes itself. Details that it does not tell are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Agent {
    /// The program or SDK, such as `aws-cli`, `Boto3`, `Terraform`, `aws-sdk-go-v2`, `console`, `browser`, `AWS
    /// Internal`, or an AWS service such as `cloudformation.amazonaws.com`. Of the SDK below a tool nothing is
    /// told: Terraform is `Terraform`. What is not known goes by its first word, or is `unnamed`.
    pub family: String,
    /// The version of the family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The language that it runs in, in lower case: `python`, `go`, `nodejs`, `java`, `dotnet`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    #[expect(missing_docs, reason = "the name says it")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<String>,
    /// `AWS_EXECUTION_ENV`: `AWS_Lambda_python3.12`, `AWS_ECS_FARGATE`, `CloudShell`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_environment: Option<String>,
    /// The operating system and its release, such as `linux 6.1.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<String>,
    /// The name that the application gave itself: `AWS_SDK_UA_APP_ID`, or the prefix of an SDK for Java. Of the
    /// console, which part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// How the client got its credentials, in short words, as far as its SDK tells: `environment`, `profile`,
    /// `imds`, `assume-role`, ... Sorted; several where one was used to get the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credential_sources: Vec<String>,
    /// The text itself, where the family is not a known one and there is more to the text than family and version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Agent {
    /// Reads a `userAgent`. Never fails: what is not understood is kept as text.
    pub fn parse(user_agent: &str) -> Self {
        let text = start(user_agent, MOST_READ).trim();
        // S3 puts the client's own words into brackets.
        let text = text.strip_prefix('[').map_or(text, |text| text.strip_suffix(']').unwrap_or(text)).trim();
        if let Some(agent) = Self::of_service(text) {
            return agent;
        }
        let products = products(text);
        if let Some(agent) = Self::of_the_inside(text, &products) {
            return agent;
        }
        let mut agent = Self::default();
        for product in &products {
            agent.take(product);
        }
        if let Some((prefix, _)) = text.split_once(", aws-sdk-java/") {
            agent.application = part(prefix);
        }
        agent.credential_sources.sort_unstable();
        agent.credential_sources.dedup();
        agent.name(text, &products);
        agent
    }

    /// What of it stays the same when the same application is upgraded: for comparing consumers.
    pub fn without_versions(&self) -> Self {
        Self {
            family: self.family.clone(),
            runtime: self.runtime.clone(),
            execution_environment: self.execution_environment.as_deref().map(environment_without_version),
            // Which page of the console somebody opened says nothing of who it is.
            application: self
                .application
                .as_deref()
                .filter(|_| self.family != family::CONSOLE && self.family != family::INTERNAL)
                .map(|application| without_version(application).to_owned()),
            ..Self::default()
        }
    }

    /// A name of a service, or the one word for all of AWS.
    fn of_service(text: &str) -> Option<Self> {
        let family = match text {
            "AWS Internal" => family::INTERNAL,
            "console.amazonaws.com" | "signin.amazonaws.com" => family::CONSOLE,
            _ if text.ends_with(".amazonaws.com") && text.bytes().all(is_of_host_name) => text,
            _ => return None,
        };
        Some(Self { family: start(family, MOST_PART).to_owned(), ..Self::default() })
    }

    /// AWS's own machines, which name the SDK and the system that *they* run on: nothing of the user's.
    fn of_the_inside(text: &str, products: &[Product<'_>]) -> Option<Self> {
        let is_console = products.first()?.name == "S3Console";
        let is_internal = products.iter().any(|product| product.name == "aws-internal");
        if !is_console && !is_internal {
            return None;
        }
        let before = text.split(", aws-internal/").next().filter(|before| before.len() < text.len());
        let name = before.unwrap_or(products[0].name);
        let name = name.split('/').next().unwrap_or(name);
        let family = if name.contains("Console") { family::CONSOLE } else { family::INTERNAL };
        let application = (name != "aws-internal").then(|| part(name)).flatten();
        Some(Self { family: family.to_owned(), application, ..Self::default() })
    }

    /// Takes from one product what is not its family.
    fn take(&mut self, product: &Product<'_>) {
        let (name, version) = (product.name, product.version);
        match name {
            "exec-env" => {
                self.execution_environment = version.and_then(part).or(self.execution_environment.take())
            }
            "app" => self.application = version.and_then(part).or(self.application.take()),
            "m" => credentials::add(version.unwrap_or_default(), &mut self.credential_sources),
            "cfg" => {
                let source = version.and_then(|setting| setting.strip_prefix("auth-source#"));
                self.credential_sources.extend(source.and_then(credentials::of_java).map(str::to_owned));
            }
            "os" | "OS" => self.system(version.unwrap_or_default()),
            "Linux" | "Darwin" | "Windows" | "FreeBSD" | "linux" | "darwin" | "win32" => {
                // The SDK for JavaScript 2 writes its node's version where others write the system's.
                if let Some(node) = version.and_then(|version| version.strip_prefix('v')) {
                    self.run_in("nodejs", Some(node));
                    self.system(name);
                } else {
                    self.system(&format!("{name}#{}", version.unwrap_or_default()));
                }
            }
            "lang" => {
                let (language, version) = name_and_version(version.unwrap_or_default());
                // A more precise word, as `md/nodejs`, may have come before.
                if self.runtime.is_none() || language != "js" {
                    self.run_in(language, version);
                }
            }
            "md" => {
                if let Some(node) = version.and_then(|detail| detail.strip_prefix("nodejs#")) {
                    self.run_in("nodejs", Some(node));
                }
            }
            "Python" | "java" | "Java" | "ruby" | "jruby" | "PHP" | ".NET_Core" | ".NET_Framework"
            | "node" | "Node" => {
                self.run_in(name, version);
            }
            // `.NET Runtime/4.0`
            "Runtime" => self.run_in("dotnet", version),
            _ if product.is_comment => self.comment(name),
            _ => {}
        }
    }

    /// `go1.19.3; linux; amd64`
    fn comment(&mut self, text: &str) {
        let mut words = text.split(';').map(str::trim);
        let is_version = |version: &&str| version.starts_with(|first: char| first.is_ascii_digit());
        let Some(go) = words.next().and_then(|first| first.strip_prefix("go")).filter(is_version) else {
            return;
        };
        self.run_in("go", Some(go));
        if let Some(system) = words.next() {
            self.system(system);
        }
    }

    fn run_in(&mut self, language: &str, version: Option<&str>) {
        let language = match language.to_ascii_lowercase().as_str() {
            "node" => "nodejs".to_owned(),
            ".net_core" | ".net_framework" | ".net" => "dotnet".to_owned(),
            language => language.to_owned(),
        };
        self.runtime = part(&language);
        self.runtime_version = version.and_then(part);
    }

    /// `linux#6.1.0`, `Linux/5.4`, `linux`
    fn system(&mut self, text: &str) {
        let (name, release) = name_and_version(text);
        let name = match name.to_ascii_lowercase().as_str() {
            "darwin" | "mac_os_x" => "macos".to_owned(),
            "win32" => "windows".to_owned(),
            name => name.to_owned(),
        };
        self.operating_system = match release {
            Some(release) => part(&format!("{name} {release}")),
            None => part(&name),
        };
    }

    /// Finds the family.
    fn name(&mut self, text: &str, products: &[Product<'_>]) {
        if let Some((family, version)) = family::known(products, self.execution_environment.as_deref()) {
            self.family = family.to_owned();
            self.version = version.as_deref().and_then(part);
            return;
        }
        let first = products.iter().find(|product| !product.is_comment);
        let name = first.map_or("", |product| family::without_unique_part(product.name));
        self.family = part(name).unwrap_or_else(|| family::UNNAMED.to_owned());
        self.version = first.and_then(|product| product.version).and_then(part);
        let is_said = text == self.family
            || self.version.as_ref().is_some_and(|version| *text == format!("{}/{version}", self.family));
        self.text = (!text.is_empty() && !is_said).then(|| start(text, MOST_TEXT).to_owned());
    }
}

/// The family, and what else tells two clients of it apart: `Boto3 1.34.69 python 3.12.1 AWS_Lambda_python3.12`.
impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.family)?;
        let details = [
            &self.version,
            &self.runtime,
            &self.runtime_version,
            &self.execution_environment,
            &self.application,
        ];
        details.into_iter().flatten().try_for_each(|detail| write!(f, " {detail}"))
    }
}

/// A part of the text, cut to its bounds; `None` if it is empty.
fn part(text: &str) -> Option<String> {
    let text = start(text, MOST_PART).trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// As much of the beginning as fits.
fn start(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// `python#3.12` of the newer form, `python/3.12` of the older one.
fn name_and_version(text: &str) -> (&str, Option<&str>) {
    match text.split_once(['#', '/']) {
        Some((name, version)) => (name, Some(version).filter(|version| !version.is_empty())),
        None => (text, None),
    }
}

/// `AWS_Lambda_python` of `AWS_Lambda_python3.12`. In other names a digit is no version, as in `AWS_ECS_EC2`.
fn environment_without_version(environment: &str) -> String {
    let environment = family::without_unique_part(environment);
    let Some(runtime) = environment.strip_prefix("AWS_Lambda_") else { return environment.to_owned() };
    let end = runtime.find(|letter: char| letter.is_ascii_digit()).unwrap_or(runtime.len());
    format!("AWS_Lambda_{}", &runtime[..end])
}

/// `billing` of `billing-1.2.3`, `billing/v7` and `billing#7`.
fn without_version(mut name: &str) -> &str {
    while let Some((before, version)) = name.rsplit_once(['-', '_', '/', '#', ':', ' ']) {
        let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
        let is_version = version.starts_with(|first: char| first.is_ascii_digit())
            && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if !is_version || before.trim().is_empty() {
            break;
        }
        name = before.trim_end();
    }
    name
}

fn is_of_host_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
}
