//! The tree as people see it.

use std::collections::BTreeMap;

use anstyle::Style;
use rotakey_trail::lineage::{Kind, LineageDocument, Node, Uses};

use super::super::sessions::{last_part, minute};
use super::uses_in_words;
use crate::printer::Palette;
use crate::quantity::{count, grouped};
use crate::terminal::{escape, width, wrap};

/// The width without a terminal.
const WIDTH: usize = 80;

/// So many sessions of the same role under the same key are drawn one by one.
const FEW: usize = 3;

/// Deeper than this nothing is indented further.
const DEEPEST: usize = 10;

/// Words get at least so much room.
const NARROWEST: usize = 30;

/// What is drawn in one place.
enum Item<'a> {
    One(usize),
    Many(Vec<&'a Node>),
}

/// The tree, and a sentence about it. Foreign text is escaped.
pub(super) fn draw(document: &LineageDocument, all: bool, palette: Palette, width: Option<usize>) -> String {
    let nodes = &document.nodes;
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut path: Vec<usize> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        path.truncate(node.depth as usize);
        if let Some(&parent) = path.last() {
            children[parent].push(index);
        }
        path.push(index);
    }
    let mut drawing = Drawing { text: String::new(), palette, width };
    let mut waiting = vec![(Item::One(0), Vec::new())];
    while let Some((item, rails)) = waiting.pop() {
        match item {
            Item::Many(nodes) => drawing.many(&nodes, &rails),
            Item::One(index) => {
                let items = grouped_items(nodes, &children, &children[index], all);
                drawing.one(&nodes[index], &rails, !items.is_empty());
                let last = items.len().saturating_sub(1);
                for (number, item) in items.into_iter().enumerate().rev() {
                    let mut rails = rails.clone();
                    rails.push(number == last);
                    waiting.push((item, rails));
                }
            }
        }
    }
    drawing.text.push('\n');
    drawing.sentence(&summed_up(document));
    drawing.text
}

/// The children of a key, those without children of their own summed up by role if there are many.
fn grouped_items<'a>(
    nodes: &'a [Node],
    children: &[Vec<usize>],
    of_key: &[usize],
    all: bool,
) -> Vec<Item<'a>> {
    let mut leaves: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for &child in of_key {
        let node = &nodes[child];
        if children[child].is_empty() && node.kind == Kind::Session && !all {
            let who = node.role_arn.as_deref().or(node.arn.as_deref());
            leaves.entry((&node.event_name, who, &node.account_id)).or_default().push(child);
        }
    }
    let many: BTreeMap<usize, Vec<usize>> =
        leaves.into_values().filter(|group| group.len() > FEW).map(|group| (group[0], group)).collect();
    let in_many: std::collections::HashSet<usize> = many.values().flatten().copied().collect();
    let item = |&child: &usize| match many.get(&child) {
        Some(group) => Some(Item::Many(group.iter().map(|&index| &nodes[index]).collect())),
        None => (!in_many.contains(&child)).then_some(Item::One(child)),
    };
    of_key.iter().filter_map(item).collect()
}

struct Drawing {
    text: String,
    palette: Palette,
    width: Option<usize>,
}

impl Drawing {
    fn one(&mut self, node: &Node, rails: &[bool], has_children: bool) {
        let style = match node.kind {
            Kind::CreatedKey => self.palette.bad,
            Kind::Session if node.crosses_accounts => self.palette.warning,
            Kind::Session | Kind::Root => self.palette.heading,
        };
        let mut first = who(node);
        if let Some(identity) = &node.source_identity {
            first.push_str(&format!(", source identity {identity}"));
        }
        let mut second = String::new();
        if let Some((event, at)) = node.event_name.as_ref().zip(node.minted_at) {
            second.push_str(&format!("{event} {}", minute(at)));
            if let Some(expires) = node.expires_at {
                second.push_str(&format!(", expires {}", minute(expires)));
            }
            second.push_str("; ");
        }
        second.push_str(&match node.followed {
            true => uses_in_words(node.uses),
            false => "its calls are found with --created-keys".to_owned(),
        });
        if !node.further_parents.is_empty() {
            second.push_str(&format!("; also given to {}", node.further_parents.join(", ")));
        }
        self.item((&node.access_key_id, style), &first, &second, rails, has_children);
    }

