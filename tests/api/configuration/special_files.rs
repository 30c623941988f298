//! Pipes, devices and directories in the place of a file of the configuration: refused at once, at the start and later.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use storegate::reload::ReloadOutcome;

use crate::app::TestApp;
use crate::app::configuration_files::Files;
use crate::app::configurations::directory_with_key;
use crate::app::configurations::program_configuration;
use crate::app::program::{Running, directory, make_pipe, run};

const PATIENCE: Duration = Duration::from_secs(30);

/// One of each kind, in this directory.
fn special_files(home: &Path) -> [String; 3] {
    let pipe = home.join("pipe");
    make_pipe(&pipe);
    [pipe.to_str().unwrap().to_owned(), "/dev/zero".to_owned(), home.to_str().unwrap().to_owned()]
}

/// What the program tells when it does not start.
fn refusal(path: &str) -> String {
    let (tell, told) = mpsc::channel();
    let path = path.to_owned();
    thread::spawn(move || {
        let output = run(&["serve", "--config", &path], &[], "");
        assert_eq!(output.status.code(), Some(78));
        tell.send(String::from_utf8(output.stderr).unwrap()).unwrap();
    });
    told.recv_timeout(PATIENCE).expect("it does not wait for the other end of a pipe")
}

#[test]
fn no_kind_of_file_is_read_at_the_start_that_is_not_regular() {
    let [home, key, path] = directory_with_key("odd-files-at-start");
    let good = program_configuration(&key, "");
    for odd in special_files(&home) {
        assert!(refusal(&odd).contains("cannot be read: it is not a regular file"), "{odd}");
        let more = format!("revoked_tokens_file = {odd:?}");
        let text = program_configuration(Path::new(&odd), &more)
            .replace("token = \"planted\"", &format!("token_file = {odd:?}"))
            + &format!(
                "[auth.issuers.login]\nissuer = \"https://a\"\naudience = \"a\"\ntenant = \"acme\"\njwks_file = {odd:?}\n"
            );
        fs::write(&path, text).unwrap();
        let told = refusal(path.to_str().unwrap());
        for key in ["auth.keys.first.private_key", "auth.revoked_tokens", "acme.oms.token", "auth.issuers.login.jwks"] {
            let problem = format!("{key}_file: the file {odd} cannot be read: it is not a regular file");
            assert!(told.contains(&problem), "{problem} in {told}");
        }
    }
    assert!(!good.contains("pipe"));
}

#[test]
fn a_file_that_becomes_a_special_one_is_refused_and_blocks_neither_reloads_nor_the_shutdown() {
    let [home, key, path] = directory_with_key("odd-files-later");
    let list = home.join("revoked");
    let text = program_configuration(&key, &format!("revoked_tokens_file = {list:?}"));
    fs::write(&list, "").unwrap();
    fs::write(&path, &text).unwrap();
    let server = Running::serve(&path);
    let place = |odd: &str, path: &Path| {
        let next = home.join("next");
        symlink(odd, &next).unwrap();
        fs::rename(&next, path).unwrap();
    };
    let odd = special_files(&home);
    for odd in &odd {
        place(odd, &list);
        let told = server.until("the configuration in force stays");
        assert!(told.contains("it is not a regular file"), "{odd}: {told}");
        fs::remove_file(&list).unwrap();
        fs::write(&list, "# good again\n").unwrap();
        server.until("the configuration was read again");
    }
    for odd in &odd {
        place(odd, &path);
        server.signal("HUP");
        let told = server.until("the configuration in force stays");
        assert!(told.contains("it is not a regular file"), "{odd}: {told}");
    }
    assert_eq!(server.terminate().0, Some(0));
}

#[actix_web::test]
async fn each_special_file_in_the_place_of_another_is_noticed_and_refused() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "odd-after-odd");
    let home = directory("odd-after-odd-files");
    let list = home.join("revoked");
    fs::write(&list, "").unwrap();
    files.change("[auth.keys.first]", &format!("[auth]\nrevoked_tokens_file = {list:?}\n[auth.keys.first]"));
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Applied)));
    let [pipe, endless, folder] = special_files(&home);
    let another = home.join("another");
    make_pipe(&another);
    fs::remove_file(&list).unwrap();
    for place in [&list, &files.path.clone()] {
        let mut odd =
            vec!["/nowhere", &pipe, &endless, &folder, "/dev/null", "/", another.to_str().unwrap(), "/nowhere"];
        if place == &list {
            // It is missing already.
            assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Refused)));
            odd.remove(0);
        }
        for odd in odd {
            let next = home.join("next");
            symlink(odd, &next).unwrap();
            fs::rename(&next, place).unwrap();
            assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Refused)), "{odd}");
            assert_eq!((files.reloader.look(), files.reloader.look()), (None, None), "{odd} is told once");
        }
    }
}

#[actix_web::test]
async fn a_configuration_that_is_too_large_is_refused_once() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "too-large");
    files.write(&"# large\n".repeat(1 << 18));
    assert_eq!((files.reloader.look(), files.reloader.look()), (None, Some(ReloadOutcome::Refused)));
    for _ in 0..8 {
        assert_eq!(files.reloader.look(), None);
    }
}
