//! Words that must not appear in the sources, each for a reason of its own.

use std::path::Path;

use super::source::{Finding, Source, breaks, hold, rust, sources};

#[test]
fn no_open_ends() {
    hold(open_ends, &rust());
    hold(open_ends, &sources(&["docs", "README.md", "Cargo.toml", ".ci"], ""));

    // Spelled apart, or this file would be the first to break the rule.
    for word in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")] {
        breaks(open_ends, "src/x.rs", &format!("fn f() {{}}\n// {word}: later"), &[2]);
        breaks(open_ends, "src/x.rs", &format!("\"{word}S _{word}\""), &[]);
    }
    breaks(open_ends, "src/x.rs", "// ok\nfn f() { todo!() }\nunimplemented!()", &[2, 3]);
    breaks(open_ends, "src/x.rs", "let todo = 1; // todo!", &[]);
}

#[test]
fn every_test_runs_and_says_why_it_failed() {
    hold(idle_tests, &rust());

    breaks(idle_tests, "tests/x.rs", "#[test]\n#[ignore]\nfn f() {}\n// #[ignore]", &[2]);
    breaks(idle_tests, "src/x.rs", "#[should_panic(expected = \"x\")]\nfn f(ignore: u8) {}", &[1]);
}

#[test]
fn nothing_waits_for_time_to_pass() {
    hold(naps, &rust());
    hold(naps_in_scripts, &sources(&["tests/script"], ".txt"));

    breaks(naps, "src/x.rs", "use std::thread::sleep;\nsleep(d);\n// sleep\n\"sleep\"", &[1, 2]);
    breaks(naps, "src/x.rs", "fn f() { thread::sleep_until(x) }\nlet sleepy = 1;", &[1]);
    breaks(naps_in_scripts, "tests/script/x.txt", "exec sleep 1\nexec sh -c 'sleep 1'", &[1, 2]);
}

#[test]
fn no_release_can_be_told_the_time_or_a_seed() {
    hold(steering_variables, &sources(&["src", "docs", "README.md"], ""));

    let text = "\"STRONGROOM_TIME\"\nSTRONGROOM_TEST_SEED=1\n\"STRONGROOM_CLOCK_MS\"\n\
                STRONGROOM_TIMEOUT STRONGROOM_VAULT AWS_TIME";
    breaks(steering_variables, "src/x.rs", text, &[1, 2, 3]);
}

#[test]
fn no_path_of_one_machine() {
    hold(machine_paths, &sources(&["src", "docs", "README.md", "Cargo.toml"], ""));
    hold(machine_paths, &sources(&[".cargo", ".ci", ".config", ".clippy.toml"], ""));

    let text =
        "see /work/x\n(/root/.cargo)\n`/home/alice/v`\n~/work/x /home/ roots/root/x /rooted/";
    breaks(machine_paths, "docs/x.md", text, &[1, 2, 3]);
    breaks(machine_paths, "src/x.rs", "#[cfg(test)]\nlet x = \"/root/x\";", &[]);
}

#[test]
fn pages_that_are_cited_are_here() {
    hold(strange_pages, &sources(&["src", "docs", "README.md", "Cargo.toml", ".ci"], ""));
    hold(strange_headings, &rust());

    let text = "// see PLAN.md\n//! docs/format.md, README.md.\n`docs/nothing.md`";
    breaks(strange_pages, "src/x.rs", text, &[1, 3]);
    let text = "// (docs/behaviour.md, \"Dates\")\n/// docs/behaviour.md,\n/// \"No such\", and\n\
                /// docs/behaviour.md has";
    breaks(strange_headings, "src/x.rs", text, &[2]);
}

#[test]
fn no_empty_suffixes() {
    hold(empty_suffixes, &rust());

    let text = "struct KeyManager;\nenum RowData {}\ntrait Service {}\nstruct Metadata;\nfn f(x: FileInfo) {}";
    breaks(empty_suffixes, "src/x.rs", text, &[1, 2]);
}

/// An open end is an issue, not a comment.
fn open_ends(source: &Source) -> Vec<Finding> {
    let mut out = Vec::new();
    for (line, text) in source.lines() {
        let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
        let found = words.iter().find(|word| is_word_in(word, text));
        out.extend(found.map(|word| Finding(line, format!("{word}: open an issue instead"))));
    }
    if source.is_rust() {
        for pair in source.tokens().windows(2) {
            if ["todo", "unimplemented"].contains(&pair[0].text.as_str()) && pair[1].text == "!" {
                out.push(Finding(pair[0].line, format!("{}! is not a program", pair[0].text)));
            }
        }
    }
    out
}

fn idle_tests(source: &Source) -> Vec<Finding> {
    let tokens = source.tokens();
    let attributes = tokens.windows(3).filter(|window| {
        window[0].text == "#"
            && window[1].text == "["
            && ["ignore", "should_panic"].contains(&window[2].text.as_str())
    });
    attributes.map(|window| Finding(window[2].line, format!("#[{}]", window[2].text))).collect()
}

