//! What every [`Outbox`] must do. An implementation's test calls [`check_all`] with an empty one.

use jiff::Timestamp;
use rotakey_core::id::RotationId;
use rotakey_core::notify::{NoticeId, Topic};

use crate::outbox::{Delivery, DeliveryState, Outbox};
use crate::store::StoreError;

/// Checks every promise of the contract, on an outbox that holds nothing.
pub async fn check_all(outbox: &dyn Outbox) {
    what_is_written_is_read_back(outbox).await;
    only_one_of_two_writers_wins(outbox).await;
    a_rotation_is_settled_once_and_for_all(outbox).await;
}

/// [`Outbox::deliveries`] gives back what [`Outbox::write`] took, each by topic, notice and channel.
pub async fn what_is_written_is_read_back(outbox: &dyn Outbox) {
    let rotation = rotation('b');
    assert_eq!(outbox.deliveries(&topic(&rotation)).await, Ok(Vec::new()), "nothing was written");
    let states = [
        DeliveryState::Sending { until: at(1) },
        DeliveryState::Failed { at: at(2), message: "it's \"no\" answer\u{1f525}".to_owned() },
        DeliveryState::Sending { until: at(3) },
        DeliveryState::Sent { at: at(4) },
    ];
    for (version, state) in (1..).zip(states) {
        let delivery =
            Delivery { version, attempts: version, state, ..delivery(&rotation, "2/begun", "mail") };
        outbox.write(&delivery).await.expect("the version follows the one before");
        assert_eq!(outbox.deliveries(&topic(&rotation)).await, Ok(vec![delivery]));
    }
    let others = [("2/begun", "chat"), ("3/asks", "mail")];
    for (notice, channel) in others {
        let other = Delivery { state: DeliveryState::NotMeant, ..delivery(&rotation, notice, channel) };
        outbox.write(&other).await.expect("it is the first of its own");
    }
    assert_eq!(outbox.deliveries(&topic(&rotation)).await.map(|all| all.len()), Ok(3));
    assert_eq!(
        outbox.deliveries(&topic(&self::rotation('c'))).await,
        Ok(Vec::new()),
        "another rotation has nothing"
    );
    // A user that is left to a person is a topic as well; root is called this.
    let topic = Topic::from_stored("left/111122223333/<root_account>".to_owned());
    let notice = NoticeId::from_stored(format!("{topic}/1/left"));
    let left = Delivery { topic: topic.clone(), notice, ..delivery(&rotation, "2/begun", "mail") };
    outbox.write(&left).await.expect("it is the first of its own");
    assert_eq!(outbox.deliveries(&topic).await, Ok(vec![left]));
}

/// [`Outbox::write`] takes only the version that follows.
pub async fn only_one_of_two_writers_wins(outbox: &dyn Outbox) {
    let rotation = rotation('d');
    let first = delivery(&rotation, "2/begun", "mail");
    let skipped = Delivery { version: 2, ..first.clone() };
    assert_eq!(outbox.write(&skipped).await, Err(StoreError::Conflict), "there is no version 1");
    outbox.write(&first).await.expect("nothing is there");
    assert_eq!(outbox.write(&first).await, Err(StoreError::Conflict), "version 1 is there");
    outbox.write(&skipped).await.expect("version 2 follows version 1");
    assert_eq!(outbox.write(&skipped).await, Err(StoreError::Conflict), "version 2 is there");
    assert_eq!(
        outbox.deliveries(&topic(&rotation)).await,
        Ok(vec![skipped]),
        "what was refused changed nothing"
    );
}

/// [`Outbox::settled`] has what [`Outbox::settle`] was told, once.
pub async fn a_rotation_is_settled_once_and_for_all(outbox: &dyn Outbox) {
    let rotation = rotation('e');
    assert!(!outbox.settled().await.expect("it can be read").contains(&rotation));
    for _ in 0..2 {
        outbox.settle(&rotation).await.expect("it can be settled twice");
        assert!(outbox.settled().await.expect("it can be read").contains(&rotation));
    }
}

fn rotation(letter: char) -> RotationId {
    format!("r-{}", letter.to_string().repeat(16)).parse().expect("letters are a rotation id")
}

fn topic(rotation: &RotationId) -> Topic {
    rotation.into()
}

fn delivery(rotation: &RotationId, notice: &str, channel: &str) -> Delivery {
    Delivery {
        topic: topic(rotation),
        notice: NoticeId::from_stored(format!("{rotation}/{notice}")),
        channel: channel.to_owned(),
        version: 1,
        attempts: 1,
        state: DeliveryState::Sending { until: at(1) },
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("it is within the years")
}
