//! Who uses the keys in a trial, and whether the machine heeds it.

use super::*;

impl Trial {
    pub(super) fn use_key(&mut self, key: &AccessKeyId, by: &str) {
        self.world.use_key(key, "s3");
        self.uses.push(Use { at: self.world.now, key: key.clone(), by: by.to_owned() });
    }

    /// The consumers of a key as a source tells them that sees all.
    pub(super) fn usage_of(&self, key: &AccessKeyId, since: Timestamp) -> Box<KeyUsage> {
        let mut consumers: BTreeMap<&str, ConsumerUse> = BTreeMap::new();
        for one in self.uses.iter().filter(|one| one.key == *key && one.at >= since) {
            let consumer = Consumer {
                source: one.by.clone(),
                agent: "application".to_owned(),
                service: "s3".to_owned(),
                region: "eu-west-1".to_owned(),
            };
            let used = consumers.entry(&one.by).or_insert_with(|| ConsumerUse {
                consumer,
                first_at: one.at,
                last_at: one.at,
                calls: 0,
                longest_gap: SignedDuration::ZERO,
            });
            used.longest_gap = used.longest_gap.max(one.at.duration_since(used.last_at));
            used.last_at = used.last_at.max(one.at);
            used.calls += 1;
        }
        let none = KeyUsage::none(since, self.world.now);
        Box::new(KeyUsage { consumers: consumers.into_values().collect(), ..none })
    }

    /// Every application that uses the old key has been seen on the new one, or has been silent for as long as it
    /// ever was, or a person has answered for it.
    pub(super) fn check_nobody_is_left(&self) {
        let Some(new) = self.rotation.new_key() else { return };
        let longest_quiet = self.rotation.plan().timing.longest_quiet;
        for used in self.usage_of(&key(OLD), Timestamp::MIN).consumers {
            let moved =
                |one: &Use| one.by == used.consumer.source && one.key == *new && one.at > used.last_at;
            let silent = self.latest.duration_since(used.last_at) + SETTLE;
            let quiet = silent > used.longest_gap.min(longest_quiet);
            let vouched = self.vouched.is_some_and(|at| at >= used.last_at);
            assert!(
                quiet || vouched || self.uses.iter().any(moved),
                "the old key goes while {used:?} has not moved"
            );
        }
    }
}
