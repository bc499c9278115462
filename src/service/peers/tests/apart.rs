//! A replica and its primary that were changed apart from each other, or lost something.

use super::*;

/// One of two vaults of which another process changes the primary, and tells the replica, once a
/// parcel is packed.
struct Raced<'a> {
    pair: &'a std::cell::RefCell<Pair>,
    is_far: bool,
    is_over: &'a std::cell::Cell<bool>,
}

impl Raced<'_> {
    fn run(&mut self, task: Task) -> Result<Value, Failure> {
        let mut pair = self.pair.borrow_mut();
        if matches!(task, Task::Receive(_)) && !self.is_over.replace(true) {
            pair.put("theirs");
            assert_eq!(pair.deliver(), Some(Delivered::Done));
        }
        let service = if self.is_far { &mut pair.far } else { &mut pair.near };
        service.with(|vault, context| task.run(vault, context))
    }
}

impl Side for Raced<'_> {
    type Error = Failure;

    fn ask(&mut self, task: Task) -> Result<Value, Failure> {
        self.run(task)
    }
}

impl Far for Raced<'_> {
    fn ask(&mut self, task: Task) -> Result<Value, Trouble> {
        self.run(task).map_err(|_failure| Trouble::Failed)
    }

    fn seen(&mut self) -> Option<Seen> {
        let identity = Far::ask(self, Task::Identify).ok()?;
        Identity::from_value(identity).ok()?.seen()
    }
}

/// Two processes change a primary: the replica that is ahead of what the slower one has to tell is no
/// replica of another past.
#[test]
fn a_replica_that_is_ahead_is_no_failure() {
    let mut pair = Pair::associated();
    pair.put("ours");
    let arn = pair.arn();
    let (pair, is_over) = (std::cell::RefCell::new(pair), std::cell::Cell::new(false));
    let near = &mut Raced { pair: &pair, is_far: false, is_over: &is_over };
    let far = &mut Raced { pair: &pair, is_far: true, is_over: &is_over };
    let (delivered, _left) = course::deliver(near, far, &arn).unwrap();
    assert_eq!(delivered, Delivered::Nothing);
    let mut pair = pair.into_inner();
    assert_eq!((pair.status().as_str(), pair.left()), ("InSync", 0));
    pair.require_equal();
    pair.require_sound();
}

/// Loses the values of a secret, as a salvage or a repair does that finds them damaged.
fn lose_values(service: &mut ServiceFixture, name: &str) {
    service.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let record = transaction.find(&namespace, name).unwrap().unwrap();
        transaction.remove(&record).unwrap();
        transaction.adopt(record, &[]).unwrap();
    });
}

#[test]
fn what_a_primary_lost_its_replica_does_not_lose_in_silence() {
    let mut pair = Pair::associated();
    let replica = content(&mut pair.far, "copy");
    lose_values(&mut pair.near, "app/db");
    assert_eq!((pair.status().as_str(), pair.left()), ("InProgress", 1));
    pair.put("two");
    assert_eq!(pair.deliver(), Some(Delivered::Not(Trouble::Apart)));
    assert_eq!(pair.status(), "Failed");
    assert_eq!(content(&mut pair.far, "copy"), replica);
    pair.associate().unwrap();
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
}

#[test]
fn what_a_replica_lost_it_is_sent_again() {
    let mut pair = Pair::associated();
    lose_values(&mut pair.far, "copy");
    assert_ne!(pair.status_far(), "InSync");
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    assert_eq!(pair.status_far(), "InSync");
    pair.require_equal();
}

#[test]
fn what_was_changed_apart_is_not_overwritten() {
    let mut pair = Pair::associated();
    // Another copy of the primary's vault has told the replica something that this one never was.
    pair.far.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, "copy").unwrap().unwrap();
        record.cross_primary.as_mut().unwrap().edition = Some(7);
        transaction.update(&mut record).unwrap();
    });
    let before = content(&mut pair.far, "copy");
    pair.put("two");
    assert_eq!(pair.deliver(), Some(Delivered::Not(Trouble::Apart)));
    assert_eq!(content(&mut pair.far, "copy"), before);
    assert_eq!(pair.status(), "Failed");
    // To associate it again is to say that it is to be overwritten.
    pair.associate().unwrap();
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    assert_eq!(pair.status(), "InSync");
    pair.require_equal();
}

#[test]
fn one_version_may_have_had_two_values() {
    let mut pair = Pair::associated();
    let id = pair.near.record("app/db").unwrap().versions[0].id.clone();
    pair.far.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, "copy").unwrap().unwrap();
        let secret = crate::sys::secret::Secret::new("other".to_owned());
        let value = crate::model::secret_value::SecretValue::Text(secret);
        let stored = transaction.insert_value(record.rid, &id, &value).unwrap();
        let old = record.versions[0].value.replace(stored).unwrap();
        transaction.remove_value(&old).unwrap();
        record.cross_primary.as_mut().unwrap().edition = Some(7);
        transaction.update(&mut record).unwrap();
    });
    pair.associate().unwrap();
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
}

/// The parts that came are known even where nothing else is that the replica has.
#[test]
fn many_values_come_in_parts_to_a_replica_that_was_changed_apart() {
    let mut pair = Pair::associated();
    for number in 0..9 {
        pair.put(&format!("{number}").repeat(400));
    }
    pair.far.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, "copy").unwrap().unwrap();
        record.cross_primary.as_mut().unwrap().edition = Some(7);
        transaction.update(&mut record).unwrap();
    });
    pair.associate().unwrap();
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
}

/// A version that fell off the end is gone, and its id may be given to another value: also while the
/// replica is away, which still has the first.
#[test]
fn an_id_that_was_used_again_is_another_version() {
    let put = |pair: &mut Pair, token: &str, value: &str| {
        let request =
            json!({"SecretId": "app/db", "SecretString": value, "ClientRequestToken": token});
        pair.near.call("PutSecretValue", &request.to_string()).unwrap();
    };
    let mut pair = Pair::associated();
    let again = "a".repeat(32);
    put(&mut pair, &again, "one");
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    let has = |pair: &mut Pair| pair.near.record("app/db").unwrap().version(&again).is_some();
    for number in 0.. {
        if !has(&mut pair) {
            break;
        }
        put(&mut pair, &format!("b{number:0>31}"), &format!("value {number}"));
        pair.near.advance(3_600_000);
    }
    put(&mut pair, &again, "two");
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
    pair.require_sound();
}
