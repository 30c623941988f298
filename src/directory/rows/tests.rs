//! Files that are valid directories, and files that are not.

use super::{DirectoryRow, RowProblem};
use crate::gateway::vendor::Vendor;
use crate::vendors::Vendors;

const HEADER: &str = "id,opretail_id,oms_code,name\n";

fn read(text: &str) -> Result<Vec<DirectoryRow>, Vec<RowProblem>> {
    super::read(text, &Vendors::default().ids())
}

fn read_file(content: &[u8]) -> Result<Vec<DirectoryRow>, Vec<RowProblem>> {
    super::read_file(content, &Vendors::default().ids())
}

fn number(row: &DirectoryRow, vendor: &str) -> Option<String> {
    let vendor: Vendor = Vendors::default().get(vendor).unwrap();
    row.numbers.at(vendor).map(str::to_owned)
}

fn problems(text: &str) -> Vec<String> {
    read(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn columns_come_in_any_order_and_those_of_a_vendor_may_be_missing() {
    let text = "\u{feff}name, oms_code ,id\r\n\"North, Main St\",SHOP001,north\r\n\r\n南京路店,SHOP002,nanjing\r\n";
    let rows = read_file(text.as_bytes()).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].id.as_str(), rows[0].name.as_deref()), ("north", Some("North, Main St")));
    assert_eq!((number(&rows[0], "oms").as_deref(), number(&rows[0], "opretail")), (Some("SHOP001"), None));
    assert_eq!(rows[1].name.as_deref(), Some("南京路店"));
}

#[test]
fn an_id_of_opretail_is_written_with_its_prefix_or_without() {
    let rows = read(&format!("{HEADER}a,S_123456,,\nb,654321,B1,\n")).unwrap();
    assert_eq!(number(&rows[0], "opretail").as_deref(), Some("S_123456"));
    assert_eq!(number(&rows[1], "opretail").as_deref(), Some("S_654321"));
}

#[test]
fn every_problem_names_its_line_and_column() {
    let text = format!("{HEADER}a b,S_1,,\n,S_2,,\nc,SHOP,,\nd,,,\ne,S_3\nf,S_4,x'y,\n");
    assert_eq!(
        problems(&text),
        [
            "line 2, column 1 (id): `a b`: an id has 1 to 32 letters, digits, `_`, `-` or `.`",
            "line 3, column 1 (id): every store needs an id",
            "line 4, column 2 (opretail_id): `SHOP` is no id of OPRetail: write S_ and digits, such as S_123456",
            "line 5: the store has neither an opretail_id nor an oms_code: fill in one of them, or leave the line out",
            "line 6: the line has 2 fields, and the first line 4 columns",
            "line 7, column 3 (oms_code): `x'y`: an id has 1 to 32 letters, digits, `_`, `-` or `.`",
        ]
    );
}

#[test]
fn an_id_that_would_lead_to_two_stores_is_reported_with_both_lines() {
    for (rows, what) in [
        ("a,S_1,,\na,S_2,,\n", "`a` is the id of this store, and the id of the one in line 2"),
        ("a,S_1,,\nb,1,,\n", "`1` is the opretail_id of this store, and the opretail_id of the one in line 2"),
        ("a,,X,\nb,,X,\n", "`X` is the oms_code of this store, and the oms_code of the one in line 2"),
        ("a,S_77,,\n77,S_2,,\n", "`77` is the id of this store, and the opretail_id of the one in line 2"),
        ("a,S_77,,\nb,,77,\n", "`77` is the oms_code of this store, and the opretail_id of the one in line 2"),
        ("a,,X,\nX,S_2,,\n", "`X` is the id of this store, and the oms_code of the one in line 2"),
    ] {
        let problems_found = problems(&format!("{HEADER}{rows}"));
        assert_eq!(problems_found, [format!("line 3: {what}: an id must lead to one store")], "{rows}");
    }
    let own = "x,,x,\ny,,Y,\n7,S_8,7,\nS_9,9,9,\n";
    assert_eq!(read(&format!("{HEADER}{own}")).unwrap().len(), 4, "a store may go by one id at both");
}

#[test]
fn an_id_that_looks_like_one_of_opretail_is_the_one_of_its_store() {
    let problems_found = problems(&format!("{HEADER}S_5,S_6,,\n"));
    assert_eq!(
        problems_found,
        ["line 2: the id `S_5` has the form of an opretail_id, and is not the one of this store"]
    );
}

#[test]
fn a_file_that_is_no_directory_is_refused_with_the_form_of_one() {
    for (text, what) in [
        ("", "line 1: the first line names the columns: id,opretail_id,oms_code,name (separated by commas, "),
        ("opretail_id,name\nS_1,a\n", "line 1: the first line names the columns: id,opretail_id,oms_code,name"),
        ("id|opretail_id\na|S_1\n", "line 1: name 1 is none of the columns"),
        (
            "id,oms_kode\na,X\n",
            "line 1: name 2 is none of the columns (did you mean `oms_code`?); the first line names the columns",
        ),
        ("id,id\na,b\n", "line 1: the column `id` is there twice"),
    ] {
        let problems_found = problems(text);
        assert!(problems_found.len() == 1 && problems_found[0].starts_with(what), "{problems_found:?}");
    }
}

