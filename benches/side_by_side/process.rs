//! A program under measurement: on which cores it runs, that it ends with the run, and what it and its children have used.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Linux counts processor time in hundredths of a second, whatever the machine.
const TICKS_PER_SECOND: f64 = 100.0;

/// Which cores a program may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cores {
    /// One, by its number.
    Only(usize),
    /// All.
    Any,
}

/// A running program. It is ended when it is dropped, and by the system when this process ends otherwise.
pub struct Process {
    child: Child,
    name: String,
}

/// What a program and its children take, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    /// Resident, with what several processes share counted once.
    pub proportional: u64,
    /// Resident, added up.
    pub resident: u64,
    /// The most that was resident at a time, added up.
    pub peak: u64,
}

/// A command that runs on these cores and is told to end when this process does.
pub fn command(program: impl AsRef<Path>, cores: Cores) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM"]);
    if let Cores::Only(core) = cores {
        command.args(["taskset", "-c", &core.to_string()]);
    }
    command.arg(program.as_ref());
    command
}

impl Process {
    /// Starts a program that [`command`] made.
    pub fn start(name: &str, mut command: Command) -> Self {
        let started = command.stdin(Stdio::null()).spawn();
        Self { child: started.unwrap_or_else(|error| panic!("{name} does not start: {error}")), name: name.to_owned() }
    }

    /// Waits until something is true, and fails when the program ends first.
    pub fn wait_until(&mut self, what: &str, mut is_true: impl FnMut() -> bool) {
        let started = Instant::now();
        while !is_true() {
            if let Some(status) = self.child.try_wait().expect("the state of a child") {
                panic!("{} has ended before it {what}: {status}", self.name);
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{} never {what}", self.name);
            sleep(Duration::from_millis(2));
        }
    }

    /// Seconds of processor time that the program and its children have taken.
    pub fn processor_seconds(&self) -> f64 {
        let ticks: u64 = self.family().iter().map(|member| member.ticks).sum();
        #[expect(clippy::cast_precision_loss, reason = "a count of hundredths")]
        let ticks = ticks as f64;
        ticks / TICKS_PER_SECOND
    }

    /// What the program and its children take now.
    pub fn memory(&self) -> Memory {
        let mut memory = Memory::default();
        for member in self.family() {
            let read = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", member.id)).unwrap_or_default();
            let (status, rollup) = (read("status"), read("smaps_rollup"));
            memory.proportional += kibibytes(&rollup, "Pss:");
            memory.resident += kibibytes(&status, "VmRSS:");
            memory.peak += kibibytes(&status, "VmHWM:");
        }
        memory
    }

    /// The program and all below it.
    fn family(&self) -> Vec<Member> {
        let everything = processes();
        let mut children: HashMap<u32, Vec<&Member>> = HashMap::new();
        for member in &everything {
            children.entry(member.parent).or_default().push(member);
        }
        let mut family: Vec<Member> =
            everything.iter().filter(|member| member.id == self.child.id()).copied().collect();
        let mut next = 0;
        while let Some(parent) = family.get(next).map(|member| member.id) {
            family.extend(children.get(&parent).into_iter().flatten().copied());
            next += 1;
        }
        family
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let family = self.family();
        signal("TERM", self.child.id());
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(3) {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                break;
            }
            sleep(Duration::from_millis(10));
        }
        // Whatever is left of it, and is still the process that it was.
        let alive = processes();
        for member in family.iter().filter(|member| alive.iter().any(|other| other.is(member))) {
            signal("KILL", member.id);
        }
        // It has ended by now; there is nobody to tell of an error.
        drop(self.child.wait());
    }
}

#[derive(Clone, Copy)]
struct Member {
    id: u32,
    parent: u32,
    ticks: u64,
    started: u64,
}

impl Member {
    fn read(id: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name stands in brackets and may hold blanks; the third field follows it.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let is_alive = fields.first().is_some_and(|state| *state != "Z");
        let parent = u32::try_from(number(4)?).ok()?;
        is_alive.then_some(Self { id, parent, ticks: number(14)? + number(15)?, started: number(22)? })
    }

    const fn is(&self, other: &Self) -> bool {
        self.id == other.id && self.started == other.started
    }
}

fn processes() -> Vec<Member> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| Member::read(entry.file_name().to_str()?.parse().ok()?)).collect()
}

fn kibibytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() << 10
}

fn signal(name: &str, process: u32) {
    // A process that is gone already is what is wanted.
    drop(Command::new("kill").args(["-s", name, &process.to_string()]).stderr(Stdio::null()).status());
}
