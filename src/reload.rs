//! Reloads the configuration while the service runs: on SIGHUP, and when one of its files changes. New keys, clients,
//! limits, tenants with their credentials, store directories and the log filter take effect between two requests. If
//! the new configuration has any problem, all problems are logged and the current one stays; changes that need a
//! restart are named in the log.

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
use crate::settings::{ContentHash, SectionSettings as _, Sources, named};
use crate::telemetry::logging::CurrentLog;
use crate::telemetry::metrics;
use crate::telemetry::traces::TraceSettings;
use crate::vendors::Vendors;

pub use hangups::Hangups;
pub use watch::{ConfigWatch, watch};

/// How often the files are checked. A change is read at the second check that finds the file unchanged, so that a file
/// is not read while it is being written.
pub const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The check after a change at which all files are read, even if one is still changing: a file that keeps changing must
/// not delay the others. A partly written file is refused as a whole, and read again after its next change.
pub const LAST_LOOK: u32 = 3;

// A removed key and a revoked token are refused within a second.
const _: () = assert!(LAST_LOOK as u128 * LOOK_EVERY.as_millis() < 1_000);

/// The section whose packs stay unchanged until a restart.
const VENDORS: &str = "vendors";

/// The state that a reload replaces.
#[derive(Clone)]
pub struct LiveConfig {
    /// Keys, clients and limits.
    pub auth: Data<CurrentAuth>,
    /// The tenants and their accounts at the gateways.
    pub tenants: Tenants,
    /// Store directories.
    pub directories: Arc<CurrentDirectories>,
    /// The vendors' packs, with which accounts, directories and grants are read until a restart.
    pub vendors: Vendors,
    /// The log filter.
    pub log: CurrentLog,
    /// The trace settings since the start.
    pub traces: TraceSettings,
}

named! {
    /// The result of a reload.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ReloadOutcome {
        /// The new configuration is in use.
        Applied = "applied",
        /// The new configuration has problems; the current one stays.
        Refused = "refused",
    }
}

/// Reloads the configuration.
pub struct Reloader<R> {
    in_force: LiveConfig,
    /// The configuration of the start, with which sections that need a restart are compared.
    started: Sources,
    read: R,
    watched: Vec<Watched>,
    /// How many checks in a row have found a change that was not read.
    pending: u32,
}

impl<R: Fn(&Vendors) -> LoadedConfig> Reloader<R> {
    /// Creates a reloader. `read` reads the configuration with the given packs, and `started` is the one that the
    /// service runs with.
    pub fn new(in_force: LiveConfig, started: Sources, read: R) -> Self {
        let watched = Watched::all(&started);
        Self { in_force, started, read, watched, pending: 0 }
    }

    /// Checks the files, and reloads if one has changed since it was last read but not since the last check, or if this
    /// is the [`LAST_LOOK`].
    pub fn look(&mut self) -> Option<ReloadOutcome> {
        // Every file is checked each time, so that files that change together are read together.
        let changes = self.watched.iter_mut().map(Watched::look).collect::<Vec<FileChange>>();
        if changes.iter().all(|change| *change == FileChange::None) {
            self.pending = 0;
            return None;
        }
        self.pending += 1;
        let is_due = !changes.contains(&FileChange::Unsettled) || self.pending >= LAST_LOOK;
        is_due.then(|| self.reload())
    }

    /// Reads the configuration, and applies it if it has no problems.
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
        metrics::reloads(outcome.name()).increment(1);
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
            tracing::warn!(changed = waiting.join(", "), "configuration changes waiting: restart to apply");
        }
        // This comes last, so that the lines above are logged under the previous filter.
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

    /// Watches the files of the new configuration in the state in which they were read: a later change is found at the
    /// next check. After a refusal the files of the current configuration are watched, too, because an unreadable text
    /// names none.
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
        tracing::error!(problem, "configuration refused");
    }
    tracing::error!(problems = problems.len(), "the configuration in force stays; correct the new one");
    ReloadOutcome::Refused
}

/// Whether a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileChange {
    /// It is as it was last read.
    None,
    /// It has changed since the last check, and may still be written.
    Unsettled,
    /// It has changed since it was read, but not since the last check.
    Settled,
}

/// A file of the configuration.
struct Watched {
    path: PathBuf,
    stamp: Option<FileMetadata>,
    /// The content when the configuration was last read.
    read: ContentHash,
    /// The content at the last check.
    seen: ContentHash,
    is_settled: bool,
}

/// The metadata of a file; while it is unchanged, the content is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileMetadata {
    length: u64,
    modified: Option<SystemTime>,
    /// Device, inode number, and the time of the last change of either. A replacement file differs in these, even if it
    /// has the length and time of the old one, as copies and mounted secrets may. Zeros where the system has none.
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
        // The content is read once more after every change, because a second change may fall into the same tick of the
        // file system's clock.
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

/// The metadata of a file. Links are followed, so that a replaced file, such as a mounted secret's, is found.
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
