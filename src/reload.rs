//! The configuration, read again while the service runs: on SIGHUP, and when a file of it changes. New keys, clients,
//! limits, tenants with their credentials, store directories and the log's filter are put in force between two requests. When anything in the new
//! configuration is wrong, all of it is logged and the old one stays; what only a restart can change is named in the log.

mod hangups;
mod watch;

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::web::Data;

use crate::auth::CurrentAuth;
use crate::config::{LoadedConfig, Settings, is_renewed};
use crate::directory::CurrentDirectories;
use crate::gateway::tenants::Tenants;
use crate::settings::{ContentHash, SectionSettings as _, Sources};
use crate::telemetry::logging::CurrentLog;
use crate::telemetry::metrics;
use crate::telemetry::traces::TraceSettings;
use crate::vendors::Vendors;

pub use hangups::Hangups;
pub use watch::{ConfigWatch, watch};

/// How often the files are looked at. A change is read at the second look that finds the file the same, so that a file
/// that is just being written is not.
pub const LOOK_EVERY: Duration = Duration::from_millis(300);

/// At this look after a change all is read, even if some file is still changing: one that never rests must not hold the
/// others up. What is half written is refused as a whole, and read again at its next change.
pub const LAST_LOOK: u32 = 3;

// A key that was taken away, and a token that was listed, are refused within a second.
const _: () = assert!(LAST_LOOK as u128 * LOOK_EVERY.as_millis() < 1_000);

/// The section whose packs stay as they are until a restart.
const VENDORS: &str = "vendors";

/// What a reload renews.
#[derive(Clone)]
pub struct LiveConfig {
    /// Keys, clients and limits.
    pub auth: Data<CurrentAuth>,
    /// Tenants and their accounts at the gateways.
    pub tenants: Tenants,
    /// Store directories.
    pub directories: Arc<CurrentDirectories>,
    /// The vendors' packs: accounts, directories and grants are read with these until a restart.
    pub vendors: Vendors,
    /// What is logged.
    pub log: CurrentLog,
    /// Where spans have gone since the start.
    pub traces: TraceSettings,
}

/// What a reading of the configuration led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadOutcome {
    /// It is in force.
    Applied,
    /// Something is wrong with it; the old one stays.
    Refused,
}

impl ReloadOutcome {
    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
        }
    }
}

/// Reads the configuration again.
pub struct Reloader<R> {
    in_force: LiveConfig,
    /// What the process was started with: sections that wait for a restart are compared with it.
    started: Sources,
    read: R,
    watched: Vec<Watched>,
    /// How many looks in a row have found something that was not read.
    pending: u32,
}

impl<R: Fn(&Vendors) -> LoadedConfig> Reloader<R> {
    /// `read` reads the configuration with the packs that it is given, and `started` is the one that the service runs with.
    pub fn new(in_force: LiveConfig, started: Sources, read: R) -> Self {
        let watched = Watched::all(&started);
        Self { in_force, started, read, watched, pending: 0 }
    }

    /// Looks at the files, and reads the configuration if one has changed since it was last read, and not since the last
    /// look; or if this is the [`LAST_LOOK`].
    pub fn look(&mut self) -> Option<ReloadOutcome> {
        // Every file is looked at each time, so that several that change together are read together.
        let changes = self.watched.iter_mut().map(Watched::look).collect::<Vec<FileChange>>();
        if changes.iter().all(|change| *change == FileChange::None) {
            self.pending = 0;
            return None;
        }
        self.pending += 1;
        let is_due = !changes.contains(&FileChange::Unsettled) || self.pending >= LAST_LOOK;
        is_due.then(|| self.reload())
    }

    /// Reads the configuration and puts it in force if nothing is wrong with it.
    pub fn reload(&mut self) -> ReloadOutcome {
        self.pending = 0;
        let LoadedConfig { sources, settings } = (self.read)(&self.in_force.vendors);
        let outcome = match settings {
            Ok(settings) => self.apply(settings),
            Err(problems) => {
                if sources.has_section(VENDORS) && self.started.differing(&sources).contains(&VENDORS) {
                    tracing::error!(
                        "changed packs wait for a restart: the new configuration was read with the packs of the start"
                    );
                }
                refuse(&problems.0)
            }
        };
        self.watch(&sources, outcome);
        metrics::reload(outcome.name());
        outcome
    }

