use super::super::super::reading::Source;
use super::*;
use crate::sys::secret::Secret;

/// Another program's reader crashed on an item that stands alone.
#[test]
fn an_item_alone_is_read() {
    let item = serde_json::json!({
        "uuid": "u", "categoryUuid": "001", "overview": {"title": "Demo"}, "details": {"password": "x"},
    });
    let wrapped = serde_json::json!({"item": item, "file": null});
    let vault = serde_json::json!({"accounts": [{"vaults": [{"items": item}]}]});
    for json in [item, wrapped, vault] {
        let shape = Shape::of(Source::Bytes(Secret::new(json.to_string().into()))).ok().unwrap();
        assert!(is_export(&shape));
        let reading = read(&shape, &Wishes::default()).ok().unwrap();
        assert_eq!(reading.items.len(), 1);
        assert_eq!(reading.items[0].title, "Demo");
        assert_eq!(reading.items[0].origin, Origin::Id("u".to_owned()));
        assert_eq!(reading.remarks, []);
    }
}
