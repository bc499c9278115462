use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.map(|(name, value)| (name.to_owned(), value)).into())
}

fn secret(name: &str) -> Value {
    let tag = map([("Key", text("team")), ("Value", text("a value that is rather long"))]);
    map([
        ("ARN", text(&format!("arn:aws:secretsmanager:local-1:000000000000:secret:{name}"))),
        ("Description", text("what it is for, in several words, and \u{65e5}\u{672c}")),
        ("Name", text(name)),
        ("Tags", Value::List(vec![tag])),
    ])
}

fn drawn(value: &Value, terminal_width: usize, fit: Fit) -> String {
    let zone = &TimeZone::UTC;
    let context = RenderContext { operation_name: "Rows", zone, terminal_width, fit };
    let mut out = Vec::new();
    write(value, &context, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// At a terminal a table came out wider than that, and could not be read.
#[test]
fn a_table_fits_the_terminal() {
    let names = ["app/db-production-eu-west-1", "web"];
    let plain = names.map(|name| map([("ARN", text(&"arn:".repeat(20))), ("Name", text(name))]));
    let list = |rows: [Value; 2]| map([("SecretList", Value::List(rows.into()))]);
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    for value in [list(names.map(secret)), list(plain), secret("one"), text("alone")] {
        let whole = drawn(&value, 1_000, Fit::Aws);
        for width in 24..200 {
            let table = drawn(&value, width, Fit::Terminal);
            let widest = table.lines().map(width::of).max().unwrap();
            assert!(widest <= width, "{width}\n{table}");
            // Nothing is left out.
            assert!(letters(&table) >= letters(&whole), "{width}\n{table}\n{whole}");
        }
    }
}

/// What a terminal is not told as it is was spelt out after it had been measured.
#[test]
fn what_is_spelt_out_fits_too() {
    let about =
        text("\u{202e}turned\u{2069} and a\ttab, in a line that is some forty letters long");
    let list = Value::List(vec![map([("About", about), ("Name", text("a"))])]);
    for width in 24..90 {
        let table = drawn(&list, width, Fit::Terminal);
        assert_eq!(for_terminal(table.as_bytes()), Cow::Borrowed(table.as_bytes()));
        assert!(table.lines().all(|line| width::of(line) <= width), "{width}\n{table}");
        assert!(!table.contains('\t'));
    }
    assert!(drawn(&list, 80, Fit::Aws).contains("\u{202e}turned\u{2069} and a\ttab"));
}

#[test]
fn a_cell_goes_over_several_lines() {
    let pair = |name: &str, about: &str| map([("About", text(about)), ("Name", text(name))]);
    let list: Vec<Value> =
        vec![pair("app/database", "one that is used every day"), pair("b", "short")];
    let table = drawn(&Value::List(list.clone()), 40, Fit::Terminal);
    assert_eq!(
        table,
        "----------------------------------------\n\
         |                 Rows                 |\n\
         +---------------------+----------------+\n\
         |        About        |     Name       |\n\
         +---------------------+----------------+\n\
         |  one that is used   |  app/database  |\n\
         |  every day          |                |\n\
         |  short              |  b             |\n\
         +---------------------+----------------+\n"
    );
    // Of columns that are too narrow to be read each row becomes a table of its own.
    let table = drawn(&Value::List(list), 26, Fit::Terminal);
    assert_eq!(
        table,
        "--------------------------\n\
         |          Rows          |\n\
         +--------+---------------+\n\
         |  About |  one that is  |\n\
         |        |  used every   |\n\
         |        |  day          |\n\
         |  Name  |  app/databas  |\n\
         |        |  e            |\n\
         +--------+---------------+\n\
         |          Rows          |\n\
         +-----------+------------+\n\
         |  About    |  short     |\n\
         |  Name     |  b         |\n\
         +-----------+------------+\n"
    );
}
