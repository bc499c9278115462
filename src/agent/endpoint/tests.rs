//! Who has which key at an endpoint, and until when.

use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Instant;

use serde_json::Value as Json;

use super::*;
use crate::agent::grants::{Given, Term};
use crate::agent::limits::Limits;
use crate::agent::messages::{EndsWith, Granting, Reads, Unlock};
use crate::agent::testing::{self, Opening};
use crate::service::grants::GrantSpec;
use crate::service::keys::errand::Errand;
use crate::service::operations;
use crate::sys::clock::{Moments, SystemMoments};
use crate::vault::Origin;

/// Lends an agent that holds a vault open for an hour.
fn with_agent(work: impl FnOnce(&Agent<'_>, &Session)) {
    let opening = Opening::new();
    let nowhere = opening.scratch.path();
    let agent = testing::agent(nowhere, &SystemMoments);
    let limits = Limits { idle_ms: 3_600_000, age_ms: 3_600_000 };
    let unlock = testing::unlock(&opening.path(), Reads::Batched);
    assert!(agent.unlock(Unlock { limits, ..unlock }).unwrap().is_ok());
    let session = agent.sessions.all().remove(0);
    work(&agent, &session);
    agent.end();
}

/// Grants drawing passwords, with a key. Returns what the agent says of it.
fn granted(agent: &Agent<'_>, session: &Session) -> Json {
    let spec = json!({
        "Operations": ["GetRandomPassword"], "Secrets": ["*"], "Tags": [], "ReadOnly": true, "Policies": [],
        "SessionPolicies": [], "PrincipalTags": [],
    });
    let how = Granting { with_key: true, ends_with: EndsWith::Time };
    agent.grant(&Actor::default(), &copy(&session.token), &spec, how).unwrap()
}

/// Asks for a password, and returns the code of what is refused.
fn drawn(principal: &dyn Principal) -> Result<Value, String> {
    let entry = operations::ALL.iter().find(|entry| entry.name == "GetRandomPassword").unwrap();
    let (request, presented) = (Value::Map(Vec::new()), back::Presented::default());
    let drawn = principal.call(Call { entry, request, region: Some("local-1"), presented });
    drawn.map_err(|trouble| match trouble {
        Trouble::Failed(Failure::Fault(fault)) => fault.code.as_str().to_owned(),
        Trouble::Failed(Failure::Vault(error)) => error.to_string(),
        Trouble::Gone(why) => why.to_owned(),
    })
}

const DENIED: &str = "AccessDeniedException";

#[test]
fn a_key_is_good_until_its_grant_is_taken_back() {
    with_agent(|agent, session| {
        let told = granted(agent, session);
        let text = |json: &Json| json.as_str().unwrap().to_owned();
        let (id, token) = (text(&told["key"]["id"]), text(&told["token"]));
        let session_token = text(&told["key"]["token"]);
        let endpoint = Endpoint::of(agent, session);
        let credential = endpoint.credential(&id).unwrap().unwrap();
        assert_eq!(credential.secret.expose(), told["key"]["secret"].as_str().unwrap());
        assert_eq!(credential.session_token.unwrap().expose(), &session_token);
        assert!(drawn(&*credential.principal).is_ok());
        let who = credential.principal.identity("local-1").unwrap();
        assert!(who.arn.contains(":assumed-role/strongroom-grant/"), "{}", who.arn);
        for token in [&token, &session_token] {
            assert_eq!(endpoint.lend(token).unwrap().unwrap().access_key_id, id);
            assert!(drawn(&*endpoint.local(token).unwrap().unwrap()).is_ok());
        }
        for token in ["", &id, session.token.expose()] {
            assert!(
                endpoint.lend(token).unwrap().is_none() && endpoint.local(token).unwrap().is_none()
            );
        }

        let grants = lock(&session.grants).shown(SystemMoments.moment());
        let Value::List(grants) = grants else { panic!() };
        let Some(Value::Text(grant)) = grants[0].get("Id") else { panic!() };
        assert!(lock(&session.grants).revoke(grant));
        assert_eq!(drawn(&*credential.principal).err().as_deref(), Some(DENIED));
        assert!(endpoint.credential(&id).unwrap().is_none());
        assert!(
            endpoint.lend(&token).unwrap().is_none() && endpoint.local(&token).unwrap().is_none()
        );
    });
}

/// Whoever verifies the signature says that it is over, where an unknown one is none.
#[test]
fn a_key_that_is_over_is_known_and_of_no_use() {
    with_agent(|agent, session| {
        let told = granted(agent, session);
        let id = told["key"]["id"].as_str().unwrap();
        let now = SystemMoments.moment();
        let key = lock(&session.grants).key(id, now);
        let Value::List(grants) = lock(&session.grants).shown(now) else { panic!() };
        let Some(Value::Text(grant)) = grants[0].get("Id") else { panic!() };
        assert!(lock(&session.grants).revoke(grant));
        let token = Secret::new(told["token"].as_str().unwrap().to_owned());
        let given = Given { token: copy(&token), key };
        let term = Term { lifetime_ms: 0, holder: None };
        lock(&session.grants).add(given, Caller::Owner, now, term);

        let endpoint = Endpoint::of(agent, session);
        let credential = endpoint.credential(id).unwrap().unwrap();
        assert_eq!(drawn(&*credential.principal).err().as_deref(), Some(DENIED));
        assert!(endpoint.lend(token.expose()).unwrap().is_none());
        assert!(endpoint.local(token.expose()).unwrap().is_none());
    });
}

/// Runs an errand about the vault's own keys, and returns its answer.
fn done(agent: &Agent<'_>, session: &Session, errand: Errand) -> Value {
    let (origin, moment) = (Origin::default(), agent.moments.moment());
    let work = |vault: &mut Vault, circumstances: Circumstances<'_>| {
        errand.run(vault, circumstances.context())
    };
    agent.lent(&origin, session, (moment, Use::Counts), work).unwrap().unwrap()
}

