//! The program itself, run as an operator runs it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::app::waiting::wait_until;

const PATIENCE: Duration = Duration::from_secs(30);

/// A directory of a test's own, empty at the beginning.
pub fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // There may be one from an earlier run.
    let _removed = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn command(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_storegate"));
    // Nothing of the environment of the tests may take part.
    command.env_clear().envs(variables.iter().copied()).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub fn run(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut child = command(arguments, variables).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs a command whose stderr goes elsewhere, and gives its exit code.
pub fn code_into(stderr: impl Into<Stdio>, arguments: &[&str]) -> Option<i32> {
    let mut command = command(arguments, &[]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).status().unwrap().code()
}

/// Runs a command whose stdout nobody reads any more; gives its exit code and what it says on stderr.
pub fn run_into_a_closed_pipe(arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command(arguments, &[]).stdout(writer).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Runs a command that must succeed and gives its stdout without the last line end.
pub fn stdout_of(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> String {
    let output = run(arguments, variables, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Sends a signal, by its name without `SIG`, to the process of this id.
pub fn signal(id: u32, name: &str) {
    let signal = format!("kill -{name} {id}");
    assert!(Command::new("sh").args(["-c", &signal]).status().unwrap().success());
}

/// Makes a pipe: whoever opens it for reading waits until it is opened for writing, and the other way round.
pub fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A server that runs until it is told to stop.
pub struct Running {
    child: Child,
    /// What its ready file says.
    pub ready: Value,
    /// What it printed until then.
    pub told: String,
    printed: mpsc::Receiver<String>,
}

impl Running {
    /// Starts a server and waits until its ready file is there.
    pub fn start(arguments: &[&str], ready_file: &Path) -> Self {
        Self::start_while(arguments, ready_file, |_| ())
    }

    /// Starts `serve` with this configuration; the ready file is beside it.
    pub fn serve(config: &Path) -> Self {
        let arguments = ["serve", "--config", config.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        Self::start(&arguments, &config.with_extension("json"))
    }

    /// Starts a server with these variables, and waits until its ready file is there.
    pub fn start_with(arguments: &[&str], variables: &[(&str, &str)], ready_file: &Path) -> Self {
        let path = ready_file.to_str().unwrap();
        Self::wait_for(command(&[arguments, &["--ready-file", path]].concat(), variables), ready_file, |_| ())
    }

    /// Starts a server, does something to the process of this id, and waits until the ready file is there.
    pub fn start_while(arguments: &[&str], ready_file: &Path, meanwhile: impl FnOnce(u32)) -> Self {
        let path = ready_file.to_str().unwrap();
        Self::wait_for(command(&[arguments, &["--ready-file", path]].concat(), &[]), ready_file, meanwhile)
    }

    /// Starts a server where the hard limit on open files is this, and the soft one half of it.
    pub fn start_below(open_files: u32, arguments: &[&str], ready_file: &Path) -> Self {
        let path = ready_file.to_str().unwrap();
        let mut shell = Command::new("/bin/sh");
        let limits = format!("ulimit -Sn {} && ulimit -Hn {open_files} && exec \"$0\" \"$@\"", open_files / 2);
        shell.env_clear().args(["-c", &limits, env!("CARGO_BIN_EXE_storegate")]).args(arguments);
        shell.args(["--ready-file", path]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::wait_for(shell, ready_file, |_| ())
    }

    /// Starts a server whose log goes elsewhere, and waits until its ready file is there.
    pub fn start_into(stderr: impl Into<Stdio>, arguments: &[&str], ready_file: &Path) -> Self {
        let path = ready_file.to_str().unwrap();
        let mut command = command(&[arguments, &["--ready-file", path]].concat(), &[]);
        command.stdout(Stdio::null()).stderr(stderr);
        Self::unheard(command, ready_file)
    }

    /// Starts a server from a shell that runs this script, which ends with `exec "$0" "$@"` and says where the log goes.
    pub fn start_by_shell(script: &str, arguments: &[&str], ready_file: &Path) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().args(["-c", script, env!("CARGO_BIN_EXE_storegate")]).args(arguments);
        shell.arg("--ready-file").arg(ready_file).stdout(Stdio::null());
        Self::unheard(shell, ready_file)
    }

    /// Starts `demo` or `sandbox`, whose welcome goes elsewhere.
    pub fn start_unheard(what: &str, stdout: impl Into<Stdio>, ready_file: &Path) -> Self {
        let path = ready_file.to_str().unwrap();
        let mut command = command(&[what, "--listen", "127.0.0.1:0", "--ready-file", path], &[]);
        command.stdout(stdout).stderr(Stdio::null());
        Self::unheard(command, ready_file)
    }

    fn unheard(mut command: Command, ready_file: &Path) -> Self {
        let mut child = command.stdin(Stdio::null()).spawn().unwrap();
        let ready = ready(&mut child, ready_file, &[]);
        Self { child, ready, told: String::new(), printed: mpsc::channel().1 }
    }

    fn wait_for(mut command: Command, ready_file: &Path, meanwhile: impl FnOnce(u32)) -> Self {
        let mut child = command.spawn().unwrap();
        let (line, printed) = mpsc::channel();
        forward(child.stdout.take().unwrap(), line.clone());
        forward(child.stderr.take().unwrap(), line);
        meanwhile(child.id());
        // The last thing that a server prints before it writes the file.
        let is_last = |line: &str| line.contains("serving") || line.contains("Stop with Ctrl-C");
        let mut told = Vec::new();
        while !told.last().is_some_and(|line: &String| is_last(line)) {
            told.push(printed.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it does not start: {told:#?}")));
        }
        let ready = ready(&mut child, ready_file, &told);
        Self { child, ready, told: told.join("\n"), printed }
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// An address of the server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["base_url"].as_str().unwrap())
    }

    /// Sends a signal by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits until it prints a line with this text, and gives all lines up to it.
    pub fn until(&self, text: &str) -> String {
        let mut printed = String::new();
        while !printed.lines().last().is_some_and(|line| line.contains(text)) {
            let line = self.printed.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {text} in {printed}"));
            printed = printed + &line + "\n";
        }
        printed
    }

    /// Sends SIGTERM, waits for the end, and gives the exit code and all that was printed since the start.
    pub fn terminate(mut self) -> (Option<i32>, String) {
        self.signal("TERM");
        let mut printed = String::new();
        loop {
            match self.printed.recv_timeout(PATIENCE) {
                Ok(line) => printed = printed + &line + "\n",
                // Both pipes are closed, so the program is at its end.
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not stop: {printed}"),
            }
        }
        (self.child.wait().unwrap().code(), printed)
    }
}

/// What the ready file says as soon as it is there.
fn ready(child: &mut Child, ready_file: &Path, told: &[String]) -> Value {
    wait_until("the ready file", || {
        assert!(child.try_wait().unwrap().is_none(), "it ended: {told:#?}");
        ready_file.exists()
    });
    serde_json::from_str(&fs::read_to_string(ready_file).unwrap()).unwrap()
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `terminate` there is nothing left to kill.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn forward(pipe: impl Read + Send + 'static, line: mpsc::Sender<String>) {
    thread::spawn(move || {
        for printed in BufReader::new(pipe).lines().map_while(Result::ok) {
            if line.send(printed).is_err() {
                return;
            }
        }
    });
}
