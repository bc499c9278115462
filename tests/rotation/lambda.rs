//! A function as it is written for AWS Lambda, run unmodified by the adapter.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::course::Course;
use super::fixture::{RotationFixture, write};
use super::server;
use crate::harness::files;

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
    let fixture = RotationFixture::new();
    let Some([python]) = server::tools(["python3"]) else { return };
    let handler = fixture.write("handler.py", include_str!("handler.py"));
    fixture.write("device.py", DEVICE);
    let device = fixture.at("device");
    write(&device, "first");
    fixture.store("lambda", &json!({ "username": "ada", "password": "first" }));
    let accepts = |value: &Value| {
        fs::read_to_string(&device).ok() == value["password"].as_str().map(str::to_owned)
    };
    let adapter = fixture.template("lambda-adapter");
    let command = [&python, Path::new("-I"), &adapter, &handler];
    let variable = format!("DEVICE={device}");
    let course = Course {
        fixture: &fixture,
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
    let before = fixture.labels("lambda");
    let tested = fixture.strongroom(&words, "");
    assert_eq!(tested.code, 0, "{}", tested.stderr_text());
    assert_eq!(fixture.labels("lambda"), before);
    write(&device, "changed by hand");
    let tested = fixture.strongroom(&words, "");
    assert_eq!(tested.code, 254);
    let told = tested.stderr_text();
    assert!(told.contains("during testSecret step: exit status 1."), "{told}");
    assert_eq!(fixture.labels("lambda"), before);

    // Giving up by sys.exit() is a failure, as in Lambda; threads left running are not.
    write(&device, fixture.value("lambda", "AWSCURRENT").unwrap()["password"].as_str().unwrap());
    let failing = fixture.write("failing.py", GIVES_UP);
    let command = [&python, Path::new("-I"), &adapter, &failing];
    let command = command.map(|word| word.to_str().unwrap());
    let variable = format!("DEVICE={device}");
    let failed = fixture.register("lambda", &["--rotation-env", &variable], &command);
    let told = failed.stderr_text();
    assert!(told.contains("during setSecret step: exit status 1."), "{told}");
    assert!(told.contains("SystemExit"), "{told}");
    let drop = ["update-secret-version-stage", "--secret-id", "lambda", "--version-stage"];
    let pending = fixture.labels("lambda")["AWSPENDING"].clone();
    let drop = [&drop[..], &["AWSPENDING", "--remove-from-version-id", &pending]].concat();
    assert_eq!(fixture.strongroom(&drop, "").code, 0);
    let command = [&python, Path::new("-I"), &adapter, &handler];
    let command = command.map(|word| word.to_str().unwrap());
    let healed = fixture.register("lambda", &["--rotation-env", &variable], &command);
    assert_eq!(healed.code, 0, "{}", healed.stderr_text());

    // A function other than the one that was approved does not run.
    write(&handler, "def lambda_handler(event, context): pass\n");
    let refused = fixture.rotate("lambda");
    assert_ne!(refused.code, 0);
    assert!(refused.stderr_text().contains("handler.py"), "{}", refused.stderr_text());
}

/// What functions import and call, and where they look for files. Before, one that made a client of
/// another service could not even be loaded.
#[test]
fn functions_find_what_they_have_in_lambda() {
    let fixture = RotationFixture::new();
    let Some([python]) = server::tools(["python3"]) else { return };
    let handler = fixture.write("imports.py", include_str!("imports.py"));
    fixture.write("settings.json", "{\"length\": 20}");
    fixture.write("shared.py", "LAYER = True\n");
    fixture.store("lambda", &json!("first"));
    fixture.store("other", &json!("other"));
    let adapter = fixture.template("lambda-adapter");
    let command = [&python, Path::new("-I"), &adapter, &handler];
    let command = command.map(|word| word.to_str().unwrap());
    let rotated = fixture.register("lambda", &["-v"], &command);
    let told = rotated.stderr_text();
    assert_eq!(rotated.code, 0, "{told}");
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        assert!(told.contains(&format!("rotation: printed in {step}")), "{told}");
        assert!(told.contains(&format!("rotation: a child in {step}")), "{told}");
    }
    let words = ["get-secret-value", "--secret-id", "lambda", "--query", "SecretString"];
    assert_eq!(fixture.strongroom(&words, "").stdout_text().trim_end(), "\"made\"");
    assert_eq!(fixture.described("lambda")["Tags"][0]["Key"], "rotated-by");
}

