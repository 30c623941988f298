//! Which changes of the configuration's files are noticed, and at which look.

use std::fs;
use std::fs::File;
#[cfg(unix)]
use std::os::unix::fs::symlink;

use serde_json::json;
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::config::Settings;
use storegate::reload::{LAST_LOOK, ReloadOutcome, Reloader};
use storegate::vendors::Vendors;

use crate::app::TestApp;
use crate::app::configuration_files::Files;
use crate::app::requests::FLOW;
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};

/// Gives the client this quota, by which a test sees what is in force.
fn with_quota(files: &mut Files, requests: u32) {
    files.change("[auth.clients.dashboard]", &format!("[auth.clients.dashboard]\nquota = \"{requests}/1m\""));
}

async fn assert_quota(app: &TestApp, requests: u32) {
    let policy = format!("\"default\";q={requests};w=60");
    assert_eq!(app.get(FLOW).await.header("ratelimit-policy"), Some(policy.as_str()));
}

#[actix_web::test]
async fn a_changed_file_is_read_when_two_looks_in_a_row_find_it_the_same() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "looking");
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, None));
    files.change("[auth.clients.dashboard]", "[auth.clients.dashboard]\nquota = \"7/1m\"");
    assert_eq!(files.reloader.look(), None, "it may be half written");
    files.change("[auth.clients.dashboard]", "[auth.clients.dashboard]\nquota = \"8/1m\"");
    assert_eq!(files.reloader.look(), None, "it was");
    assert_eq!(files.reloader.look(), Some(ReloadOutcome::Applied));
    assert_eq!(files.reloader.look(), None);
    assert_eq!(app.get(FLOW).await.header("ratelimit-policy"), Some("\"default\";q=8;w=60"));
    files.write("nonsense");
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Refused)));
    assert_eq!(files.reloader.look(), None, "it is told once");
    fs::remove_file(&files.path).unwrap();
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Refused)));
}

#[actix_web::test]
async fn another_file_of_the_same_length_and_time_is_read() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "same-length-and-time");
    with_quota(&mut files, 7);
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Applied)));
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, None));
    let about = fs::metadata(&files.path).unwrap();
    let other = files.path.with_file_name("other.toml");
    fs::write(&other, fs::read_to_string(&files.path).unwrap().replace("\"7/1m\"", "\"8/1m\"")).unwrap();
    File::options().write(true).open(&other).unwrap().set_modified(about.modified().unwrap()).unwrap();
    fs::rename(&other, &files.path).unwrap();
    let now = fs::metadata(&files.path).unwrap();
    assert_eq!((now.len(), now.modified().unwrap()), (about.len(), about.modified().unwrap()));
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Applied)));
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
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    for turn in 8..10 {
        with_quota(&mut files, turn);
        let looks = (1..=LAST_LOOK).map(|look| {
            fs::write(&list, format!("{turn}-{look}\n")).unwrap();
            files.reloader.look()
        });
        assert_eq!(looks.collect::<Vec<_>>(), [None, None, Some(ReloadOutcome::Applied)]);
        assert_quota(&app, turn).await;
    }
}

#[actix_web::test]
async fn files_of_a_refused_configuration_are_watched_until_it_is_right() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "refused-names");
    let token = app.token("dashboard");
    let told = app.post_form("dashboard", "/oauth/introspect", &format!("token={token}")).await.json();
    let list = files.path.with_file_name("revoked");
    files.change("[auth.keys.first]", &format!("[auth]\nrevoked_tokens_file = {list:?}\n[auth.keys.first]"));
    assert_eq!(
        (files.reloader.look(), files.reloader.look()),
        (None, Some(ReloadOutcome::Refused)),
        "there is no list"
    );
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, None), "it is told once");
    fs::write(&list, "two ids\n").unwrap();
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Refused)));
    fs::write(&list, told["jti"].as_str().unwrap()).unwrap();
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Applied)));
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 401);
}

#[actix_web::test]
async fn the_files_in_force_are_watched_while_the_new_configuration_cannot_be_read() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "still-watched");
    let list = files.path.with_file_name("revoked");
    files.text = format!("[auth]\nrevoked_tokens_file = {list:?}\n{}", files.text);
    fs::write(&list, "1\n").unwrap();
    files.change("", "");
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    files.write("nonsense");
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Refused)));
    fs::write(&list, "2\n").unwrap();
    assert_eq!(
        (files.reloader.look(), files.reloader.look()),
        (None, Some(ReloadOutcome::Refused)),
        "it is told again"
    );
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, None));
}

