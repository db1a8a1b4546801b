//! Environment variables of a CircleCI context.
//!
//! CircleCI tells the names of variables and when each was written, and nothing else. So the mark is the name of a
//! further variable, whose value is nothing:
//!
//! `AWS_ACCESS_KEY_ROTAKEY_12_P_AKIA…_digits_C_AKIA…_digits_D_P_V_digits`
//!
//! with the number of the mark, the pending, current and previous key and their fingerprints (in base 32), the doubt
//! and the version. A new mark is written before the old one is deleted; of several, the one with the highest number
//! counts. Jobs see the name of the mark in their environment; there is no secret in it. Endpoints: CircleCI API v2,
//! "Context".

use async_trait::async_trait;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use reqwest::Method;
use rotakey_core::destination::{self as specs, Values};
use rotakey_core::rotate::Held;
use rotakey_core::secret::{Fingerprint, Secret};
use rotakey_engine::port::PortError;
use serde::Deserialize;
use serde_json::json;

use crate::destination::client::{Client, Login, no_such_place};
use crate::destination::mark::{self, ADOPT, Doubt, Found, Look, Mark};
use crate::destination::marked::Variables;
use crate::http::segment;

/// The value of a mark, which nobody reads.
const NOTHING: &str = "rotakey";

pub(super) struct CircleciContext {
    client: Client,
    place: String,
    /// The path of the context's variables.
    path: String,
    values: Values,
    several_writes: bool,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    variable: String,
    updated_at: Option<String>,
}

impl CircleciContext {
    pub(super) fn new(spec: &specs::CircleciContext) -> Result<Self, PortError> {
        let api_url = spec.api_url.as_deref().unwrap_or("https://circleci.com/api/v2");
        Ok(Self {
            client: Client::new(api_url, &spec.token, Login::Header("circle-token"), &[])?,
            place: format!("circleci-context:{spec}"),
            path: format!("/context/{}/environment-variable", segment(&spec.context_id)?),
            values: spec.values.clone(),
            several_writes: spec.several_writes,
        })
    }

    /// All variables of the context, all pages.
    async fn items(&self) -> Result<Vec<Item>, PortError> {
        let mut items = Vec::new();
        let mut path = self.path.clone();
        loop {
            let answer = self.client.get("list the variables of a CircleCI context", &path).await;
            let page: Page = answer.map_err(no_such_place)?.json()?;
            items.extend(page.items);
            match page.next_page_token.filter(|token| !token.is_empty()) {
                None => return Ok(items),
                Some(token) => path = format!("{}?page-token={}", self.path, segment(&token)?),
            }
        }
    }

    async fn delete(&self, names: impl Iterator<Item = &String> + Send) -> Result<(), PortError> {
        for name in names {
            let path = format!("{}/{name}", self.path);
            self.client.try_delete("delete a variable of a CircleCI context", &path).await?;
        }
        Ok(())
    }

    async fn put(&self, name: &str, value: &str, secret: Option<&Secret>) -> Result<(), PortError> {
        let path = format!("{}/{name}", self.path);
        let body = json!({ "value": value });
        let operation = "write a variable of a CircleCI context";
        self.client.call(operation, Method::PUT, &path, Some(&body), secret).await.map(drop)
    }
}

#[async_trait]
impl Variables for CircleciContext {
    type Keep = Held;

    fn place(&self) -> &str {
        &self.place
    }

    fn values(&self) -> &Values {
        &self.values
    }

    fn several_writes(&self) -> bool {
        self.several_writes
    }

    fn check(&self) -> Result<(), PortError> {
        mark::check_names(&self.place, &self.values)
    }

