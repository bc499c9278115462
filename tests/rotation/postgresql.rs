//! PostgreSQL: one user who changes his password, and two who take turns.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::course::Course;
use super::fixture::{RotationFixture, write};
use super::server::{self, Server};

/// What an administrator might have chosen: every character that some layer could take for its own.
const ADMIN: &str = "adm'in\"\\ $p:w%";

struct Cluster {
    server: Server,
    sockets: String,
    psql: PathBuf,
    log: PathBuf,
}

impl Cluster {
    /// A cluster with an administrator, a user `app` and a table that he may read.
    fn new(fixture: &RotationFixture) -> Option<Self> {
        let [postgres, initdb, psql, _] =
            server::tools(["postgres", "initdb", "psql", "pg_isready"])?;
        let place = fixture.place().join("pg");
        server::directory(&place);
        let password = place.join("password");
        write(&password, &format!("{ADMIN}\n"));
        server::hand_over(&password);
        let (data, sockets) = (fixture.at("pg/data"), fixture.at("pg"));
        let password = format!("--pwfile={}", password.display());
        server::run(
            &initdb,
            &[
                "-D",
                &data,
                "-U",
                "admin",
                &password,
                "--auth=scram-sha-256",
                "--no-locale",
                "-E",
                "UTF8",
                "--no-sync",
            ],
            &place,
        );
        let directories = format!("unix_socket_directories={sockets}");
        let log = fixture.place().join("pg/log");
        let server = Server::new(
            &postgres,
            &[
                "-D",
                &data,
                "-c",
                "listen_addresses=",
                "-c",
                &directories,
                "-c",
                "fsync=off",
                "-c",
                "logging_collector=on",
                "-c",
                "log_directory=..",
                "-c",
                "log_filename=log",
                "-c",
                "log_statement=all",
                "-c",
                "log_min_error_statement=debug5",
            ],
            &place,
        );
        let mut cluster = Self { server, sockets, psql, log };
        cluster.start();
        let setup = "CREATE ROLE app LOGIN PASSWORD 'first'; CREATE TABLE t AS SELECT 7 AS n; \
                     GRANT SELECT ON t TO app;";
        let admin = json!({ "username": "admin", "password": ADMIN });
        assert!(cluster.query(&admin, setup).is_some());
        Some(cluster)
    }

    fn start(&mut self) {
        let (psql, sockets) = (self.psql.clone(), self.sockets.clone());
        let admin = json!({ "username": "admin", "password": ADMIN });
        self.server.start(|| query(&psql, &sockets, &admin, "SELECT 1").is_some());
    }

    fn query(&self, login: &Value, sql: &str) -> Option<String> {
        query(&self.psql, &self.sockets, login, sql)
    }

    /// Whether a login may do what `app` may.
    fn accepts(&self, login: &Value) -> bool {
        self.query(login, "SELECT n FROM t").is_some_and(|out| out.trim() == "7")
    }

    fn value(&self, password: &str) -> Value {
        json!({ "engine": "postgres", "host": self.sockets, "username": "app",
            "password": password, "port": 5432, "dbname": "postgres" })
    }
}

fn query(psql: &PathBuf, sockets: &str, login: &Value, sql: &str) -> Option<String> {
    let user = login["username"].as_str()?;
    let mut command = Command::new(psql);
    command.args(["-X", "-q", "-w", "-A", "-t", "-h", sockets, "-U", user, "-d", "postgres"]);
    command.args(["-v", "ON_ERROR_STOP=1", "-c", sql]).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("PGPASSWORD", login["password"].as_str()?);
    let output = command.stdin(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok().filter(|_| output.status.success())
}

#[test]
fn a_user_changes_his_password() {
    let fixture = RotationFixture::new();
    let Some(mut cluster) = Cluster::new(&fixture) else { return };
    fixture.store("single", &cluster.value("first"));
    let rotator = fixture.template("postgresql-single").to_str().unwrap().to_owned();
    {
        let course = Course {
            fixture: &fixture,
            secret: "single",
            // All characters that there are.
            options: ["--rotation-env", "EXCLUDE_CHARACTERS="].map(str::to_owned).to_vec(),
            command: vec![rotator.clone()],
            accepts: &|value| cluster.accepts(value),
            grace: 0,
            hidden: "password",
        };
        course.rotates_three_times();
        course.survives_crashes();
        course.refuses_a_wrong_value(&cluster.value("wrong"));
    }
    let current = fixture.value("single", "AWSCURRENT").unwrap();
    let log = fs::read_to_string(&cluster.log).unwrap();
    assert!(log.contains("ALTER USER app PASSWORD 'SCRAM-SHA-256$"), "{log}");
    assert!(!log.contains(current["password"].as_str().unwrap()), "the log has a password");

    let cell = std::cell::RefCell::new(&mut cluster);
    let course = Course {
        fixture: &fixture,
        secret: "single",
        options: Vec::new(),
        command: vec![rotator],
        accepts: &|value| cell.borrow().accepts(value),
        grace: 0,
        hidden: "password",
    };
    course.waits_for_the_server(
        || cell.borrow_mut().server.stop(Signal::INT),
        || cell.borrow_mut().start(),
    );

    // Where everybody gets in, a login shows nothing.
    let open = fixture.place().join("pg/data/pg_hba.conf");
    write(&open, "local all all trust\n");
    cell.borrow_mut().server.stop(Signal::INT);
    cell.borrow_mut().start();
    course.fails("setSecret: exit status 78");
}

#[test]
fn two_users_take_turns() {
    let fixture = RotationFixture::new();
    let Some(cluster) = Cluster::new(&fixture) else { return };
    let admin = json!({ "host": cluster.sockets, "username": "admin", "password": ADMIN });
    fixture.store("admin", &admin);
    let mut value = cluster.value("first");
    value["masterarn"] = Value::from(fixture.arn("admin"));
    fixture.store("alternating", &value);
    let rotator = fixture.template("postgresql-alternating").to_str().unwrap().to_owned();
    let course = Course {
        fixture: &fixture,
        secret: "alternating",
        options: ["--rotation-allow-read", "admin"].map(str::to_owned).to_vec(),
        command: vec![rotator],
        accepts: &|value| cluster.accepts(value),
        grace: 1,
        hidden: "password",
    };
    course.rotates_three_times();
    assert_eq!(fixture.value("alternating", "AWSCURRENT").unwrap()["username"], "app_clone");
    course.survives_crashes();
    let mut wrong = fixture.value("alternating", "AWSCURRENT").unwrap();
    wrong["password"] = Value::from("wrong");
    course.refuses_a_wrong_value(&wrong);
    course.needs_the_administrator("another");
}