    fn many(&mut self, nodes: &[&Node], rails: &[bool]) {
        let Some(first) = nodes.first() else { return };
        let mut uses = Uses::default();
        nodes.iter().for_each(|node| uses.add(node.uses));
        let style = if first.crosses_accounts { self.palette.warning } else { self.palette.heading };
        let times = nodes.iter().filter_map(|node| node.minted_at);
        let span = match (times.clone().min(), times.max()) {
            (Some(first), Some(last)) => format!(" {} to {}", minute(first), minute(last)),
            _ => String::new(),
        };
        let event = first.event_name.as_deref().unwrap_or_default();
        let expires = match nodes.iter().filter_map(|node| node.expires_at).max() {
            Some(last) => format!(", the last expires {}", minute(last)),
            None => String::new(),
        };
        let second = format!("{event}{span}{expires}; {}", uses_in_words(uses));
        let count = format!("{} sessions", grouped(nodes.len()));
        let nameless = Node { session_name: None, ..(*first).clone() };
        self.item((&count, style), &who(&nameless), &second, rails, false);
    }

    /// A key, what it is, and below it what it did.
    fn item(
        &mut self,
        (key, style): (&str, Style),
        first: &str,
        second: &str,
        rails: &[bool],
        has_children: bool,
    ) {
        let (key, first, second) = (escape(key), escape(first), escape(second));
        let shown = &rails[rails.len().saturating_sub(DEEPEST)..];
        let mut lead = String::new();
        if let Some((&is_last, above)) = shown.split_last() {
            for &ended in above {
                lead.push_str(if ended { "   " } else { "│  " });
            }
            self.text.push_str(&lead);
            self.text.push_str(if is_last { "└─ " } else { "├─ " });
            lead.push_str(if is_last { "   " } else { "│  " });
        }
        let below = format!("{lead}{}", if has_children { "│  " } else { "   " });
        let limit = self.width.unwrap_or(WIDTH);
        let used = width(&lead) + width(&key) + 2;
        self.text.push_str(&format!("{style}{key}{style:#}"));
        for (number, line) in wrap(&first, limit.saturating_sub(used).max(NARROWEST)).iter().enumerate() {
            match number {
                0 => self.text.push_str(&format!("  {line}\n")),
                _ => self.text.push_str(&format!("{below}{:1$}{line}\n", "", width(&key).saturating_sub(1))),
            }
        }
        let quiet = self.palette.quiet;
        for line in wrap(&second, limit.saturating_sub(width(&below)).max(NARROWEST)) {
            self.text.push_str(&format!("{below}{quiet}{line}{quiet:#}\n"));
        }
    }

    fn sentence(&mut self, sentence: &str) {
        for line in wrap(&escape(sentence), self.width.unwrap_or(WIDTH).max(NARROWEST)) {
            self.text.push_str(&line);
            self.text.push('\n');
        }
    }
}

/// Who signs with a key.
fn who(node: &Node) -> String {
    let account = |text: String| match &node.account_id {
        Some(account) if node.crosses_accounts => format!("{text} in {account}, another account"),
        Some(account) if node.depth == 0 => format!("{text} in {account}"),
        _ => text,
    };
    let session = node.session_name.as_ref().map(|name| format!(" as {name}")).unwrap_or_default();
    account(match (&node.role_arn, &node.arn, &node.user_name) {
        _ if node.kind == Kind::CreatedKey => {
            format!("a new key of user {}", node.user_name.as_deref().unwrap_or("?"))
        }
        (Some(role), _, _) => format!("role {}{session}", last_part(role)),
        (None, Some(arn), _) if node.depth > 0 => format!("session of {}", last_two_parts(arn)),
        (None, Some(arn), _) => last_two_parts(arn).to_owned(),
        (None, None, _) if node.depth == 0 => "not seen in this trail".to_owned(),
        (None, None, _) => format!("session{session}"),
    })
}

