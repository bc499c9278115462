//! MariaDB: one user who changes his password, and two who take turns.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::course::Course;
use super::fixture::RotationFixture;
use super::server::{self, Server};

const ADMIN: &str = "adm'in\"\\ $p:w%";

struct Database {
    server: Server,
    socket: String,
    client: PathBuf,
    log: PathBuf,
}

impl Database {
    /// A server with an administrator and a user `app`, who may read a table in two ways.
    fn new(fixture: &RotationFixture) -> Option<Self> {
        let [daemon, install, client, _] =
            server::tools(["mariadbd", "mariadb-install-db", "mariadb", "mariadb-admin"])?;
        let place = fixture.place().join("my");
        server::directory(&place);
        let at = |option: &str, name: &str| format!("--{option}={}", fixture.at(name));
        let data = at("datadir", "my/data");
        let normal = "--auth-root-authentication-method=normal";
        server::run(&install, &["--no-defaults", &data, normal, "--skip-test-db"], &place);
        let socket = fixture.at("my/s");
        let server = Server::new(
            &daemon,
            &[
                "--no-defaults",
                &data,
                &at("socket", "my/s"),
                &at("pid-file", "my/pid"),
                "--skip-networking",
                &at("tmpdir", "my"),
                &at("log-error", "my/errors"),
                "--general-log=1",
                &at("general-log-file", "my/log"),
            ],
            &place,
        );
        let log = fixture.place().join("my/log");
        let mut database = Self { server, socket, client, log };
        let root = json!({ "username": "root", "password": "" });
        database.start_as(&root);
        let setup = r#"
            CREATE USER admin@localhost IDENTIFIED BY 'adm\'in"\\ $p:w%';
            GRANT ALL ON *.* TO admin@localhost WITH GRANT OPTION;
            CREATE DATABASE d; CREATE TABLE d.t (n INT); INSERT INTO d.t VALUES (7);
            CREATE USER app@localhost IDENTIFIED BY 'first';
            GRANT SELECT ON d.t TO app@localhost;
            ALTER USER root@localhost IDENTIFIED BY 'closed';"#;
        assert!(database.query(&root, setup).is_some());
        Some(database)
    }

    fn start_as(&mut self, login: &Value) {
        let (client, socket) = (self.client.clone(), self.socket.clone());
        self.server.start(|| query(&client, &socket, login, "SELECT 1;").is_some());
    }

    fn start(&mut self) {
        self.start_as(&json!({ "username": "admin", "password": ADMIN }));
    }

    fn query(&self, login: &Value, sql: &str) -> Option<String> {
        query(&self.client, &self.socket, login, sql)
    }

    fn accepts(&self, login: &Value) -> bool {
        self.query(login, "SELECT n FROM d.t;").is_some_and(|out| out.trim() == "7")
    }

    fn value(&self, password: &str) -> Value {
        json!({ "engine": "mariadb", "host": self.socket, "username": "app", "password": password })
    }

    /// Fails if the log of all statements has a password.
    fn check_log(&self, value: &Value) {
        let log = fs::read_to_string(&self.log).unwrap();
        assert!(log.contains("SET PASSWORD"), "{log}");
        assert!(!log.contains(value["password"].as_str().unwrap()), "the log has a password");
    }
}

fn query(client: &PathBuf, socket: &str, login: &Value, sql: &str) -> Option<String> {
    let (socket, user) = (format!("--socket={socket}"), login["username"].as_str()?);
    let mut command = Command::new(client);
    command.args(["--no-defaults", "--batch", "--skip-column-names", &socket, "--user", user]);
    command.args(["--execute", sql]).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("MYSQL_PWD", login["password"].as_str()?);
    let output = command.stdin(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok().filter(|_| output.status.success())
}

#[test]
fn a_user_changes_his_password() {
    let fixture = RotationFixture::new();
    let Some(database) = Database::new(&fixture) else { return };
    let database = RefCell::new(database);
    let value = |password: &str| database.borrow().value(password);
    fixture.store("single", &value("first"));
    let course = Course {
        fixture: &fixture,
        secret: "single",
        options: ["--rotation-env", "EXCLUDE_CHARACTERS="].map(str::to_owned).to_vec(),
        command: vec![fixture.template("mariadb-single").to_str().unwrap().to_owned()],
        accepts: &|value| database.borrow().accepts(value),
        grace: 0,
        hidden: "password",
    };
    course.rotates_three_times();
    course.survives_crashes();
    course.refuses_a_wrong_value(&value("wrong"));
    database.borrow().check_log(&fixture.value("single", "AWSCURRENT").unwrap());
    course.waits_for_the_server(
        || database.borrow_mut().server.stop(Signal::TERM),
        || database.borrow_mut().start(),
    );

    // Where everybody gets in, a login shows nothing.
    let admin = json!({ "username": "admin", "password": ADMIN });
    let open = "ALTER USER app@localhost IDENTIFIED BY '';";
    assert!(database.borrow().query(&admin, open).is_some());
    course.fails("setSecret: exit status 78");
}

#[test]
fn two_users_take_turns() {
    let fixture = RotationFixture::new();
    let Some(database) = Database::new(&fixture) else { return };
    let admin = json!({ "host": database.socket, "username": "admin", "password": ADMIN });
    fixture.store("admin", &admin);
    let mut value = database.value("first");
    value["masterarn"] = Value::from(fixture.arn("admin"));
    fixture.store("alternating", &value);
    let course = Course {
        fixture: &fixture,
        secret: "alternating",
        options: ["--rotation-allow-read", "admin"].map(str::to_owned).to_vec(),
        command: vec![fixture.template("mariadb-alternating").to_str().unwrap().to_owned()],
        accepts: &|value| database.accepts(value),
        grace: 1,
        hidden: "password",
    };
    course.rotates_three_times();
    assert_eq!(fixture.value("alternating", "AWSCURRENT").unwrap()["username"], "app_clone");
    course.survives_crashes();
    database.check_log(&fixture.value("alternating", "AWSCURRENT").unwrap());
    let mut wrong = fixture.value("alternating", "AWSCURRENT").unwrap();
    wrong["password"] = Value::from("wrong");
    course.refuses_a_wrong_value(&wrong);
    course.needs_the_administrator("another");
}