/// A text somewhere in an answer.
fn text(value: &Value, name: &str) -> Option<String> {
    let Value::Map(members) = value else { return None };
    members.iter().find_map(|(known, value)| {
        if let Value::Text(found) = value {
            return (known == name).then(|| found.clone());
        }
        text(value, name)
    })
}

/// Without the second look, what was found before it was deleted is good as long as it is remembered.
#[test]
fn a_key_of_the_vault_is_good_until_it_is_deleted() {
    with_agent(|agent, session| {
        let spec = GrantSpec {
            operations: vec!["GetRandomPassword".to_owned()],
            secrets: vec!["*".to_owned()],
            user_name: Some("ci".to_owned()),
            ..GrantSpec::default()
        };
        let made = done(agent, session, Errand::create(spec).unwrap());
        let (id, secret) = (text(&made, "AccessKeyId").unwrap(), text(&made, "SecretAccessKey"));
        let endpoint = Endpoint::of(agent, session);
        for _ in 0..3 {
            let found = endpoint.credential(&id).unwrap().unwrap();
            assert_eq!(Some(found.secret.expose()), secret.as_ref());
            assert!(found.session_token.is_none() && drawn(&*found.principal).is_ok());
            let who = found.principal.identity("local-1").unwrap();
            assert!(who.arn.ends_with(":user/ci"), "{}", who.arn);
        }
        assert!(endpoint.credential("AKIAIOSFODNN7EXAMPLE").unwrap().is_none());

        let before = endpoint.credential(&id).unwrap().unwrap();
        done(agent, session, Errand::Delete { id: id.clone() });
        assert_eq!(drawn(&*before.principal).err().as_deref(), Some(DENIED));
        assert!(endpoint.credential(&id).unwrap().is_none());
    });
}

/// Has a client ask for an endpoint while something is done with it. Returns what ended it is over.
fn served(agent: &Agent<'_>, session: &Session, meanwhile: impl FnOnce(&Json, UnixStream)) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let is_over = OnceLock::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let token = copy(&session.token);
            let reply = agent.serve(&Actor::default(), &ours, &token, &At::Port(0));
            assert!(reply.is_none());
            is_over.set(()).unwrap();
        });
        let message = Framing::Frame.read(&theirs, Instant::now() + PATIENCE, 1 << 10);
        let reply = Reply::read(message.unwrap().unwrap().expose()).unwrap();
        meanwhile(&reply.outcome.unwrap(), theirs);
    });
    assert!(is_over.get().is_some());
}

fn is_heard(told: &Json) -> bool {
    let at = told["endpoint"].as_str().unwrap().trim_start_matches("http://");
    TcpStream::connect(at).is_ok()
}

#[test]
fn an_endpoint_ends_with_whoever_asked_for_it_and_with_the_lock() {
    with_agent(|agent, session| {
        let mut at = Json::Null;
        served(agent, session, |told, client| {
            assert!(is_heard(told));
            // It is no use of the vault, and does not keep it from being locked.
            assert!(!session.long_work.is_running());
            at = told.clone();
            drop(client);
        });
        assert!(!is_heard(&at));
        served(agent, session, |told, _client| {
            let connected = is_heard(told);
            assert_eq!(agent.lock(None)["locked"], 1);
            assert!(connected && !is_heard(told));
        });
        let token = copy(&session.token);
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let reply = agent.serve(&Actor::default(), &ours, &token, &At::Port(0)).unwrap();
        assert!(matches!(reply.outcome, Err(Refused::Locked(_))));
    });
}

/// Whoever finds out that the vault is another one is waited for by the lock, and cannot lock it himself.
#[test]
fn a_vault_that_was_replaced_is_given_up() {
    with_agent(|agent, session| {
        let told = granted(agent, session);
        let endpoint = Endpoint::of(agent, session);
        let found = endpoint.credential(told["key"]["id"].as_str().unwrap()).unwrap().unwrap();
        std::fs::remove_file(&session.path).unwrap();
        let gone = Gone::Replaced.told();
        assert_eq!(drawn(&*found.principal).err().as_deref(), Some(gone));
        assert_eq!(session.end(SystemMoments.moment()), Some(Gone::Replaced));
    });
}
