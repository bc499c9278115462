//! A program at a terminal of its own, which is as the real one is.

use super::{Desk, VALUE, typing};

#[test]
fn a_terminal_is_as_it_was() {
    let desk = Desk::new();
    let modes = "stty -a | grep -ow -e '-*icanon' -e '-*echo' | tr '\\n' ' '";
    // The program has one of its own, of the same size, and asks at it.
    let script = format!(
        "run --redact -- sh -c 'test -t 0 && test -t 1 && test -t 2 && stty size; printf \"name? \"; \
         read name; echo \"<$name> <$A>\"'\n{modes}"
    );
    let outcome = desk.shell(&script, Some(typing(&["ada"])));
    assert!(outcome.screen.contains("24 80\n"), "{}", outcome.screen);
    assert!(outcome.screen.contains("<ada> <[strongroom:app/key]>\n"), "{}", outcome.screen);
    assert!(outcome.screen.ends_with("icanon echo "), "{}", outcome.screen);
    // It is interrupted and ended by keys, and its end is ours.
    let outcome =
        desk.shell("run --redact -- sh -c 'printf \"? \"; read x'; echo $?", Some(typing(&["^C"])));
    assert!(outcome.screen.ends_with("130\n"), "{}", outcome.screen);
    let outcome =
        desk.shell("run --redact -- sh -c 'printf \"? \"; cat'; echo $?", Some(typing(&["^D"])));
    assert!(outcome.screen.ends_with("0\n"), "{}", outcome.screen);
    // Stopped, it leaves the terminal to the shell as that had it, and goes on where it was.
    let script = format!(
        "set -m\nrun --redact -- sh -c 'printf \"one? \"; read x; echo \"$x and $A\"'\n{modes}; jobs; \
         printf \"back? \"; fg >/dev/null; echo $?"
    );
    let outcome = desk.shell(&script, Some(typing(&["^Z", "two"])));
    assert!(outcome.screen.contains("icanon echo "), "{}", outcome.screen);
    assert!(outcome.screen.contains("Stopped"), "{}", outcome.screen);
    assert!(outcome.screen.contains("two and [strongroom:app/key]\n"), "{}", outcome.screen);
    assert!(outcome.screen.ends_with("0\n"), "{}", outcome.screen);
    // What a person sees is what the program wrote, unless an assistant is at the terminal.
    let shown = desk.shell("run -- sh -c 'echo $A'", Some(typing(&[])));
    assert_eq!(shown.screen, format!("{VALUE}\n"));
    let hushed = desk.shell("CLAUDECODE=1 run -- sh -c 'echo $A'", Some(typing(&[])));
    assert_eq!(hushed.screen, "[strongroom:app/key]\n");
}

/// The thread that waits for all signals heard of a new size, and told nobody.
#[test]
fn a_new_size_is_the_programs() {
    let desk = Desk::new();
    // It ends by itself where it hears of none.
    let script = "run --redact -- bash -c 'trap \"stty size; exit 7\" WINCH; printf \"? \"; \
                  for i in {1..100}; do read -t 0.1 x; done; echo none'; echo \"code $?\"";
    let outcome = desk.shell(script, Some(typing(&["^SIZE 40x10"])));
    assert!(outcome.screen.ends_with("10 40\ncode 7\n"), "{}", outcome.screen);
}

/// `^D` that was typed while the terminal was not raw yet ended what types at the program, which then
/// got no key any more.
#[test]
fn keys_that_come_early_are_the_programs() {
    let desk = Desk::new();
    let script = "echo begins; run --redact -- bash -c 'read -t 20 x; echo \"end $?\"; \
                  printf \"name? \"; read -t 20 x; echo \"<$x>\"'";
    let outcome = desk.shell(script, Some(typing(&["ahead:\\d", "ada"])));
    assert!(outcome.screen.contains("end 1\n"), "{}", outcome.screen);
    assert!(outcome.screen.ends_with("<ada>\n"), "{}", outcome.screen);
}
