//! A function as it is written for AWS Lambda, run unmodified by the adapter.

use std::fs;

use serde_json::{Value, json};

use super::course::Course;
use super::server;
use super::stage::{Stage, write};

/// What the function imports: a device that keeps its password in a file.
const DEVICE: &str = r#"
import os
def set_password(password):
    open(os.environ["DEVICE"], "w").write(password)
def check(password):
    if open(os.environ["DEVICE"]).read() != password:
        raise ConnectionError("the device refuses the password")
"#;

/// A function that gives up as many of AWS's samples do.
const GIVES_UP: &str = r#"
import sys, threading, time
import handler
threading.Thread(target=time.sleep, args=(1000,)).start()
def lambda_handler(event, context):
    if event["Step"] == "setSecret":
        sys.exit()
    handler.lambda_handler(event, context)
"#;

#[test]
fn a_function_of_aws_runs_here() {
    let stage = Stage::new();
    let Some([python]) = server::tools(["python3"]) else { return };
    let handler = stage.write("handler.py", include_str!("handler.py"));
    stage.write("device.py", DEVICE);
    let device = stage.at("device");
    write(&device, "first");
    stage.store("lambda", &json!({ "username": "ada", "password": "first" }));
    let accepts = |value: &Value| {
        fs::read_to_string(&device).ok() == value["password"].as_str().map(str::to_owned)
    };
    let adapter = stage.template("lambda-adapter");
    let command = [&python, std::path::Path::new("-I"), &adapter, &handler];
    let variable = format!("DEVICE={device}");
    let course = Course {
        stage: &stage,
        secret: "lambda",
        options: vec!["--rotation-env".to_owned(), variable],
        command: command.map(|word| word.to_str().unwrap().to_owned()).to_vec(),
        accepts: &accepts,
        grace: 0,
        hidden: "password",
    };
    course.rotates_three_times();
    course.survives_crashes();

    // The test alone, with a copy of the current value.
    let words = ["rotate-secret", "--secret-id", "lambda", "--no-rotate-immediately"];
    let before = stage.labels("lambda");
    let tested = stage.strongroom(&words, "");
    assert_eq!(tested.code, 0, "{}", tested.stderr_text());
    assert_eq!(stage.labels("lambda"), before);
    write(&device, "changed by hand");
    let tested = stage.strongroom(&words, "");
    assert_eq!(tested.code, 254);
    let told = tested.stderr_text();
    assert!(told.contains("during testSecret step: exit status 1."), "{told}");
    assert_eq!(stage.labels("lambda"), before);

    // Giving up by sys.exit() is a failure, as in Lambda; threads that are left are none.
    write(&device, stage.value("lambda", "AWSCURRENT").unwrap()["password"].as_str().unwrap());
    let failing = stage.write("failing.py", GIVES_UP);
    let command = [&python, std::path::Path::new("-I"), &adapter, &failing];
    let command = command.map(|word| word.to_str().unwrap());
    let variable = format!("DEVICE={device}");
    let failed = stage.register("lambda", &["--rotation-env", &variable], &command);
    let told = failed.stderr_text();
    assert!(told.contains("during setSecret step: exit status 1."), "{told}");
    assert!(told.contains("SystemExit"), "{told}");
    let drop = ["update-secret-version-stage", "--secret-id", "lambda", "--version-stage"];
    let pending = stage.labels("lambda")["AWSPENDING"].clone();
    let drop = [&drop[..], &["AWSPENDING", "--remove-from-version-id", &pending]].concat();
    assert_eq!(stage.strongroom(&drop, "").code, 0);
    let command = [&python, std::path::Path::new("-I"), &adapter, &handler];
    let command = command.map(|word| word.to_str().unwrap());
    let healed = stage.register("lambda", &["--rotation-env", &variable], &command);
    assert_eq!(healed.code, 0, "{}", healed.stderr_text());

    // A function that is another than was approved does not run.
    write(&handler, "def lambda_handler(event, context): pass\n");
    let refused = stage.rotate("lambda");
    assert_ne!(refused.code, 0);
    assert!(refused.stderr_text().contains("handler.py"), "{}", refused.stderr_text());
}