    fn apply(&mut self, settings: Settings) -> ReloadOutcome {
        let waiting = self.waiting_for_restart(&settings);
        let LiveConfig { auth, tenants, directories, log, .. } = &self.in_force;
        if let Err(error) = auth.renew_after(settings.auth, || {
            tenants.renew(settings.tenants);
            directories.renew(settings.directory);
        }) {
            return refuse(&[error.to_string()]);
        }
        tracing::info!(
            "the configuration was read again: keys, clients, limits, tenants, directories and log filter are in force"
        );
        if !waiting.is_empty() {
            tracing::warn!(changed = waiting.join(", "), "the configuration has changes that wait: restart to apply");
        }
        // Last, so that these lines are read by whoever read the log until now.
        log.renew(&settings.log);
        ReloadOutcome::Applied
    }

    fn waiting_for_restart(&self, settings: &Settings) -> Vec<String> {
        let sections = self.started.differing(&settings.sources).into_iter();
        let names = self.in_force.auth.load().fixed_differences(&settings.auth);
        let LiveConfig { log, traces, .. } = &self.in_force;
        let names = names.into_iter().chain(log.waiting(&settings.log));
        let names = names.chain(traces.waiting(&settings.traces));
        sections.filter(|name| !is_renewed(name)).chain(names).map(str::to_owned).collect()
    }

    /// Watches the files of the new configuration as they were when it was read: what has changed since is found at the
    /// next look. When it was refused, also those of the one in force, since a text that could not be read names none.
    fn watch(&mut self, sources: &Sources, outcome: ReloadOutcome) {
        let older = std::mem::replace(&mut self.watched, Watched::all(sources));
        if outcome == ReloadOutcome::Refused {
            let is_new = |one: &Watched| !sources.files().iter().any(|(path, _)| *path == one.path);
            self.watched.extend(older.into_iter().filter(is_new).map(Watched::settled));
        }
    }
}

fn refuse(problems: &[String]) -> ReloadOutcome {
    for problem in problems {
        tracing::error!(problem, "the new configuration is wrong");
    }
    tracing::error!(problems = problems.len(), "the configuration in force stays; correct the new one");
    ReloadOutcome::Refused
}

/// Whether a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileChange {
    /// It is as it was when it was last read.
    None,
    /// It is another since the last look, and may be being written.
    Unsettled,
    /// It is another than was read, and was the same at the last look.
    Settled,
}

/// A file of the configuration.
struct Watched {
    path: PathBuf,
    stamp: Option<FileMetadata>,
    /// As it was when the configuration was last read.
    read: ContentHash,
    /// As it was at the last look.
    seen: ContentHash,
    is_settled: bool,
}

/// What the file system says of a file: as long as it stays, the content is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileMetadata {
    length: u64,
    modified: Option<SystemTime>,
    /// Device, number and time of the last change of either: another file in its place has others, even if it has the
    /// length and time of the old one, as copies and mounted secrets may. Zeros where there is no such thing.
    identity: [i64; 4],
}

impl Watched {
    fn all(sources: &Sources) -> Vec<Self> {
        let files = sources.files().iter();
        files.map(|(path, read)| Self::new(path.clone(), read.clone())).collect()
    }

    fn new(path: PathBuf, read: ContentHash) -> Self {
        Self { stamp: file_metadata(&path), path, seen: read.clone(), read, is_settled: false }
    }

    fn look(&mut self) -> FileChange {
        let stamp = file_metadata(&self.path);
        // Once more after every change: a second change may fall into the same tick of the file system's clock.
        if stamp == self.stamp && self.is_settled {
            return self.change();
        }
        self.is_settled = stamp == self.stamp;
        self.stamp = stamp;
        let now = ContentHash::of_file(&self.path);
        if now != self.seen {
            self.is_settled = false;
            self.seen = now;
            return FileChange::Unsettled;
        }
        self.change()
    }

    fn change(&self) -> FileChange {
        if self.seen == self.read { FileChange::None } else { FileChange::Settled }
    }

    fn settled(self) -> Self {
        let now = ContentHash::of_file(&self.path);
        Self::new(self.path, now)
    }
}

/// A replaced file, such as a mounted secret's, is followed through its links.
fn file_metadata(path: &Path) -> Option<FileMetadata> {
    let about = std::fs::metadata(path).ok()?;
    Some(FileMetadata { length: about.len(), modified: about.modified().ok(), identity: identity(&about) })
}

#[cfg(unix)]
fn identity(about: &Metadata) -> [i64; 4] {
    use std::os::unix::fs::MetadataExt as _;
    [about.dev().cast_signed(), about.ino().cast_signed(), about.ctime(), about.ctime_nsec()]
}

#[cfg(not(unix))]
const fn identity(_: &Metadata) -> [i64; 4] {
    [0; 4]
}