/// Layers are in a system directory, so another directory takes its place.
#[test]
fn layers_are_found_after_what_lies_beside_the_function() {
    let fixture = RotationFixture::new();
    let Some([python]) = server::tools(["python3"]) else { return };
    let adapter = fixture.template("lambda-adapter");
    for (path, text) in [
        ("bundle/handler.py", "import both, layer\ndef told(): return both.WHERE + layer.WHERE\n"),
        ("bundle/both.py", "WHERE = 'bundle '\n"),
        ("layers/both.py", "WHERE = 'wrong '\n"),
        ("layers/layer.py", "WHERE = 'layer'\n"),
    ] {
        files::make_dirs(fixture.place().join(path).parent().unwrap());
        fixture.write(path, text);
    }
    let script = "import sys, types\n\
                  adapter = types.ModuleType('adapter')\n\
                  exec(open(sys.argv[1]).read(), adapter.__dict__)\n\
                  assert adapter.LAYERS[0] == '/opt/python'\n\
                  adapter.LAYERS = ['/not/there', sys.argv[2] + '/layers']\n\
                  print(adapter.load(sys.argv[2] + '/bundle/handler.py', 'told')())\n";
    let output = Command::new(python)
        .args(["-Ic", script])
        .args([&adapter, fixture.place()])
        .env("TMPDIR", fixture.place())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(told.trim_end(), "bundle layer", "{}", String::from_utf8_lossy(&output.stderr));
}

/// A function that fails as AWS's for MySQL do on Debian, where the certificates are elsewhere.
const TRAP: &str = r#"
import ssl
import boto3
def lambda_handler(event, context):
    if event["Step"] != "createSecret":
        set_secret()
    boto3.client("secretsmanager").put_secret_value(
        SecretId=event["SecretId"], ClientRequestToken=event["ClientRequestToken"],
        SecretString="made by a function", VersionStages=["AWSPENDING"])
def set_secret():
    try:
        ssl.create_default_context(cafile="/etc/pki/tls/not-there.pem")
    except OSError as error:
        raise ConnectionError("no way to the database") from error
"#;

/// Of an error only the last frame was shown, which is the standard library's, and a file that was
/// not found had no name.
#[test]
fn an_error_tells_where_the_function_was_and_which_file_is_missing() {
    let fixture = RotationFixture::new();
    let Some([python]) = server::tools(["python3"]) else { return };
    let handler = fixture.write("trap.py", TRAP);
    fixture.store("lambda", &json!("first"));
    let adapter = fixture.template("lambda-adapter");
    let command = [&python, Path::new("-I"), &adapter, &handler];
    let failed = fixture.register("lambda", &[], &command.map(|word| word.to_str().unwrap()));
    let told = failed.stderr_text();
    let lines: Vec<&str> = told.lines().map(str::trim_end).collect();
    for wanted in [
        "rotation: ConnectionError: no way to the database",
        "rotation:     trap.py:6 in lambda_handler",
        "rotation:     trap.py:14 in set_secret",
        "rotation: after",
        "rotation: FileNotFoundError: [Errno 2] No such file or directory: \
         '/etc/pki/tls/not-there.pem'",
        "rotation:     trap.py:12 in set_secret",
    ] {
        assert!(lines.contains(&wanted), "{wanted}: {told}");
    }
    assert!(lines.iter().any(|line| line.contains("    ssl.py:")), "{told}");
    assert!(!told.contains("lambda-adapter:"), "{told}");
}

/// What such functions raise.
const DEEP: &str = r#"
import os
class Shy(Exception):
    __notes__ = ["as was noted"]
    def __eq__(self, other):
        raise ValueError("cannot be compared")
    def __str__(self):
        return "deep down" if os.environ["HOW"] == "deep" else [].pop()
def fall(depth):
    if depth:
        fall(depth - 1)
    raise Shy()
def lambda_handler(event, context):
    try:
        fall(40)
    except Shy as error:
        raise Shy() from error
"#;