#[test]
fn another_file_that_was_named_by_mistake_is_not_shown_and_neither_are_control_characters() {
    for text in ["planted-secret", "planted-secret\nplanted-secret\n", "id,planted-secret\n"] {
        assert!(!problems(text).concat().contains("planted"), "{:?}", problems(text));
    }
    let problems_found = problems(&format!("{HEADER}\u{1b}[2J{},S_1,,\n", "x".repeat(100))).concat();
    assert!(
        !problems_found.contains('\u{1b}') && problems_found.contains("xxx…") && problems_found.len() < 160,
        "{problems_found}"
    );
}

#[test]
fn lines_are_those_of_the_file_even_after_a_name_of_two_lines() {
    let text = format!("{HEADER}a,S_1,,\"Main\nStreet\"\nb,,,\n");
    assert_eq!(problems(&text).len(), 1);
    assert!(problems(&text)[0].starts_with("line 4: "), "{:?}", problems(&text));
}

#[test]
fn only_the_first_of_very_many_problems_are_reported() {
    let text = format!("{HEADER}{}", "!,S_1,,\n".repeat(1000));
    assert_eq!(problems(&text).len(), 20);
}

fn ids(rows: &[DirectoryRow]) -> Vec<(&str, Option<&str>)> {
    rows.iter().map(|row| (row.id.as_str(), row.name.as_deref())).collect()
}

#[test]
fn a_directory_is_read_however_a_spreadsheet_separates_its_fields() {
    let wanted = [("a", Some("Main St, 1")), ("b", Some("南京路店"))];
    for text in [
        "id,opretail_id,name\r\na,S_1,\"Main St, 1\"\r\nb,S_2,南京路店\r\n",
        "id;opretail_id;name\r\na;S_1;Main St, 1\r\nb;S_2;\"南京路店\"\r\n",
        "id\topretail_id\tname\na\tS_1\tMain St, 1\nb\tS_2\t南京路店",
        "sep=;\r\nid;opretail_id;name\r\na;S_1;Main St, 1\r\nb;S_2;南京路店\r\n",
        "\"sep=,\"\nid,opretail_id,name\na,S_1,\"Main St, 1\"\nb,S_2,南京路店\n",
        "SEP=;\nid;opretail_id;name\na;S_1;Main St, 1\nb;S_2;南京路店\n",
        "sep=\t\nID\tOpretail_Id\tName\na\tS_1\tMain St, 1\nb\tS_2\t南京路店\n",
        "id,opretail_id,name,,\r\n a ,S_1 ,\"Main St, 1\" ,,\r\n\u{a0}b,S_2,南京路店\u{3000},,\r\n,,,,\r\n",
        "id,opretail_id,name\ra,S_1,\"Main St, 1\"\rb,S_2,南京路店\r",
    ] {
        let rows = read(text).unwrap_or_else(|problems| panic!("{text:?}: {problems:?}"));
        assert_eq!(ids(&rows), wanted, "{text:?}");
    }
}

#[test]
fn a_directory_is_read_in_utf_8_and_in_utf_16() {
    let text = "id;opretail_id;name\r\na;S_1;店 😀\r\n";
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for content in [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [b"\xff\xfe", &little[..]].concat(),
        [b"\xfe\xff", &big[..]].concat(),
        little.clone(),
        big,
    ] {
        assert_eq!(ids(&read_file(&content).unwrap()), [("a", Some("店 😀"))], "{content:?}");
    }
    let broken = [b"\xff\xfe", &little[..little.len() - 1]].concat();
    let problem = read_file(&broken).unwrap_err()[0].to_string();
    assert!(problem.starts_with("line 2: the text is broken UTF-16"), "{problem}");
}

#[test]
fn a_directory_in_another_encoding_says_in_which_line_and_how_to_save_it() {
    // GBK, Big5 and Latin-1.
    for name in [&b"\xc4\xcf\xbe\xa9\xc2\xb7"[..], b"\xab\x6e\xa8\xca", b"Caf\xe9"] {
        let content = [b"id,opretail_id,name\na,S_1,\nb,S_2,", name, b"\n"].concat();
        let problems = read_file(&content).unwrap_err();
        let problem = problems[0].to_string();
        assert!(problem.starts_with("line 3: the text is not UTF-8"), "{problem}");
        assert!(problem.contains("CSV UTF-8") && problem.contains("GBK"), "{problem}");
    }
}

#[test]
fn lines_are_those_of_the_file_behind_a_line_for_the_spreadsheet() {
    for text in ["sep=;\r\nid;opretail_id\r\na;S_1\r\n;S_2\r\n", "sep=;\nid;opretail_id\na;S_1\n;S_2\n"] {
        assert_eq!(problems(text), ["line 4, column 1 (id): every store needs an id"]);
    }
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("id,opretail_id{end}{end}a,S_1{end}{end}b,{end}\"c{end}c\",S_3{end},S_4{end}");
        let lines: Vec<String> =
            problems(&text).iter().map(|problem| problem.split([',', ':']).next().unwrap().to_owned()).collect();
        assert_eq!(lines, ["line 5", "line 6", "line 8"], "{text:?}");
    }
    assert!(problems("sep=;\nidd;name\n")[0].starts_with("line 2: name 1 is none of the columns"));
}
