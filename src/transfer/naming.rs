//! The names that secrets get: an item's folders and its title, in the characters that AWS allows, and
//! so that both can be read back from them (docs/moving.md, "Names").

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use unicode_normalization::UnicodeNormalization;

use super::item::{Content, Item};
use crate::crypto::fingerprint;
use crate::model::order;

/// The longest name: AWS makes longer ones, and does not promise to answer with them.
const LONGEST: usize = 256;

/// The longest name that AWS takes as it is given.
const LONGEST_EXACT: usize = 512;

/// The least room that the name of a file has behind the name of its item.
const ROOM_OF_FILE: usize = 64;

/// What the names of items begin with that were thrown away.
const TRASH: &str = "trash";

/// Writes a folder or a title in letters, digits and `_.@-+=`.
///
/// A space is `+`, every byte of anything else is `=` and two digits, also of `+`, `=` and `/`.
pub(crate) fn encode(segment: &str) -> String {
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.nfc().collect::<String>().into_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'@' | b'-' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            // Writing to a `String` does not fail.
            _ => drop(write!(encoded, "={byte:02X}")),
        }
    }
    encoded
}

/// Reads what [`encode`] wrote; `None` for what it writes never.
pub(crate) fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'=' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                let is_upper = digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'A'..=b'F'));
                let digits = str::from_utf8(digits).ok().filter(|_| is_upper)?;
                u8::from_str_radix(digits, 16).ok()?
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Returns the name that an item has if no other has it. `prefix` is empty or ends with a slash.
pub(crate) fn plain(item: &Item, prefix: &str) -> String {
    if let Some(exact) = &item.exact_name {
        let name = format!("{prefix}{}", in_trash(item, exact));
        if is_allowed(&name) {
            return name;
        }
        let segments: Vec<String> = exact.split('/').map(encode).collect();
        return fitted(format!("{prefix}{}", in_trash(item, &segments.join("/"))));
    }
    let folders = item.folders.iter().filter(|folder| !folder.is_empty());
    let mut segments: Vec<String> = folders.map(|folder| encode(folder)).collect();
    segments.push(encode(&title(item)));
    fitted(format!("{prefix}{}", in_trash(item, &segments.join("/"))))
}

/// Whether AWS takes a name as it is.
pub(crate) fn is_allowed(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    (1..=LONGEST_EXACT).contains(&name.len()) && name.chars().all(is_allowed)
}

/// What an item is called, for its name: it may have no title.
fn title(item: &Item) -> String {
    if !item.title.is_empty() {
        return item.title.clone();
    }
    let Content::Login(login) = &item.content else { return "untitled".to_owned() };
    let host = login.urls.first().map(|url| host(url)).unwrap_or_default();
    match (host, login.username.as_str()) {
        ("", "") => "untitled".to_owned(),
        ("", username) => username.to_owned(),
        (host, _) => host.to_owned(),
    }
}

/// Returns the host of an address, without its port; all of what is none.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && !name.is_empty() => name,
        Some(_) | None => host,
    }
}

fn in_trash(item: &Item, name: &str) -> String {
    if item.is_in_trash { format!("{TRASH}/{name}") } else { name.to_owned() }
}

/// Whether a name shows an item's title, and whether it shows its folders.
pub(crate) fn shows(name: &str, item: &Item, prefix: &str) -> (bool, bool) {
    let rest = name.strip_prefix(prefix).unwrap_or(name);
    let trash = rest.strip_prefix(TRASH).and_then(|rest| rest.strip_prefix('/'));
    let rest = if item.is_in_trash { trash.unwrap_or(rest) } else { rest };
    let (folders, last) = rest.rsplit_once('/').unwrap_or(("", rest));
    let folders = folders.split('/').filter(|folder| !folder.is_empty()).map(decode);
    let shows_folders = folders.eq(item.folders.iter().cloned().map(Some));
    (decode(last).is_some_and(|last| last == item.title), shows_folders)
}

