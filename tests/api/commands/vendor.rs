//! `storegate vendor`: the packs in the program, the check of a pack, and the template of a new one.

use std::fs;

use crate::app::program::{directory, run, stdout_of};
use crate::peers::lumen::{PACK, PACK_FILE};

#[test]
fn every_pack_in_the_program_is_listed_and_has_no_mistake() {
    let listed = stdout_of(&["vendor", "list"], &[], "");
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/packs")).unwrap();
    let names: Vec<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(listed.lines().count(), names.len() + 1, "{listed}");
    for name in names {
        assert!(listed.lines().any(|line| line.split_whitespace().next() == Some(&name)), "{name}: {listed}");
        let told = stdout_of(&["vendor", "check", &name], &[], "");
        assert!(told.starts_with(&format!("{name}: the pack of ")), "{told}");
        assert!(!told.contains("sounds like a secret"), "{told}");
        // Resources of OPRetail and the OMS are parts of the program.
        let is_whole = told.lines().any(|line| line.starts_with("resource: GET /") && line.ends_with(": 200"));
        assert!(is_whole || ["opretail", "oms"].contains(&name.as_str()), "{told}");
    }
}

#[test]
fn a_pack_of_a_file_is_checked_with_its_vectors_and_hints() {
    let told = stdout_of(&["vendor", "check", PACK_FILE], &[], "");
    assert!(
        told.starts_with("lumen: the pack of Lumen has no mistakes\nvector: receipts.list reproduced, of "),
        "{told}"
    );
    assert!(told.contains("hint: no code of [codes] is asked_to_wait: a limit"), "{told}");
}

#[test]
fn a_mistake_is_told_with_its_line_and_exits_with_78() {
    let file = directory("vendor-check").join("lumen.toml");
    fs::write(&file, PACK.replace("digest = \"hmac-sha256\"", "digest = \"rsa-sha256\"")).unwrap();
    let checked = run(&["vendor", "check", file.to_str().unwrap()], &[], "");
    let told = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(78), "{told}");
    assert!(told.contains("lumen.toml: line ") && told.contains("RSA, ECDSA, SM2 and SM3 are not supported"), "{told}");
}

#[test]
fn what_is_no_pack_is_named() {
    let file = directory("vendor-nothing").join("empty.toml");
    fs::write(&file, "").unwrap();
    for (argument, words) in [
        ("no-such-pack", "no-such-pack: "),
        (file.to_str().unwrap(), "vendor.name: missing: the name in configuration"),
    ] {
        let checked = run(&["vendor", "check", argument], &[], "");
        let told = String::from_utf8(checked.stderr).unwrap();
        assert!(checked.status.code() == Some(78) && told.contains(words), "{told}");
    }
}

/// The hints of a check of the template with parts of it written otherwise.
fn hints_with(name: &str, changes: &[(&str, &str)]) -> Vec<String> {
    let file = directory(name).join("acme_pay.toml");
    let mut pack = stdout_of(&["vendor", "new", "acme_pay"], &[], "");
    for (part, by) in changes {
        assert!(pack.contains(part), "{part}");
        pack = pack.replacen(part, by, 1);
    }
    fs::write(&file, pack).unwrap();
    let told = String::from_utf8(run(&["vendor", "check", file.to_str().unwrap()], &[], "").stdout).unwrap();
    told.lines().filter_map(|line| line.strip_prefix("hint: ")).map(str::to_owned).collect()
}

#[test]
fn a_pointer_that_leads_nowhere_in_the_example_answer_is_a_hint() {
    for (part, by, hint) in [
        (
            "from = \"/id\"",
            "from = \"/item_id\"",
            "resources.acme_pay_items.fields.item_id.from: /item_id is nowhere in the example answer of items.list",
        ),
        ("total = \"/total\"", "total = \"/count\"", "resources.acme_pay_items.paging.total: /count is nowhere in"),
        ("total = \"/total\"", "has_next = \"/more\"", "resources.acme_pay_items.paging.has_next: /more is nowhere in"),
        ("id = \"/id\"", "id = \"/no\"", "resources.acme_pay_items.paging.id: /no is nowhere in"),
    ] {
        let hints = hints_with("vendor-pointers", &[(part, by)]);
        assert!(hints.len() == 1 && hints[0].starts_with(hint), "{by}: {hints:?}");
    }
}