#[actix_web::test]
async fn a_file_that_is_replaced_while_it_is_read_is_read_again() {
    let app = TestApp::spawn();
    let files = Files::of(&app, "replaced");
    let with_quota = |requests: u32| {
        let client = format!("[auth.clients.dashboard]\nquota = \"{requests}/1m\"");
        files.text.replacen("[auth.clients.dashboard]", &client, 1)
    };
    let (path, next) = (files.path.clone(), files.path.with_file_name("next"));
    fs::write(&path, with_quota(7)).unwrap();
    fs::write(&next, with_quota(8)).unwrap();
    // The environment is asked when the file has been read, and then another one is in its place.
    let replacing = std::iter::from_fn(|| {
        fs::rename(&next, &path).unwrap();
        None
    });
    let reading = Settings::read_from(Some(&path), replacing.take(1), None);
    app.auth.renew(reading.settings.unwrap().auth).unwrap();
    assert_quota(&app, 7).await;
    let read_path = path.clone();
    let read = move |running: &Vendors| Settings::read_from(Some(&read_path), std::iter::empty(), Some(running));
    let mut reloader = Reloader::new(app.in_force.clone(), reading.sources, read);
    assert_eq!((reloader.look(), reloader.look()), (None, Some(ReloadOutcome::Applied)));
    assert_quota(&app, 8).await;
}

#[cfg(unix)]
#[actix_web::test]
async fn a_directory_that_is_replaced_behind_its_symbolic_link_is_noticed() {
    let app = TestApp::spawn();
    let files = Files::of(&app, "swapped");
    let home = files.path.with_file_name("mounted");
    // As Kubernetes mounts secrets: the file is a link into a link, and only the latter is replaced.
    for (version, requests) in [("first", 7), ("second", 8)] {
        fs::create_dir_all(home.join(version)).unwrap();
        let client = format!("[auth.clients.dashboard]\nquota = \"{requests}/1m\"");
        let text = files.text.replacen("[auth.clients.dashboard]", &client, 1);
        fs::write(home.join(version).join("storegate.toml"), text).unwrap();
    }
    symlink("first", home.join("..data")).unwrap();
    let path = home.join("storegate.toml");
    symlink("..data/storegate.toml", &path).unwrap();
    let read = move |running: &Vendors| Settings::read_from(Some(&path), std::iter::empty(), Some(running));
    let started = read(&app.in_force.vendors);
    app.auth.renew(started.settings.unwrap().auth).unwrap();
    assert_quota(&app, 7).await;
    let mut reloader = Reloader::new(app.in_force.clone(), started.sources, read);
    assert_eq!((reloader.look(), reloader.look()), (None, None));
    symlink("second", home.join("..data_tmp")).unwrap();
    fs::rename(home.join("..data_tmp"), home.join("..data")).unwrap();
    assert_eq!((reloader.look(), reloader.look()), (None, Some(ReloadOutcome::Applied)));
    assert_quota(&app, 8).await;
}

#[actix_web::test]
async fn a_key_set_in_a_file_is_read_again_when_it_changes() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "key-set-file");
    let (old, new) = (ProviderKey::new("old", KeyAlgorithm::Es256), ProviderKey::new("new", KeyAlgorithm::Es256));
    let provider = IdentityProvider::start(&[]);
    let set = files.path.with_file_name("keys.json");
    fs::write(&set, json!({ "keys": [old.jwk] }).to_string()).unwrap();
    let issuer = provider.issuer();
    files.write(&format!(
        "{}\n[auth.issuers.login]\nissuer = \"{issuer}\"\naudience = \"storegate\"\ntenant = \"acme\"\njwks_file = {set:?}\n",
        files.text
    ));
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    let status = async |key: &ProviderKey| app.get_with_token(&key.token(&provider.claims()), FLOW).await.status;
    assert_eq!((status(&old).await, status(&new).await), (200, 401));
    fs::write(&set, json!({ "keys": [new.jwk] }).to_string()).unwrap();
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Applied)));
    assert_eq!((status(&old).await, status(&new).await), (401, 200), "the old one's token is not remembered");
    assert_eq!(provider.key_reads(), 0);
}