    async fn look(&self) -> Result<Look<Held>, PortError> {
        let mut look = Look::nothing();
        let prefix = mark::name(&self.values);
        let mut latest = None;
        for item in self.items().await? {
            if self.values.iter().any(|(name, _)| name == item.variable) {
                look.values.insert(item.variable, item.updated_at);
            } else if let Some(rest) = item.variable.strip_prefix(&prefix) {
                if rest.trim_start_matches('_').eq_ignore_ascii_case(ADOPT) {
                    look.found = Found::Adopt;
                    look.ids.insert(item.variable, "0".to_owned());
                } else if let Some((number, mark)) = decode(rest) {
                    look.ids.insert(item.variable, number.to_string());
                    if latest.as_ref().is_none_or(|(latest, _)| *latest < number) {
                        latest = Some((number, mark));
                    }
                }
            }
        }
        if let Some((_, mark)) = latest
            && !matches!(look.found, Found::Adopt)
        {
            look.found = Found::Mark(mark);
        }
        Ok(look)
    }

    async fn may_write(&self) -> Result<(), PortError> {
        let nothing = format!("{}/{}_PREFLIGHT", self.path, mark::name(&self.values));
        self.client.try_delete("write variables of a CircleCI context", &nothing).await
    }

    async fn write_value(&self, _: &Look<Held>, name: &str, value: &Secret) -> Result<(), PortError> {
        self.put(name, value.expose(), Some(value)).await
    }

    async fn write_mark(&self, look: &Look<Held>, mark: &Mark<Held>) -> Result<(), PortError> {
        let numbers = look.ids.values().filter_map(|number| number.parse::<u64>().ok());
        let number = numbers.max().map_or(1, |last| last.saturating_add(1));
        let name = format!("{}{}", mark::name(&self.values), encode(number, mark));
        // What was handed over is that once only: a process that dies in between leaves a place that is refused.
        if matches!(look.found, Found::Adopt) {
            self.delete(look.ids.keys()).await?;
            return self.put(&name, NOTHING, None).await;
        }
        self.put(&name, NOTHING, None).await?;
        self.delete(look.ids.keys()).await
    }
}

/// The end of the name of a mark.
fn encode(number: u64, mark: &Mark<Held>) -> String {
    let mut name = format!("_{number}");
    for (tag, slot) in [("P", &mark.pending), ("C", &mark.current), ("R", &mark.previous)] {
        if let Some(held) = slot {
            let digits = HEXLOWER.decode(held.fingerprint.to_string().as_bytes());
            let digits = digits.map_or_else(|_| String::new(), |bytes| BASE32_NOPAD.encode(&bytes));
            name.push_str(&format!("_{tag}_{}_{digits}", held.key));
        }
    }
    if let Some(doubt) = mark.doubt {
        name.push_str(if doubt == Doubt::Pending { "_D_P" } else { "_D_C" });
    }
    if let Some(version) = &mark.version {
        name.push_str(&format!("_V_{version}"));
    }
    name
}

/// The number and the mark, if that is the end of the name of one.
fn decode(name: &str) -> Option<(u64, Mark<Held>)> {
    let mut words = name.strip_prefix('_')?.split('_');
    let number = words.next()?.parse().ok()?;
    let mut mark = Mark::default();
    while let Some(tag) = words.next() {
        let word = words.next()?;
        match tag {
            "D" if word == "P" => mark.doubt = Some(Doubt::Pending),
            "D" if word == "C" => mark.doubt = Some(Doubt::Current),
            "V" => mark.version = Some(word.to_owned()),
            "P" | "C" | "R" => {
                let digits = BASE32_NOPAD.decode(words.next()?.as_bytes()).ok()?;
                let fingerprint: Fingerprint =
                    serde_json::from_value(json!(HEXLOWER.encode(&digits))).ok()?;
                let held = Held { key: word.parse().ok()?, fingerprint };
                let slot = match tag {
                    "P" => &mut mark.pending,
                    "C" => &mut mark.current,
                    _ => &mut mark.previous,
                };
                *slot = Some(held);
            }
            _ => return None,
        }
    }
    Some((number, mark))
}

#[cfg(test)]
mod tests;
