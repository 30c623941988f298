//! Stores found in a directory by each of their ids, and by the shape of an id that is in no directory.

use super::{Directory, StoreNumbers, read};
use crate::gateway::vendor::Vendor;
use crate::vendors::Vendors;

fn vendor(name: &str) -> Vendor {
    Vendors::default().get(name).unwrap()
}

fn directory(rows: &str) -> Directory {
    let ids = Vendors::default().ids();
    Directory::new(read(&format!("id,opretail_id,oms_code,name\n{rows}"), &ids).unwrap(), &ids)
}

fn find(directory: &Directory, id: &str) -> (String, Option<String>, Option<String>) {
    let id = id.parse().unwrap();
    let StoreNumbers { id: own, numbers } = directory.find(&id);
    assert_eq!(directory.id_of(&id), own);
    let at = |name| numbers.at(vendor(name)).map(str::to_owned);
    (own, at("opretail"), at("oms"))
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
    for directory in [directory(""), directory("1001,S_7,,\n")] {
        assert_eq!(find(&directory, "S_9"), of("S_9", Some("S_9"), None));
        assert_eq!(find(&directory, "9"), of("S_9", Some("S_9"), None));
        assert_eq!(find(&directory, "S_1001"), of("S_1001", Some("S_1001"), None));
        assert_eq!(find(&directory, "SHOP001"), of("SHOP001", None, Some("SHOP001")));
    }
}

#[test]
fn a_code_of_digits_is_found_as_a_code_only_if_the_directory_has_it() {
    assert_eq!(directory("").find_by_number(vendor("oms"), "77"), None);
    let directory = directory("east,S_5,77,\n");
    assert_eq!(directory.find_by_number(vendor("oms"), "77").unwrap().id, "east");
    assert_eq!(find(&directory, "77"), of("east", Some("S_5"), Some("77")));
    assert_eq!(directory.find_by_number(vendor("oms"), "SHOP9").unwrap().id, "SHOP9");
    assert_eq!(directory.find_by_number(vendor("oms"), "no code"), None);
}

#[test]
fn the_version_is_that_of_the_rows() {
    let rows = "a,S_1,X,\nb,S_2,,\n";
    assert_eq!(directory(rows).version, directory(rows).version);
    assert_ne!(directory(rows).version, directory("a,S_1,X,\nb,S_3,,\n").version);
}

#[test]
fn the_version_of_the_built_in_vendors_stays_that_of_earlier_releases() {
    // printf '[{"id":"a","opretail":"1","oms":"X","name":null},{"id":"b","opretail":"2","oms":null,"name":"North"}]' |
    //     sha256sum | cut -c -32 | xxd -r -p | base64 | tr +/ -_
    assert_eq!(directory("a,S_1,X,\nb,2,,North\n").version.to_string(), "4ETG_Varh--no37W__2yyA");
}