#[test]
fn a_method_that_no_resource_calls_is_a_hint_with_the_one_that_was_meant() {
    let answer = "[sandbox.answers]\n";
    let unused = format!("{answer}\"orders.list\" = '{{}}'\n");
    let hints = hints_with("vendor-unused", &[(answer, &unused)]);
    assert_eq!(hints, ["sandbox.answers.orders.list: no resource calls this method"]);
    let hints = hints_with("vendor-misspelt", &[("[methods.\"items.list\"]", "[methods.\"item.list\"]")]);
    assert_eq!(hints, ["methods.item.list: no resource calls it; did you mean items.list?"]);
    let hints = hints_with("vendor-misspelt-answer", &[("\"items.list\" = '", "\"items.lits\" = '")]);
    assert_eq!(hints, ["sandbox.answers.items.lits: no resource calls this method; did you mean items.list?"]);
}

#[test]
fn every_name_that_new_takes_is_one_that_the_check_takes() {
    for (name, words) in [
        ("stores", "stores: take another name: "),
        ("docs", "belongs to the service itself"),
        ("queue", "vendor.name: [gateway] has a setting queue"),
        ("oauth", "belongs to the service itself"),
    ] {
        let refused = run(&["vendor", "new", name], &[], "");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(1) && refused.stdout.is_empty() && told.contains(words), "{told}");
    }
}

#[test]
fn the_template_of_a_new_pack_answers_and_has_no_mistake_and_no_hint() {
    let file = directory("vendor-new").join("acme_pay.toml");
    fs::write(&file, stdout_of(&["vendor", "new", "acme_pay"], &[], "")).unwrap();
    let told = stdout_of(&["vendor", "check", file.to_str().unwrap()], &[], "");
    assert!(told.contains("resource: GET /acme-pay/items: 200") && !told.contains("hint"), "{told}");
    let broken = fs::read_to_string(&file).unwrap().replace("select = \"/list\"", "select = \"/lists\"");
    fs::write(&file, broken).unwrap();
    let checked = run(&["vendor", "check", file.to_str().unwrap()], &[], "");
    let told = String::from_utf8(checked.stdout).unwrap();
    assert_eq!(checked.status.code(), Some(1), "{told}");
    assert!(told.contains("resource: GET /acme-pay/items: 502: "), "{told}");
    let long = "a".repeat(41);
    for (name, words) in [
        ("Acme Pay", "small letters, digits and `_`"),
        ("1acme", "begins with a letter"),
        ("_", "begins with a letter"),
        (&long, "40 at most"),
        ("youzan", "there is a pack in the program"),
    ] {
        let refused = run(&["vendor", "new", name], &[], "");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && told.contains(words), "{name}: {told}");
    }
}

#[test]
fn the_pack_of_the_guide_answers_as_the_guide_says() {
    let guide = include_str!("../../../docs/add-a-vendor.md");
    let blocks = guide.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap());
    let file = directory("vendor-guide").join("kuaishou.toml");
    fs::write(&file, blocks.collect::<Vec<_>>().join("\n")).unwrap();
    let told = stdout_of(&["vendor", "check", file.to_str().unwrap()], &[], "");
    let shown =
        guide.split("It prints the vector").nth(1).unwrap().lines().filter_map(|line| line.strip_prefix("    "));
    let shown: Vec<&str> = shown.take(3).collect();
    assert_eq!(told.lines().take(3).collect::<Vec<_>>(), shown, "{told}");
}
