//! The vendor to which an id belongs by its shape, for tenants that use different vendors.

use super::VendorIds;
use crate::directory::{Directory, read};
use crate::gateway::vendor::Vendor;
use crate::vendors::{Vendors, pack};

const LUMEN: &str = include_str!("../../../tests/packs/lumen.toml");

/// A vendor with this form of store ids.
fn vendor(name: &str, ids: &str) -> Vendor {
    let (before, rest) = LUMEN.split_once("[ids.store]").unwrap();
    let (_, after) = rest.split_once("\n[methods").unwrap();
    let names = format!("column = \"{name}_code\"\nparameter_type = \"{name}_store\"\nlabel = \"code\"");
    let text = format!("{before}[ids.store]\n{names}\n{ids}\n[methods{after}");
    let text = text.replace("name = \"lumen\"", &format!("name = \"{name}\""));
    pack::compile(&text, "a.toml").unwrap()
}

fn letters() -> Vendor {
    vendor("letters", "example = \"A1\"")
}

fn digits() -> Vendor {
    vendor("digits", "digits = true\nlongest = 6\nexample = \"1001\"")
}

fn prefixed() -> Vendor {
    vendor("prefixed", "prefix = \"SHOP\"\nexample = \"SHOP-1\"")
}

fn built_in(name: &str) -> Vendor {
    Vendors::default().get(name).unwrap()
}

/// The ids of a tenant with accounts at these vendors.
fn ids(with_account: &[Vendor]) -> VendorIds {
    let built_in: Vec<Vendor> = Vendors::default().iter().collect();
    let all = [built_in.clone(), vec![letters(), digits(), prefixed()]].concat();
    VendorIds::new(&all, &built_in, with_account)
}

fn whose(ids: &VendorIds, id: &str) -> String {
    ids.by_shape(id).map_or_else(|| "nobody".to_owned(), |(vendor, number)| format!("{vendor} {number}"))
}

#[test]
fn without_an_account_at_another_vendor_ids_are_those_of_the_built_in_ones() {
    for with_account in [vec![], vec![built_in("oms")], vec![built_in("opretail")]] {
        let ids = ids(&with_account);
        for (id, owner) in [
            ("S_9", "opretail S_9"),
            ("9", "opretail S_9"),
            ("S_NORTH", "opretail S_NORTH"),
            ("SHOP001", "oms SHOP001"),
            ("s_1", "oms s_1"),
            ("S_", "nobody"),
        ] {
            assert_eq!(whose(&ids, id), owner, "{with_account:?} {id}");
        }
    }
}

#[test]
fn what_has_no_prefix_is_of_the_first_vendor_with_an_account() {
    assert_eq!(whose(&ids(&[letters()]), "A1"), "letters A1");
    assert_eq!(whose(&ids(&[built_in("oms"), letters()]), "A1"), "oms A1");
    assert_eq!(whose(&ids(&[built_in("opretail"), letters()]), "A1"), "letters A1");
    assert_eq!(whose(&ids(&[letters()]), "77"), "opretail S_77", "digits are of a vendor whose numbers are digits");
}

#[test]
fn digits_are_of_the_first_vendor_with_an_account_that_numbers_so() {
    assert_eq!(whose(&ids(&[digits()]), "77"), "digits 77");
    assert_eq!(whose(&ids(&[built_in("opretail"), digits()]), "77"), "opretail S_77");
    assert_eq!(whose(&ids(&[digits()]), "1234567"), "opretail S_1234567", "too long for the first");
    assert_eq!(whose(&ids(&[digits()]), "A1"), "oms A1");
}

#[test]
fn digits_without_a_prefix_lead_to_the_store_of_the_first_vendor_that_numbers_so() {
    let plots = vendor("plots", "prefix = \"D-\"\ndigits = true\nexample = \"D-1\"");
    let built_in: Vec<Vendor> = Vendors::default().iter().collect();
    let all = [built_in.clone(), vec![plots]].concat();
    let rows = "id,opretail_id,plots_code\na,S_77,\nb,,77\nc,S_5,D-5\n";
    for (with_account, store) in [(vec![plots], "b"), (vec![self::built_in("opretail"), plots], "a"), (vec![], "a")] {
        let ids = VendorIds::new(&all, &built_in, &with_account);
        let directory = Directory::new(read(rows, &ids).unwrap(), &ids);
        for (id, store) in [("S_77", "a"), ("D-77", "b"), ("77", store), ("5", "c"), ("D-5", "c")] {
            assert_eq!(directory.find(&id.parse().unwrap()).id, store, "{with_account:?} {id}");
        }
        let contradiction = read(&format!("{rows}77,S_6,\n"), &ids).unwrap_err()[0].to_string();
        let column = if store == "a" { "opretail_id" } else { "plots_code" };
        assert!(
            contradiction.contains(&format!("`77` is the id of this store, and the {column} of")),
            "{contradiction}"
        );
    }
}

