//! The derivation tree as a document.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Key, Lineage, Origin, Uses};
use crate::event_time::EventTime;
use crate::minted::Minted;

/// The derivation tree of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineageDocument {
    /// The key at the root.
    pub access_key_id: String,
    /// How many keys descend from it, told or not.
    pub descendants: u64,
    /// Whether all descendants were looked for. Where there are more sessions in a trail than can be kept, only
    /// those that were minted with the key itself are.
    pub followed: bool,
    /// All accounts that these keys act in.
    pub accounts: BTreeSet<String>,
    /// All roles that were assumed.
    pub roles: BTreeSet<String>,
    /// The calls of all of these keys.
    pub uses: Uses,
    /// The descendants that are not told one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_shown: Option<NotShown>,
    /// Whether further keys were created than are told.
    pub created_keys_cut: bool,
    /// The keys: each behind the one that made it and its earlier children, the root first.
    pub nodes: Vec<Node>,
}

/// Keys that are counted only: those that were minted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct NotShown {
    pub keys: u64,
    #[serde(flatten)]
    pub uses: Uses,
}

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The key that was asked about.
    Root,
    /// A session.
    Session,
    /// A long-term key that was created.
    CreatedKey,
}

/// One key of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// The key.
    pub access_key_id: String,
    /// The key whose call made it; absent for the root.
    pub parent: Option<String>,
    /// How many calls lie between the root and it.
    pub depth: u32,
    /// What it is.
    pub kind: Kind,
    /// The call that made it, such as `AssumeRole`.
    pub event_name: Option<String>,
    /// When it was made.
    pub minted_at: Option<EventTime>,
    /// When it ends to work, as far as the call told it.
    pub expires_at: Option<EventTime>,
    /// Who it signs as.
    pub arn: Option<String>,
    /// The role that was assumed.
    pub role_arn: Option<String>,
    /// The account that it acts in.
    pub account_id: Option<String>,
    /// Whether that is another account than its parent's.
    pub crosses_accounts: bool,
    /// The name of the session or of the federated user.
    pub session_name: Option<String>,
    /// `sourceIdentity`.
    pub source_identity: Option<String>,
    /// The user whose key was created.
    pub user_name: Option<String>,
    /// Whether its own calls were looked for.
    pub followed: bool,
    /// Its own calls.
    pub uses: Uses,
    /// Further keys that were given the same session: not seen but in forged logs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further_parents: Vec<String>,
}

impl Lineage {
    /// The tree, as far as it was found.
    pub fn document(&self) -> LineageDocument {
        let mut children: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
        for (id, key) in &self.keys {
            if let Some(node) = node_of(id, key) {
                children.entry(key.parent().unwrap_or_default()).or_default().push(node);
            }
        }
        for created in self.created.iter().map(|(_, created)| created) {
            let origin = Origin::Created(created.clone());
            let mut node = made_by(&created.child, &origin);
            node.followed = false;
            children.entry(created.parent.as_deref().unwrap_or_default()).or_default().push(node);
        }
        for siblings in children.values_mut() {
            // Taken from the end, so the earliest comes last.
            siblings.sort_by(|a, b| (b.minted_at, &b.access_key_id).cmp(&(a.minted_at, &a.access_key_id)));
        }
        let mut nodes = Vec::new();
        let mut waiting = vec![self.root()];
        while let Some(node) = waiting.pop() {
            let depth = node.depth + 1;
            for child in children.remove(node.access_key_id.as_str()).unwrap_or_default() {
                waiting.push(Node { depth, ..child });
            }
            nodes.push(node);
        }
        self.summed_up(nodes)
    }

    fn root(&self) -> Node {
        let root = Key::default();
        let root = self.keys.get(self.all.root()).unwrap_or(&root);
        let principal = root.principal.as_ref();
        Node {
            uses: root.uses,
            arn: principal.and_then(|principal| principal.arn.clone()),
            account_id: principal.and_then(|principal| principal.account_id.clone()),
            ..empty_node(self.all.root(), Kind::Root)
        }
    }

    fn summed_up(&self, nodes: Vec<Node>) -> LineageDocument {
        let untold = self.all.descendants() - self.told.descendants();
        let mut uses = self.untold_uses;
        nodes.iter().for_each(|node| uses.add(node.uses));
        LineageDocument {
            access_key_id: self.all.root().to_owned(),
            descendants: self.all.descendants(),
            followed: !self.all.is_cut(),
            accounts: nodes.iter().filter_map(|node| node.account_id.clone()).collect(),
            roles: nodes.iter().filter_map(|node| node.role_arn.clone()).collect(),
            uses,
            not_shown: (untold > 0).then_some(NotShown { keys: untold, uses: self.untold_uses }),
            created_keys_cut: self.created.is_cut(),
            nodes,
        }
    }
}

impl Key {
    fn parent(&self) -> Option<&str> {
        match self.origin.as_ref()? {
            Origin::Minted(minted) => minted.parent.as_deref(),
            Origin::Created(created) => created.parent.as_deref(),
        }
    }
}

/// The node of a key whose origin was seen.
fn node_of(id: &str, key: &Key) -> Option<Node> {
    let mut node = made_by(id, key.origin.as_ref()?);
    node.uses = key.uses;
    node.further_parents = key.further_parents.iter().map(|(parent, ())| parent.clone()).collect();
    let principal = key.principal.as_ref();
    node.arn = node.arn.or_else(|| principal?.arn.clone());
    node.account_id = node.account_id.or_else(|| principal?.account_id.clone());
    Some(node)
}

fn made_by(id: &str, origin: &Origin) -> Node {
    match origin {
        Origin::Minted(minted) => session(id, minted.clone()),
        Origin::Created(created) => Node {
            parent: created.parent.clone(),
            event_name: Some("CreateAccessKey".to_owned()),
            minted_at: Some(created.at),
            account_id: created.account_id.clone(),
            user_name: created.user_name.clone(),
            ..empty_node(id, Kind::CreatedKey)
        },
    }
}

fn session(id: &str, minted: Minted) -> Node {
    Node {
        crosses_accounts: minted
            .account_id
            .as_ref()
            .zip(minted.caller_account_id.as_ref())
            .is_some_and(|(account, caller)| account != caller),
        parent: minted.parent,
        event_name: Some(minted.event_name),
        minted_at: Some(minted.at),
        expires_at: minted.expires_at,
        arn: minted.arn,
        role_arn: minted.role_arn,
        account_id: minted.account_id,
        session_name: minted.session_name,
        source_identity: minted.source_identity,
        ..empty_node(id, Kind::Session)
    }
}

fn empty_node(id: &str, kind: Kind) -> Node {
    Node {
        access_key_id: id.to_owned(),
        parent: None,
        depth: 0,
        kind,
        event_name: None,
        minted_at: None,
        expires_at: None,
        arn: None,
        role_arn: None,
        account_id: None,
        crosses_accounts: false,
        session_name: None,
        source_identity: None,
        user_name: None,
        followed: true,
        uses: Uses::default(),
        further_parents: Vec::new(),
    }
}
