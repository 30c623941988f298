//! The file that tells scripts that the program is ready: refused early, never another program's, gone at the end.

use std::fs;

use serde_json::Value;

use crate::app::program::{Running, directory, run, stdout_of};

#[test]
fn a_ready_file_that_cannot_be_written_is_refused_by_name_before_anything_is_served() {
    let directory = directory("unwritable-ready-file");
    let missing = directory.join("missing/ready.json");
    for command in ["sandbox", "demo"] {
        for path in [&missing, &directory] {
            let path = path.to_str().unwrap();
            let refused = run(&[command, "--listen=127.0.0.1:0", "--ready-file", path], &[], "");
            let message = String::from_utf8(refused.stderr).unwrap();
            assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0), "{message}");
            assert!(message.starts_with(&format!("storegate: cannot write the ready file {path}: ")), "{message}");
            assert!(message.contains("--ready-file"), "{message}");
        }
    }
    assert!(directory.is_dir());
}

#[test]
fn the_ready_file_is_gone_when_the_program_has_ended() {
    for command in ["sandbox", "demo"] {
        let directory = directory(&format!("ended-{command}"));
        let place = directory.join("ready.json");
        let running = Running::start(&[command, "--listen=127.0.0.1:0"], &place);
        assert_eq!(running.terminate().0, Some(0));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "{command}");
    }
}

#[test]
fn the_ready_file_of_another_program_is_not_touched() {
    let directory = directory("ready-file-of-another");
    let place = directory.join("ready.json");
    let first = Running::start(&["sandbox", "--listen=127.0.0.1:0"], &place);
    let second = Running::start(&["sandbox", "--listen=127.0.0.1:0"], &place);
    assert_eq!(first.terminate().0, Some(0));
    let shown = fs::read_to_string(&place).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), second.ready, "what the second wrote");
    assert_eq!(second.terminate().0, Some(0));
    assert!(!place.exists());
}

#[test]
fn the_ready_file_of_a_killed_program_is_replaced() {
    let place = directory("left-behind").join("ready.json");
    for name in [place.clone(), place.with_extension("json.unfinished")] {
        fs::write(name, "{\"base_url\":\"http://127.0.0.1:1\"}").unwrap();
    }
    let refused = run(&["sandbox", "--listen=192.0.2.1:1", "--ready-file", place.to_str().unwrap()], &[], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(!place.exists(), "nobody takes it for the one of a program that did not come up");
    assert_eq!(fs::read_dir(place.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn the_help_says_what_becomes_of_the_ready_file() {
    for command in ["sandbox", "demo", "serve"] {
        let help = stdout_of(&[command, "--help"], &[], "");
        assert!(help.contains("The ready file is removed when the program ends"), "{help}");
    }
}