#[test]
fn a_prefix_counts_only_where_the_tenant_uses_its_vendor() {
    assert_eq!(whose(&ids(&[prefixed()]), "SHOP001"), "prefixed SHOP001");
    assert_eq!(whose(&ids(&[built_in("oms")]), "SHOP001"), "oms SHOP001");
    assert!(ids(&[prefixed()]).store("SHOP").unwrap_err().contains("such as SHOP-1"));
    assert!(ids(&[built_in("oms")]).store("SHOP").is_ok());
}

#[test]
fn the_version_changes_with_the_shapes_of_ids() {
    let version = |with_account: &[Vendor]| Directory::new(Vec::new(), &ids(with_account)).version;
    assert_eq!(version(&[]), version(&[built_in("oms")]));
    assert_ne!(version(&[]), version(&[letters()]));
    assert_ne!(version(&[letters()]), version(&[built_in("oms"), letters()]), "another vendor comes first");
}

#[test]
fn a_tenant_s_own_id_may_look_like_the_number_of_a_vendor_that_it_does_not_use() {
    let rows = "id,oms_code,prefixed_code\nSHOP-1,A1,\n";
    assert!(read(rows, &ids(&[])).is_ok());
    let refused = read(rows, &ids(&[prefixed()])).unwrap_err()[0].to_string();
    assert_eq!(refused, "line 2: the id `SHOP-1` has the form of a prefixed_code, and is not the one of this store");
}

#[test]
fn each_vendor_s_number_is_found_and_a_line_needs_one_of_them() {
    let ids = ids(&[digits(), prefixed()]);
    let text = "id,opretail_id,digits_code,prefixed_code,letters_code\na,S_7,1001,SHOPx,B2\nb,,,,A1\n";
    let directory = Directory::new(read(text, &ids).unwrap(), &ids);
    for id in ["a", "S_7", "1001", "SHOPx", "B2"] {
        assert_eq!(directory.find(&id.parse().unwrap()).id, "a", "{id}");
    }
    assert_eq!(directory.find(&"7".parse().unwrap()).id, "7", "digits are of the vendor that the company uses");
    assert_eq!(directory.find_by_number(letters(), "A1").unwrap().id, "b");
    assert_eq!(directory.find_by_number(digits(), "A1"), None);
    let problems = |line: &str| {
        let problems = read(&format!("id,digits_code,prefixed_code,letters_code\n{line}\n"), &ids).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(
        problems("a,12x,,"),
        "line 2, column 2 (digits_code): `12x` is no id of Lumen: write up to 6 digits, such as 1001"
    );
    let wanted = "line 2, column 3 (prefixed_code): `1` is no id of Lumen: write SHOP and letters, digits, `_`, `-` or `.`, such as SHOP-1";
    assert_eq!(problems("a,,1,"), wanted);
    assert_eq!(
        problems("a,,,"),
        "line 2: the store has neither an opretail_id nor an oms_code nor a letters_code nor a digits_code nor a \
         prefixed_code: fill in one of them, or leave the line out"
    );
    assert!(
        problems("a,77,,\nb,,,77")
            .contains("`77` is the letters_code of this store, and the digits_code of the one in line 2")
    );
}

#[test]
fn a_caller_s_id_is_one_that_the_vendor_whose_it_is_could_have_given_or_one_of_the_directory() {
    let crates = vendor("crates", "prefix = \"Q\"\ndigits = true\nlongest = 6\nexample = \"Q15\"");
    let short = vendor("short", "longest = 4\nexample = \"A1\"");
    let ids = |with_account: &[Vendor]| {
        let built_in: Vec<Vendor> = Vendors::default().iter().collect();
        VendorIds::new(&[built_in.clone(), vec![crates, short]].concat(), &built_in, with_account)
    };
    let rows = "id,opretail_id\nS_NORTH,S_9\n";
    let directory = |with_account: &[Vendor]| {
        let ids = ids(with_account);
        Directory::new(read(rows, &ids).unwrap(), &ids)
    };
    let mine = directory(&[crates]);
    for id in ["Q1", "Q123456", "15", "S_1", "S_NORTH", "S_9", "SHOP001"] {
        assert!(mine.read(id).is_ok(), "{id}");
    }
    for id in ["Q1234567", "Q12a", "Q1.2", "Q-1", &format!("Q{}", "1".repeat(31))] {
        let refused = mine.read(id).unwrap_err();
        assert_eq!(refused, format!("`{id}` is no store's number: write Q and up to 6 digits, such as Q15"));
        assert!(directory(&[]).read(id).is_ok(), "it is the OMS's where the company does not use that vendor");
    }
    for id in ["S_12a", "S_SOUTH", "S_1.2"] {
        assert!(mine.read(id).unwrap_err().ends_with("write S_ and digits, such as S_123456"), "{id}");
    }
    assert!(directory(&[short]).read("ABCD").is_ok());
    assert!(directory(&[short]).read("ABCDE").unwrap_err().contains("up to 4 letters"));
}