/// `user/bob` of an ARN.
fn last_two_parts(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

fn summed_up(document: &LineageDocument) -> String {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut text = format!(
        "{} from this one, {}, {}: {}. Times are UTC.",
        count(number(document.descendants), "key"),
        count(document.roles.len(), "role"),
        count(document.accounts.len(), "account"),
        uses_in_words(document.uses),
    );
    if let Some(not_shown) = &document.not_shown {
        text.push_str(&format!(
            " The oldest {} are not drawn ({}); --limit draws more.",
            grouped(number(not_shown.keys)),
            uses_in_words(not_shown.uses),
        ));
    }
    if document.created_keys_cut {
        text.push_str(" Further keys were created than are drawn.");
    }
    text
}

#[cfg(test)]
mod tests {
    use rotakey_trail::answer::Answer as _;
    use rotakey_trail::lineage::Lineage;
    use rotakey_trail::record::Record;
    use rotakey_trail::selection::Selection;

    use super::super::super::story::{call, descendants, gives};
    use super::*;

    fn drawn(all: bool) -> String {
        let deploy = r#"{"roleArn":"arn:aws:iam::111122223333:role/deploy","roleSessionName":"run"}"#;
        let admin =
            r#"{"roleArn":"arn:aws:iam::444455556666:role/admin","roleSessionName":"a\nb\u001b[31m"}"#;
        let sessions: Vec<String> = (1..=4).map(|n| gives("credentials", &format!("ASIA{n}"))).collect();
        let (far, created) = (gives("credentials", "ASIA9"), gives("accessKey", "AKIA9"));
        let assume = |minute, request, response| Record {
            request: Some(request),
            response: Some(response),
            ..call(minute, "AKIA0", "sts.amazonaws.com", "AssumeRole")
        };
        let mut records: Vec<Record<'_>> =
            sessions.iter().zip(0..).map(|(response, minute)| assume(minute, deploy, response)).collect();
        records.extend([
            assume(5, admin, &far),
            Record { response: Some(&created), ..call(6, "ASIA9", "iam.amazonaws.com", "CreateAccessKey") },
            call(7, "ASIA2", "s3.amazonaws.com", "PutObject"),
        ]);
        let mut lineage = Lineage::new(descendants("AKIA0", &records), Selection::default(), 99);
        lineage.take(&records);
        draw(&lineage.document(), all, Palette::default(), None)
    }

    #[test]
    fn many_sessions_of_a_role_are_one_branch_and_foreign_text_is_harmless() {
        assert_eq!(
            drawn(false),
            "\
AKIA0  user/ci in 111122223333
│  5 calls, 2026-11-23 15:45 to 2026-11-23 15:50
├─ 4 sessions  role deploy
│     AssumeRole 2026-11-23 15:45 to 2026-11-23 15:48, the last expires
│     2026-11-23 16:45; 1 call, 2026-11-23 15:52
└─ ASIA9  role admin as a\\nb\\u{1b}[31m in 444455556666, another account
   │  AssumeRole 2026-11-23 15:50, expires 2026-11-23 16:45; 1 call, 2026-11-23
   │  15:51
   └─ AKIA9  a new key of user backup
         CreateAccessKey 2026-11-23 15:51; its calls are found with
         --created-keys

5 keys from this one, 2 roles, 2 accounts: 7 calls, 2026-11-23 15:45 to
2026-11-23 15:52. Times are UTC.
"
        );
    }

    #[test]
    fn each_session_is_drawn_when_asked_and_no_line_is_too_wide() {
        let text = drawn(true);
        assert_eq!(text.matches("ASIA").count(), 5);
        assert!(text.lines().all(|line| width(line) <= WIDTH), "{text}");
    }
}
