//! Which changes of the configuration's files are noticed, and at which look.

use std::fs;
use std::fs::File;

use storegate::reload::{LAST_LOOK, Outcome};

use crate::configuration_files::Files;
use crate::test_app::TestApp;

const FLOW: &str = "/stores/S_123456/flow";

/// Gives the client this quota, by which a test sees what is in force.
fn with_quota(files: &mut Files, requests: u32) {
    files.change("[auth.clients.dashboard]", &format!("[auth.clients.dashboard]\nquota = \"{requests}/1m\""));
}

async fn assert_quota(app: &TestApp, requests: u32) {
    let policy = format!("\"default\";q={requests};w=60");
    assert_eq!(app.get(FLOW).await.header("ratelimit-policy"), Some(policy.as_str()));
}

#[actix_web::test]
async fn a_changed_file_is_read_at_the_second_look_that_finds_it_the_same() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "looking");
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, None));
    files.change("[auth.clients.dashboard]", "[auth.clients.dashboard]\nquota = \"7/1m\"");
    assert_eq!(files.reloader.look(), None, "it may be half written");
    files.change("[auth.clients.dashboard]", "[auth.clients.dashboard]\nquota = \"8/1m\"");
    assert_eq!(files.reloader.look(), None, "it was");
    assert_eq!(files.reloader.look(), Some(Outcome::Applied));
    assert_eq!(files.reloader.look(), None);
    assert_eq!(app.get(FLOW).await.header("ratelimit-policy"), Some("\"default\";q=8;w=60"));
    files.write("nonsense");
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(Outcome::Refused)));
    assert_eq!(files.reloader.look(), None, "it is told once");
    fs::remove_file(&files.path).unwrap();
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(Outcome::Refused)));
}

#[actix_web::test]
async fn another_file_of_the_same_length_and_time_is_read() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "same-length-and-time");
    with_quota(&mut files, 7);
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(Outcome::Applied)));
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, None));
    let about = fs::metadata(&files.path).unwrap();
    let other = files.path.with_file_name("other.toml");
    fs::write(&other, fs::read_to_string(&files.path).unwrap().replace("\"7/1m\"", "\"8/1m\"")).unwrap();
    File::options().write(true).open(&other).unwrap().set_modified(about.modified().unwrap()).unwrap();
    fs::rename(&other, &files.path).unwrap();
    let now = fs::metadata(&files.path).unwrap();
    assert_eq!((now.len(), now.modified().unwrap()), (about.len(), about.modified().unwrap()));
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(Outcome::Applied)));
    assert_quota(&app, 8).await;
}

#[actix_web::test]
async fn a_file_that_never_rests_does_not_hold_the_others_up() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "restless");
    let list = files.path.with_file_name("revoked");
    files.text = format!("[auth]\nrevoked_tokens_file = {list:?}\n{}", files.text);
    fs::write(&list, "0\n").unwrap();
    with_quota(&mut files, 7);
    assert_eq!(files.reloader.reload(), Outcome::Applied);
    for turn in 8..10 {
        with_quota(&mut files, turn);
        let looks = (1..=LAST_LOOK).map(|look| {
            fs::write(&list, format!("{turn}-{look}\n")).unwrap();
            files.reloader.look()
        });
        assert_eq!(looks.collect::<Vec<_>>(), [None, None, Some(Outcome::Applied)]);
        assert_quota(&app, turn).await;
    }
}
