//! What a directory finds by which id, and what its shape tells without one.

use super::{Directory, StoreNumbers, read};

fn directory(rows: &str) -> Directory {
    Directory::new(read(&format!("id,opretail_id,oms_code,name\n{rows}")).unwrap())
}

fn find(directory: &Directory, id: &str) -> (String, Option<String>, Option<String>) {
    let StoreNumbers { id, opretail, oms } = directory.find(&id.parse().unwrap());
    (id, opretail, oms)
}

fn of(id: &str, opretail: Option<&str>, oms: Option<&str>) -> (String, Option<String>, Option<String>) {
    (id.to_owned(), opretail.map(str::to_owned), oms.map(str::to_owned))
}

#[test]
fn a_store_is_found_by_each_of_its_ids() {
    let directory = directory("paris-1,S_123456,SHOP001,Paris\n1001,S_7,,\n");
    for id in ["paris-1", "S_123456", "123456", "SHOP001"] {
        assert_eq!(find(&directory, id), of("paris-1", Some("S_123456"), Some("SHOP001")), "{id}");
    }
    for id in ["1001", "S_7", "7"] {
        assert_eq!(find(&directory, id), of("1001", Some("S_7"), None), "{id}");
    }
}

#[test]
fn the_shape_of_an_id_tells_its_vendor_where_the_directory_does_not() {
    for directory in [Directory::default(), directory("1001,S_7,,\n")] {
        assert_eq!(find(&directory, "S_9"), of("S_9", Some("S_9"), None));
        assert_eq!(find(&directory, "9"), of("S_9", Some("S_9"), None));
        assert_eq!(find(&directory, "S_1001"), of("S_1001", Some("S_1001"), None));
        assert_eq!(find(&directory, "SHOP001"), of("SHOP001", None, Some("SHOP001")));
    }
}

#[test]
fn a_code_of_digits_is_found_as_a_code_only_if_the_directory_has_it() {
    assert_eq!(Directory::default().find_by_oms_code("77"), None);
    let directory = directory("east,S_5,77,\n");
    assert_eq!(directory.find_by_oms_code("77").unwrap().id, "east");
    assert_eq!(find(&directory, "77"), of("east", Some("S_5"), Some("77")));
    assert_eq!(directory.find_by_oms_code("SHOP9").unwrap().id, "SHOP9");
    assert_eq!(directory.find_by_oms_code("no code"), None);
}

#[test]
fn the_version_is_that_of_the_rows() {
    let rows = "a,S_1,X,\nb,S_2,,\n";
    assert_eq!(directory(rows).version(), directory(rows).version());
    assert_ne!(directory(rows).version(), directory("a,S_1,X,\nb,S_3,,\n").version());
}