fn naps(source: &Source) -> Vec<Finding> {
    let tokens = source.tokens().into_iter();
    let naps = tokens.filter(|token| {
        ["sleep", "sleep_ms", "sleep_until", "park_timeout", "nanosleep"]
            .contains(&token.text.as_str())
    });
    naps.map(|token| Finding(token.line, "wait for an event, not for time".to_owned())).collect()
}

fn naps_in_scripts(source: &Source) -> Vec<Finding> {
    let lines = source.lines().filter(|(_, text)| is_word_in("sleep", text));
    lines.map(|(line, _)| Finding(line, "wait for an event, not for time".to_owned())).collect()
}

fn steering_variables(source: &Source) -> Vec<Finding> {
    let mut out = Vec::new();
    for (line, text) in source.lines() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = text.split(|c| !is_part(c)).filter(|name| name.starts_with("STRONGROOM_"));
        let steering =
            |name: &&str| name.split('_').any(|word| ["SEED", "TIME", "CLOCK"].contains(&word));
        let found = names.into_iter().find(steering);
        out.extend(found.map(|name| Finding(line, format!("{name} would steer a release"))));
    }
    out
}

/// Paths in tests are examples.
fn machine_paths(source: &Source) -> Vec<Finding> {
    let mut out = Vec::new();
    for (line, text) in source.lines().take_while(|(_, text)| *text != "#[cfg(test)]") {
        let begins = |index: usize| {
            let before = text.get(..index).and_then(|start| start.chars().next_back());
            !before.is_some_and(|c| c.is_ascii_alphanumeric() || "/~._-}".contains(c))
        };
        let is_name = |(index, _): &(usize, &str)| {
            let after = text.get(index + "/home/".len()..).and_then(|rest| rest.chars().next());
            after.is_some_and(|c| c.is_ascii_lowercase())
        };
        let homes = text.match_indices("/home/").filter(is_name);
        let found = text.match_indices("/work/").chain(text.match_indices("/root/")).chain(homes);
        let found = found.into_iter().find(|(index, _)| begins(*index));
        out.extend(found.map(|(_, path)| Finding(line, format!("{path} is on one machine only"))));
    }
    out
}

/// A page that a reader of the repository cannot open.
fn strange_pages(source: &Source) -> Vec<Finding> {
    let names = sources(&["docs", "tests", "README.md"], ".md");
    let name_of = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let names: Vec<String> = names.iter().map(|page| name_of(&page.path)).collect();
    let mut out = Vec::new();
    for (line, text) in source.lines() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_-/.".contains(c);
        let cited = text.split(|c| !is_part(c)).map(|word| word.trim_end_matches('.'));
        let is_page = |word: &&str| Path::new(word).extension().is_some_and(|end| end == "md");
        let cited = cited.filter(is_page);
        let found = cited.filter(|word| !names.contains(&name_of(word)));
        out.extend(found.map(|page| Finding(line, format!("{page} is not in the repository"))));
    }
    out
}

/// What comments cite of `docs/behaviour.md` is one of its headings.
fn strange_headings(source: &Source) -> Vec<Finding> {
    let pages = sources(&["docs/behaviour.md"], "");
    let page = pages.first().map(|page| page.text.as_str()).unwrap_or_default();
    let is_heading = |cited: &str| page.lines().any(|line| line == format!("## {cited}"));
    let mut out = Vec::new();
    let lines: Vec<(usize, &str)> = source.lines().collect();
    for (index, (line, text)) in lines.iter().enumerate() {
        let Some((_, after)) = text.split_once(concat!("docs/behaviour", ".md,")) else { continue };
        let next =
            lines.get(index + 1).map_or("", |(_, next)| next.trim_start_matches([' ', '/', '!']));
        let cited = format!("{after} {next}");
        let heading = cited.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
        out.extend(
            heading
                .filter(|heading| !is_heading(heading))
                .map(|heading| Finding(*line, format!("docs/behaviour.md has no \"{heading}\""))),
        );
    }
    out
}

/// Suffixes that say nothing of what a type is.
fn empty_suffixes(source: &Source) -> Vec<Finding> {
    let mut out = Vec::new();
    for pair in source.tokens().windows(2) {
        let name = pair[1].text.as_str();
        let suffix = ["Manager", "Handler", "Service", "Data", "Info"];
        let found = suffix.iter().find(|suffix| name.ends_with(**suffix) && name != **suffix);
        let declares = ["struct", "enum", "trait", "type"].contains(&pair[0].text.as_str());
        if let (true, Some(suffix)) = (declares, found) {
            out.push(Finding(pair[1].line, format!("{name}: {suffix} says nothing")));
        }
    }
    out
}

fn is_word_in(word: &str, text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_part(c)).any(|part| part == word)
}
