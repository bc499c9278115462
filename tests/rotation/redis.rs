//! Redis: a user whose two newest passwords are valid, set by an administrator.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::course::Course;
use super::fixture::{RotationFixture, write};
use super::server::{self, Server};

/// What an administrator might have chosen. Redis' own file of users has no word for a space.
const ADMIN: &str = "adm'in\"\\_$p:w%";

/// Logs in and returns the answer.
fn auth(socket: &str, login: &Value) -> Option<String> {
    let mut stream = UnixStream::connect(socket).ok()?;
    let (user, password) = (login["username"].as_str()?, login["password"].as_str()?);
    let words = ["AUTH", user, password].map(|word| format!("${}\r\n{word}\r\n", word.len()));
    stream.write_all(format!("*3\r\n{}", words.concat()).as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    Some(line.trim_end().to_owned())
}

#[test]
fn two_passwords_are_valid() {
    let fixture = RotationFixture::new();
    let Some([program, _]) = server::tools(["redis-server", "redis-cli"]) else { return };
    let place = fixture.place().join("redis");
    server::directory(&place);
    let (socket, users) = (fixture.at("redis/s"), fixture.at("redis/users"));
    let text =
        format!("user admin on >{ADMIN} ~* +@all\nuser app on >first ~* +get\nuser default off\n");
    write(&users, &text);
    server::hand_over(users.as_ref());
    let arguments = [
        "--port",
        "0",
        "--unixsocket",
        &socket,
        "--unixsocketperm",
        "777",
        "--dir",
        place.to_str().unwrap(),
        "--save",
        "",
        "--aclfile",
        &users,
    ];
    let server = RefCell::new(Server::new(&program, &arguments, &place));
    let start = || {
        server.borrow_mut().start(|| UnixStream::connect(&socket).is_ok());
    };
    start();

    fixture.store("admin", &json!({ "host": socket, "username": "admin", "password": ADMIN }));
    let value = json!({ "host": socket, "username": "app", "password": "first",
        "masterarn": fixture.arn("admin") });
    fixture.store("redis", &value);
    let accepts = |value: &Value| auth(&socket, value).as_deref() == Some("+OK");
    let course = Course {
        fixture: &fixture,
        secret: "redis",
        options: ["--rotation-env", "EXCLUDE_CHARACTERS=", "--rotation-allow-read", "admin"]
            .map(str::to_owned)
            .to_vec(),
        command: vec![fixture.template("redis-acl").to_str().unwrap().to_owned()],
        accepts: &accepts,
        grace: 1,
        hidden: "password",
    };
    course.rotates_three_times();
    course.survives_crashes();
    // What was set is there after the server was.
    course.waits_for_the_server(|| server.borrow_mut().stop(Signal::TERM), start);
    course.needs_the_administrator("another");

    fixture.store("admin", &json!({ "host": socket, "username": "admin", "password": "wrong" }));
    course.fails("setSecret: exit status 1");
}