/// Names all items. Those that have a name already, since a secret of the vault is the same item,
/// keep it; of several with the same name the first by its id gets it.
///
/// The second login gets `@` and its user name behind the name, and what is still the same `.2`, `.3`
/// and so on.
pub(crate) fn all(items: &[Item], kept: &[Option<&str>], prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let kept = kept.get(index).copied().flatten();
        names.push(kept.map_or_else(|| plain(item, prefix), str::to_owned));
    }
    let mut taken: BTreeSet<String> =
        kept.iter().flatten().map(|name| (*name).to_owned()).collect();
    let mut places: Vec<usize> = (0..items.len()).collect();
    order::sort_by(&mut places, |left, right| {
        let id = |place: &usize| items.get(*place).map_or("", |item| item.origin.id());
        id(left).cmp(id(right))
    });
    let mut first_users: BTreeMap<String, &str> = BTreeMap::new();
    let mut others = Vec::new();
    for place in places {
        let (Some(item), Some(name)) = (items.get(place), names.get(place)) else { continue };
        if kept.get(place).is_some_and(Option::is_some) || taken.insert(name.clone()) {
            first_users.insert(name.clone(), username(item));
        } else {
            others.push(place);
        }
    }
    for place in others {
        let (Some(item), Some(name)) = (items.get(place), names.get_mut(place)) else { continue };
        let user = username(item);
        let is_another = !user.is_empty() && first_users.get(name.as_str()) != Some(&user);
        let with_user = is_another.then(|| fitted(format!("{name}@{}", encode(user))));
        let free = match with_user.filter(|with_user| !taken.contains(with_user)) {
            Some(free) => free,
            None => next(name, &taken),
        };
        taken.insert(free.clone());
        *name = free;
    }
    names
}

fn username(item: &Item) -> &str {
    match &item.content {
        Content::Login(login) => &login.username,
        Content::Text(_) | Content::Bytes(_) => "",
    }
}

/// Returns the first of `name.2`, `name.3` and so on that is not taken.
pub(crate) fn next(name: &str, taken: &BTreeSet<String>) -> String {
    let mut number = 2_u64;
    loop {
        let numbered = numbered(name, number);
        if !taken.contains(&numbered) {
            return numbered;
        }
        number += 1;
    }
}

/// Returns a name with a number behind it.
pub(crate) fn numbered(name: &str, number: u64) -> String {
    fitted(format!("{name}.{number}"))
}

/// Returns the name of the secret that a file of an item is in: `ITEM=a/FILE`, which is no name that
/// an item gets.
pub(crate) fn of_file(item: &str, file: &str) -> String {
    let file = if file.is_empty() { "file" } else { file };
    let room = LONGEST.saturating_sub(item.len() + 3).max(ROOM_OF_FILE);
    format!("{item}=a/{}", cut(guarded(encode(file)), room))
}

/// Returns the name of a part of something that is too long for one secret; the first is 1.
pub(crate) fn of_part(name: &str, part: usize) -> String {
    format!("{name}=p{part:02}")
}

fn fitted(name: String) -> String {
    cut(guarded(name), LONGEST)
}

/// Writes the hyphen otherwise where a name would end as an ARN does: AWS could take it for one.
fn guarded(name: String) -> String {
    let Some((rest, tail)) = name.len().checked_sub(7).and_then(|at| name.split_at_checked(at))
    else {
        return name;
    };
    match tail.strip_prefix('-') {
        Some(six) if six.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            format!("{rest}=2D{six}")
        }
        Some(_) | None => name,
    }
}