/// Of twenty lines that were shown none said what was wrong, as forty frames came after it.
#[test]
fn an_error_says_what_it_is_however_deep_it_is() {
    let fixture = RotationFixture::new();
    let Some([python]) = server::tools(["python3"]) else { return };
    let handler = fixture.write("deep.py", DEEP);
    fixture.store("lambda", &json!("first"));
    let adapter = fixture.template("lambda-adapter");
    let command = [&python, Path::new("-I"), &adapter, &handler].map(|word| word.to_str().unwrap());
    for (how, what) in
        [("HOW=deep", "deep down; as was noted"), ("HOW=shy", "it cannot say why: IndexError")]
    {
        let failed = fixture.register("lambda", &["--rotation-env", how], &command);
        let told = failed.stderr_text();
        let errors = told.lines().filter(|line| *line == format!("rotation: Shy: {what}"));
        assert_eq!(errors.count(), 2, "{told}");
        assert!(told.contains("deep.py:17 in lambda_handler"), "{told}");
        assert!(told.contains("deep.py:12 in fall"), "{told}");
    }
}

/// Puts compiled code beside a module that looks like the module's own and does another thing.
const PLANT: &str = r#"
import importlib._bootstrap_external as bootstrap, importlib.util, os, sys
for source in sys.argv[1:]:
    code = compile("raise RuntimeError('planted')", source, "exec")
    found = os.stat(source)
    compiled = bootstrap._code_to_timestamp_pyc(code, int(found.st_mtime), found.st_size)
    place = importlib.util.cache_from_source(source)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "wb") as file:
        file.write(compiled)
"#;

/// A program in Python that is no function of AWS.
const PLAIN: &str = r#"
import json, sys, device
event = json.load(sys.stdin)
if event["step"] == "createSecret":
    print(json.dumps({"SecretString": json.dumps({"username": "ada", "password": "plain"})}))
"#;

/// What was planted in `__pycache__` ran in the place of a pinned file.
#[test]
fn compiled_code_beside_a_function_is_not_used() {
    let fixture = RotationFixture::new();
    let Some([python]) = server::tools(["python3"]) else { return };
    let handler = fixture.write("functions/handler.py", include_str!("handler.py"));
    let module = fixture.write("functions/device.py", DEVICE);
    let plain = fixture.write("functions/plain.py", PLAIN);
    let device = fixture.at("device");
    write(&device, "first");
    fixture.store("lambda", &json!({ "username": "ada", "password": "first" }));
    let plant = || {
        let mut planting = Command::new(&python);
        planting.args(["-I", "-c", PLANT]).args([&handler, &module]);
        assert!(planting.status().unwrap().success());
    };
    plant();
    let adapter = fixture.template("lambda-adapter");
    let command = [&python, Path::new("-I"), &adapter, &handler].map(|word| word.to_str().unwrap());
    let variable = format!("DEVICE={device}");
    let rotated = fixture.register("lambda", &["--rotation-env", &variable], &command);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr_text());

    let command = [&*python, &plain].map(|word| word.to_str().unwrap());
    let rotated = fixture.register("lambda", &["--rotation-protocol", "stdio"], &command);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr_text());

    // Other files there are reported as not pinned, until they are.
    let shown = |query: &str| {
        let words = ["rotation", "show", "--secret-id", "lambda", "--query", query];
        fixture.strongroom(&words, "").stdout_text()
    };
    let directory = handler.parent().unwrap().to_str().unwrap();
    assert!(shown("NotPinned").contains(directory), "{}", shown("NotPinned"));
    fs::remove_dir_all(handler.parent().unwrap().join("__pycache__")).unwrap();
    let options = ["--rotation-env", &variable, "--rotation-pin", directory];
    let command = [&python, Path::new("-I"), &adapter, &handler].map(|word| word.to_str().unwrap());
    write(&device, "plain");
    let rotated = fixture.register("lambda", &options, &command);
    assert_eq!(rotated.code, 0, "{}", rotated.stderr_text());
    assert!(!shown("NotPinned").contains(directory), "{}", shown("NotPinned"));
    fixture.write("functions/boto.py", "raise RuntimeError('planted')");
    let refused = fixture.rotate("lambda");
    assert_eq!(refused.code, 254);
    let told = refused.stderr_text();
    assert!(told.contains(&format!("what is beneath {directory} is not")), "{told}");
}
