//! One file, read in four ways.

use super::*;

fn read(text: &str, dialect: Dialect) -> Vec<(String, Option<String>)> {
    let variables = variables(text, dialect).ok().unwrap();
    let pair =
        |variable: Variable<'_>| (variable.name.to_owned(), variable.value.map(|value| value.text));
    variables.into_iter().map(pair).collect()
}

#[test]
fn values_are_what_each_program_takes_them_for() {
    const ALL: [Dialect; 4] = [Dialect::Node, Dialect::Python, Dialect::Ruby, Dialect::Compose];
    for (text, [node, python, ruby, compose]) in [
        ("A=a#b", ["a", "a#b", "a", "a#b"]),
        ("A=a #b", ["a"; 4]),
        ("A= a b  ", ["a b"; 4]),
        ("A=", [""; 4]),
        ("A=#b", [""; 4]),
        ("export A=b\r\n", ["b"; 4]),
        ("A='b\\'c'", ["b\\'c", "b'c", "b\\'c", "b'c"]),
        (r#"A="b\"c""#, ["b\\\"c", "b\"c", "b\"c", "b\"c"]),
        (r#"A="b\nc\td""#, ["b\nc\\td", "b\nc\td", "b\\nctd", "b\nc\td"]),
        ("A='b\nc' # d\n", ["b\nc"; 4]),
        ("A=$B${C}$(D)", ["$B${C}$(D)"; 4]),
        ("A=\"b#c\"", ["b#c"; 4]),
        ("A = b", ["b"; 4]),
    ] {
        for (dialect, value) in ALL.into_iter().zip([node, python, ruby, compose]) {
            let wanted = [("A".to_owned(), Some(value.to_owned()))];
            assert_eq!(read(text, dialect), wanted, "{text} {dialect:?}");
        }
    }
    assert_eq!(read("A=`b c`", Dialect::Node)[0].1.as_deref(), Some("b c"));
    assert_eq!(read("A=`b c`", Dialect::Python)[0].1.as_deref(), Some("`b c`"));
    assert_eq!(read("A: b", Dialect::Ruby)[0].1.as_deref(), Some("b"));
    assert_eq!(read("'A'=b", Dialect::Python)[0], ("A".to_owned(), Some("b".to_owned())));
    assert_eq!(read("A\n\nB # c\n", Dialect::Python), [("A".into(), None), ("B".into(), None)]);
}

#[test]
fn what_is_no_variable_is_told_by_its_line() {
    for (text, error) in [
        ("A=b\n\nsome text", "line 3: has quotes that do not end, or something behind them"),
        ("A=b\n?=c", "line 2: is no variable"),
        ("# x\nA=\"b\n\n", "line 2: has quotes that do not end, or something behind them"),
        ("A='b'c", "line 1: has quotes that do not end, or something behind them"),
        ("A='b\n'\nÄ=c", "line 3: is no variable"),
    ] {
        let found = variables(text, Dialect::Python).err().unwrap().to_string();
        assert_eq!(found, error);
    }
}