/// Cuts a name that is too long between two characters, and puts a hash of all of it behind.
fn cut(name: String, most: usize) -> String {
    if name.len() <= most {
        return name;
    }
    let hash = fingerprint::hex(&fingerprint::of_bytes(name.as_bytes()));
    let mut end = most.saturating_sub(9);
    for length in 1..=2 {
        let before = end.checked_sub(length).and_then(|at| name.as_bytes().get(at));
        if before == Some(&b'=') {
            end -= length;
            break;
        }
    }
    let (kept, _) = name.split_at_checked(end).unwrap_or((&name, ""));
    let (hash, _) = hash.split_at_checked(8).unwrap_or((&hash, ""));
    format!("{kept}.{hash}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::item::Origin;
    use super::super::login::Login;
    use super::*;

    fn item(folders: &[&str], title: &str) -> Item {
        let mut item = Item::of_login(Origin::Line(1), title, Login::default());
        item.folders = folders.iter().map(|&folder| folder.to_owned()).collect();
        item
    }

    fn user(id: &str, title: &str, username: &str) -> Item {
        let login = Login { username: username.to_owned(), ..Login::default() };
        Item::of_login(Origin::Id(id.to_owned()), title, login)
    }

    fn names(items: &[Item]) -> Vec<String> {
        all(items, &vec![None; items.len()], "")
    }

    proptest! {
        #[test]
        fn names_are_read_back(text: String) {
            let text: String = text.nfc().collect();
            let encoded = encode(&text);
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_+=.@-".contains(c);
            prop_assert!(encoded.chars().all(is_allowed));
            prop_assert_eq!(decode(&encoded), Some(text));
        }

        #[test]
        fn a_name_is_allowed_and_shows_what_it_is_made_of(
            folders in prop::collection::vec(".{1,40}", 0..8), title in ".{1,80}",
        ) {
            let folders: Vec<String> =
                folders.iter().map(|folder| folder.nfc().collect()).collect();
            let title: String = title.nfc().collect();
            let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
            let item = item(&folders, &title);
            let name = plain(&item, "");
            prop_assert!(is_allowed(&name) && name.len() <= LONGEST);
            let is_cut = folders.iter().chain([&title.as_str()]).map(|part| encode(part).len() + 1).sum::<usize>() > LONGEST;
            prop_assert!(is_cut || shows(&name, &item, "") == (true, true), "{}", name);
        }

        #[test]
        fn items_never_share_a_name(
            titles in prop::collection::vec(("[ab]?", "[uv]?", "[0-9]"), 0..40),
        ) {
            let items: Vec<Item> = titles.iter().map(|(title, name, id)| user(id, title, name)).collect();
            let names = names(&items);
            let distinct: BTreeSet<&String> = names.iter().collect();
            prop_assert_eq!(distinct.len(), items.len());
        }
    }

    #[test]
    fn names_are_as_the_page_says() {
        for (folders, title, name) in [
            (&["Große Bank"][..], "Giro&Co", "Gro=C3=9Fe+Bank/Giro=26Co"),
            (&[], "DB_PASSWORD", "DB_PASSWORD"),
            (&["a/b", ""], "1+1=2", "a=2Fb/1=2B1=3D2"),
            (&[], "e\u{301}", "=C3=A9"),
            // It would look like the end of an ARN.
            (&[], "my-server", "my=2Dserver"),
            (&[], "my-laptops", "my-laptops"),
            (&[], "x-a/bcde", "x-a=2Fbcde"),
        ] {
            assert_eq!(plain(&item(folders, title), ""), name);
        }
        assert_eq!(plain(&item(&["x"], "a"), "old/"), "old/x/a");
        let trashed = Item { is_in_trash: true, ..item(&["x"], "a") };
        assert_eq!(plain(&trashed, "old/"), "old/trash/x/a");
        assert_eq!(shows("old/trash/x/a", &trashed, "old/"), (true, true));
    }

    #[test]
    fn names_that_the_source_gives_stay() {
        let exact = |name: &str| Item::of_text(Origin::Line(1), name, "v".to_owned());
        for name in ["DB_PASSWORD", "app/db-a1B2c3", "a+b=c"] {
            assert_eq!(plain(&exact(name), ""), name);
        }
        assert_eq!(plain(&exact("a:b/c d"), "p/"), "p/a=3Ab/c+d");
    }

    #[test]
    fn what_has_no_title_is_called_after_its_address() {
        for (url, username, name) in [
            ("https://ann@demo.test:8443/x?y", "u", "demo.test"),
            ("android://hash==@com.example.app/", "u", "com.example.app"),
            ("demo.test", "u", "demo.test"),
            ("", "ann", "ann"),
            ("", "", "untitled"),
        ] {
            let mut item = user("1", "", username);
            let urls = if url.is_empty() { Vec::new() } else { vec![url.to_owned()] };
            item.login_mut().unwrap().urls = urls;
            assert_eq!(plain(&item, ""), name);
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let one = plain(&item(&[], &"é".repeat(300)), "");
        let other = plain(&item(&[], &"é".repeat(301)), "");
        assert!(one.len() <= LONGEST && other.len() <= LONGEST && one != other);
        let (kept, hash) = one.rsplit_once('.').unwrap();
        assert_eq!(hash.len(), 8);
        assert!(kept.len() % 3 == 0, "{kept}");
        let file = of_file(&one, &"x y".repeat(300));
        assert!(file.starts_with(&format!("{one}=a/x+y")) && is_allowed(&file), "{file}");
    }

    #[test]
    fn of_several_with_one_name_the_first_by_its_id_gets_it() {
        let items = [
            user("3", "mail", "ann"),
            user("1", "mail", "bob"),
            user("2", "mail", "bob"),
            user("4", "mail", ""),
            user("5", "mail@ann", "x"),
        ];
        assert_eq!(names(&items), ["mail.3", "mail", "mail.2", "mail.4", "mail@ann"]);
        let kept = [None, Some("work/mail"), None, Some("mail"), None];
        let kept = all(&items, &kept, "");
        assert_eq!(kept, ["mail.2", "work/mail", "mail@bob", "mail", "mail@ann"]);
    }
}
