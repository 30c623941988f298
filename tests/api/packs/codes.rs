//! Mistakes in what a pack says of answers: codes that nothing matches, and rules about what is not there.

use storegate::vendors::pack::compile;

use crate::packs::{each_is_one_problem, problems};
use crate::peers::lumen::PACK;

const NOT_FOUND: &str = "not_found = [\"E404\"]";

#[test]
fn a_form_of_codes_is_none_of_one_code() {
    let forms = "forms = [\"E###\"]";
    each_is_one_problem(&[
        (forms, "forms = [\"E401\"]", "codes.forms: E401 is one code"),
        (forms, "forms = [\"Integer\"]", "codes.forms: Integer is one code"),
        (forms, "forms = [\"\"]", "codes.forms:  is one code"),
    ]);
}

#[test]
fn a_code_is_one_that_an_answer_can_have() {
    for code in ["E404, E405", "E404 ", " E404", "E404,E405", "", " ", "1, 3", "PARAM\tERR", "PARAM\u{3000}ERR"] {
        let by = format!("not_found = [{}]", toml::Value::from(code));
        let words = "is no code: it has no commas and no blanks around it, and each stands in quotes";
        each_is_one_problem(&[(NOT_FOUND, &by, words)]);
    }
    for code in ["E404 E405", "1 - 3", "1 3", "0x1 0x2", "1 \u{2013} 3"] {
        let by = format!("not_found = [{code:?}]");
        each_is_one_problem(&[(NOT_FOUND, &by, "is no code but several: each stands in quotes of its own")]);
    }
    for code in [
        "E404-E409",
        "0x0240100a-0x02401021",
        "0x1-0x3",
        "0xA-0XB",
        "Z0403-Z0410",
        "001-003",
        "1-03",
        "1\u{2013}3",
        "e1.5-e1.7",
    ] {
        let by = format!("not_found = [{code:?}]");
        each_is_one_problem(&[(NOT_FOUND, &by, "is no range: one has two plain numbers, such as 1-3")]);
    }
    for code in [
        "404-409",
        "-100",
        "not-found",
        "isv.invalid-parameter",
        "E404-a",
        "2024-01-E3",
        "PARAM ERR",
        "Base Param error",
    ]
    .into_iter()
    .chain(["0x0240100a", "0X1", "E 404", "ERR-1 OF PARAM", "no such thing"])
    {
        assert_eq!(problems(NOT_FOUND, &format!("not_found = [{code:?}]")), Vec::<String>::new(), "{code}");
    }
}

#[test]
fn a_code_is_of_success_or_of_a_failure() {
    let code = "code = [\"/error/kind\"]";
    each_is_one_problem(&[
        (code, &format!("{code}\nsuccess = [\"0\", \"E404\"]"), "answer.success: [codes] has E404, too"),
        (code, &format!("{code}\nsuccess = [\"0, 1\"]"), "answer.success: \"0, 1\" is no code"),
    ]);
    let in_range = "[codes]\nasked_to_wait = [\"4-6\"]";
    let pack = PACK.replace("[codes]", in_range).replace(code, &format!("{code}\nsuccess = [\"5\"]"));
    let told = compile(&pack, "lumen.toml").unwrap_err().0;
    assert!(told.len() == 1 && told[0].contains("answer.success: [codes] has 5, too"), "{told:?}");
    assert_eq!(problems(code, &format!("{code}\nsuccess = [\"0\"]")), Vec::<String>::new());
}

#[test]
fn rules_about_codes_need_codes() {
    let code = "code = [\"/error/kind\"]";
    each_is_one_problem(&[
        (code, "code_required = true", "answer.code_required: there is no `code`"),
        (code, "success = [\"0\"]", "answer.success: there is no `code`"),
        (
            "[doctor]",
            "[doctor]\nhides_unknown_key = [\"E002\", \"E999\"]",
            "hides_unknown_key: [codes] has no code \"E999\"",
        ),
    ]);
    assert_eq!(problems(code, "failed_by = [\"/error\"]\nsuccess = [\"0\"]"), Vec::<String>::new());
}
