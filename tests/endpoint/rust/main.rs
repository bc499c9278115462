//! AWS's SDK for Rust at the endpoint, under `strongroom run --endpoint`: it finds all it needs in its
//! environment, and reads every kind of answer into its types. It panics at the first that is otherwise.

use std::time::{Duration, SystemTime};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::operation::RequestId;
use aws_sdk_secretsmanager::primitives::{Blob, DateTime};
use aws_sdk_secretsmanager::types::{
    Filter, FilterNameStringType, ReplicaRegionType, RotationRulesType, Tag,
};

const ONE: &str = "11111111-1111-4111-8111-111111111111";
const TWO: &str = "22222222-2222-4222-8222-222222222222";
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
    "Principal": {"AWS": "arn:aws:iam::123456789012:role/nobody"},
    "Action": "secretsmanager:DeleteSecret", "Resource": "*"}]}"#;

#[tokio::main]
async fn main() {
    let plain = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::from_env().http_client(plain).load().await;
    let client = Client::new(&config);
    values(&client).await;
    versions(&client).await;
    settings(&client).await;
    refusals(&client).await;
    the_end(&client).await;
    println!("done");
}

async fn values(client: &Client) {
    let tag = Tag::builder().key("team").value("a").build();
    let made = client.create_secret().name("app/text").secret_string("é🔐\u{2028}\0").tags(tag);
    let made = made.client_request_token(ONE).send().await.unwrap();
    assert!(made.request_id().is_some() && made.arn().unwrap().contains(":secret:app/text-"));
    let read = client.get_secret_value().secret_id("app/text").send().await.unwrap();
    assert_eq!(read.secret_string(), Some("é🔐\u{2028}\0"));
    assert_eq!(
        (read.version_id(), read.version_stages()),
        (Some(ONE), &["AWSCURRENT".to_owned()][..])
    );
    assert!(is_now(read.created_date().unwrap()));
    let bytes: Vec<u8> = (0..=255).collect();
    let blob = Blob::new(bytes.clone());
    client.create_secret().name("app/bytes").secret_binary(blob).send().await.unwrap();
    let read = client.get_secret_value().secret_id("app/bytes").send().await.unwrap();
    assert_eq!(read.secret_binary().map(Blob::as_ref), Some(bytes.as_slice()));
    let both = client.batch_get_secret_value();
    let both =
        both.secret_id_list("app/text").secret_id_list("app/bytes").secret_id_list("nothing");
    let both = both.send().await.unwrap();
    assert_eq!((both.secret_values().len(), both.errors().len()), (2, 1));
    assert_eq!(both.errors()[0].error_code(), Some("ResourceNotFoundException"));
}

async fn versions(client: &Client) {
    let put = client.put_secret_value().secret_id("app/text").secret_string("two");
    put.client_request_token(TWO).version_stages("mine").send().await.unwrap();
    let moved =
        client.update_secret_version_stage().secret_id("app/text").version_stage("AWSCURRENT");
    moved.move_to_version_id(TWO).remove_from_version_id(ONE).send().await.unwrap();
    let before = client.get_secret_value().secret_id("app/text").version_stage("AWSPREVIOUS");
    assert_eq!(before.send().await.unwrap().version_id(), Some(ONE));
    let listed = client.list_secret_version_ids().secret_id("app/text").send().await.unwrap();
    assert_eq!(listed.versions().len(), 2);
    let changed =
        client.update_secret().secret_id("app/text").description("d").send().await.unwrap();
    assert_eq!(changed.name(), Some("app/text"));
    let password = client.get_random_password().password_length(20).send().await.unwrap();
    assert_eq!(password.random_password().map(str::len), Some(20));
}

async fn settings(client: &Client) {
    // Answers without a body.
    let tag = Tag::builder().key("k").value("v").build();
    client.tag_resource().secret_id("app/text").tags(tag).send().await.unwrap();
    client.untag_resource().secret_id("app/text").tag_keys("team").send().await.unwrap();
    let policy = client.put_resource_policy().secret_id("app/text").resource_policy(POLICY);
    policy.send().await.unwrap();
    let policy = client.get_resource_policy().secret_id("app/text").send().await.unwrap();
    assert_eq!(policy.resource_policy(), Some(POLICY));
    let judged = client.validate_resource_policy().resource_policy(POLICY).send().await.unwrap();
    assert!(judged.policy_validation_passed());
    client.delete_resource_policy().secret_id("app/text").send().await.unwrap();
    let replica = ReplicaRegionType::builder().region("eu-west-1").build();
    let replicated = client.replicate_secret_to_regions().secret_id("app/text");
    let replicated = replicated.add_replica_regions(replica).send().await.unwrap();
    assert_eq!(replicated.replication_status().len(), 1);
    let elsewhere = client.remove_regions_from_replication().secret_id("app/text");
    elsewhere.remove_replica_regions("eu-west-1").send().await.unwrap();
    let told = client.describe_secret().secret_id("app/text").send().await.unwrap();
    assert_eq!((told.description(), told.tags().len()), (Some("d"), 1));
    assert!(is_now(told.last_changed_date().unwrap()));
    assert_eq!(told.last_accessed_date().unwrap().secs() % 86_400, 0);
    let filter = Filter::builder().key(FilterNameStringType::Name).values("app/").build();
    let mut pages = client.list_secrets().filters(filter).into_paginator().page_size(1).send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.secret_list().len() <= 1);
        names.extend(page.secret_list().iter().map(|one| one.name().unwrap().to_owned()));
    }
    names.sort();
    assert_eq!(names, ["app/bytes", "app/text"]);
}

async fn refusals(client: &Client) {
    let nothing = client.get_secret_value().secret_id("nothing").send().await.unwrap_err();
    assert!(nothing.as_service_error().unwrap().is_resource_not_found_exception());
    assert_eq!(nothing.message(), Some("Secrets Manager can't find the specified secret."));
    assert!(nothing.request_id().is_some());
    let again =
        client.create_secret().name("app/text").secret_string("x").send().await.unwrap_err();
    assert!(again.as_service_error().unwrap().is_resource_exists_exception());
    let rules = RotationRulesType::builder().automatically_after_days(1).build();
    let rotated = client.rotate_secret().secret_id("app/text").rotation_rules(rules).send().await;
    assert!(rotated.unwrap_err().as_service_error().unwrap().is_invalid_request_exception());
    let stopped = client.cancel_rotate_secret().secret_id("app/text").send().await.unwrap_err();
    assert!(stopped.as_service_error().unwrap().is_invalid_request_exception());
    let kept = client.stop_replication_to_replica().secret_id("app/text").send().await.unwrap_err();
    assert!(kept.code().is_some());
}

async fn the_end(client: &Client) {
    let ended = client.delete_secret().secret_id("app/text").recovery_window_in_days(7);
    let ended = ended.send().await.unwrap();
    let days = ended.deletion_date().unwrap().secs() - now().as_secs() as i64;
    assert!((days - 7 * 86_400).abs() < 600);
    let gone = client.get_secret_value().secret_id("app/text").send().await.unwrap_err();
    assert!(gone.as_service_error().unwrap().is_invalid_request_exception());
    client.restore_secret().secret_id("app/text").send().await.unwrap();
    assert!(client.get_secret_value().secret_id("app/text").send().await.is_ok());
}

fn is_now(date: &DateTime) -> bool {
    (date.as_secs_f64() - now().as_secs_f64()).abs() < 600.0
}

fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}
