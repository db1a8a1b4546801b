//! The commits that some have and others do not.

use std::collections::{BinaryHeap, HashMap, HashSet};

use super::commit::Commit;
use super::gaps::Gaps;
use super::objects::ObjectKind;
use super::read::ReadObjects;
use crate::object_id::ObjectId;

/// A commit that is new, and the trees that it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// The commit.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// The trees of its parents, as far as they are here.
    pub before: Vec<ObjectId>,
}

/// How many commits beyond the last new one are looked at, since the clocks of those who commit are not all right.
const SLOP: usize = 32;

/// The commits that are reachable from `tips` and not from `known`, the oldest first. Where dates are wrong by far, there may
/// be some that are: as in git, the walk goes by dates, and not to the beginning of all history.
pub fn new_commits(
    objects: &mut impl ReadObjects,
    tips: &[ObjectId],
    known: &[ObjectId],
    shallow: &HashSet<ObjectId>,
    gaps: &mut Gaps,
) -> Vec<NewCommit> {
    let mut walk =
        Walk { objects, shallow, gaps, commits: HashMap::new(), queue: BinaryHeap::new(), waiting: 0 };
    for id in known {
        walk.meet(*id, true);
    }
    for id in tips {
        walk.meet(*id, false);
    }
    let mut new = Vec::new();
    let mut oldest = i64::MAX;
    let mut slop = SLOP;
    while let Some((seconds, id)) = walk.queue.pop() {
        let Some(commit) = walk.commits.get_mut(&id) else { continue };
        commit.queued = false;
        let (is_known, parents) = (commit.known, commit.commit.parents.clone());
        if is_known {
            if walk.waiting == 0 && seconds < oldest {
                slop -= 1;
                if slop == 0 {
                    break;
                }
            }
        } else {
            walk.waiting -= 1;
            slop = SLOP;
            oldest = oldest.min(seconds);
            new.push(id);
            if walk.shallow.contains(&id) {
                walk.gaps.shallow();
            }
        }
        for parent in parents {
            walk.meet(parent, is_known);
        }
    }
    let commits = walk.commits;
    new.reverse();
    new.into_iter()
        .filter_map(|id| {
            let Met { commit, known, .. } = &commits[&id];
            let before =
                commit.parents.iter().filter_map(|parent| Some(commits.get(parent)?.commit.tree)).collect();
            (!known).then_some(NewCommit { id, tree: commit.tree, before })
        })
        .collect()
}

struct Walk<'a, O> {
    objects: &'a mut O,
    shallow: &'a HashSet<ObjectId>,
    gaps: &'a mut Gaps,
    commits: HashMap<ObjectId, Met>,
    /// By date, the newest first.
    queue: BinaryHeap<(i64, ObjectId)>,
    /// How many in the queue are not known.
    waiting: usize,
}

struct Met {
    commit: Commit,
    known: bool,
    queued: bool,
}

impl<O: ReadObjects> Walk<'_, O> {
    fn meet(&mut self, id: ObjectId, known: bool) {
        if let Some(met) = self.commits.get(&id) {
            if known && !met.known {
                self.mark(id);
            }
            return;
        }
        let Some(commit) = self.read(id, known) else { return };
        self.queue.push((commit.seconds, id));
        self.waiting += usize::from(!known);
        self.commits.insert(id, Met { commit, known, queued: true });
    }

    /// Marks a commit that was met as a new one, and all before it, as known.
    fn mark(&mut self, id: ObjectId) {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let Some(met) = self.commits.get_mut(&id).filter(|met| !met.known) else { continue };
            met.known = true;
            if met.queued {
                self.waiting -= 1;
            } else {
                open.extend(&met.commit.parents);
            }
        }
    }

    fn read(&mut self, id: ObjectId, known: bool) -> Option<Commit> {
        let commit = match self.objects.read(&id) {
            Ok(Some(object)) if object.kind == ObjectKind::Commit => Commit::parse(object.content).ok(),
            Ok(Some(_)) => None,
            // What lies before a known commit is nothing that is to be read.
            Ok(None) => {
                if !known {
                    self.gaps.missing("commits", id);
                }
                return None;
            }
            Err(error) => {
                if !known {
                    self.gaps.damaged(&error);
                }
                return None;
            }
        };
        match commit {
            Some(mut commit) => {
                if self.shallow.contains(&id) {
                    commit.parents.clear();
                }
                Some(commit)
            }
            None => {
                self.gaps.wrong(&id, "it is no commit");
                None
            }
        }
    }
}
