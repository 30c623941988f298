//! The journal: a stream at Redis in which replicas tell each other what all of them must know. Every replica reads all of
//! it, in one order, and knows up to where it has read; what was missed while the link was down is read afterwards.

use std::fmt;
use std::str::FromStr;

use redis::aio::ConnectionLike;
use redis::streams::{StreamId, StreamRangeReply};
use redis::{RedisError, RedisResult, Script, Value, cmd};
use serde::{Deserialize, Serialize};

/// About so many events are kept. Who was away for longer drops all it has.
const KEPT: usize = 10_000;

/// Events that are read at once.
const PAGE: usize = 500;

const FIELD: &str = "event";

/// A place in the journal: of an event, or behind it. Redis makes it of its own time and a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Milliseconds.
    pub milliseconds: u64,
    /// The number within that millisecond.
    pub number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.milliseconds, self.number)
    }
}

/// The text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionError;

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (milliseconds, number) = text.split_once('-').ok_or(PositionError)?;
        let read = |text: &str| text.parse().map_err(|_| PositionError);
        Ok(Self { milliseconds: read(milliseconds)?, number: read(number)? })
    }
}

/// Which replica, as it calls itself while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaId(u64);

impl ReplicaId {
    /// One that no other has, as far as chance goes.
    pub fn new() -> Self {
        // Numbers in JSON are exact up to 2⁵³.
        Self(fastrand::u64(..1 << 53))
    }
}

impl Default for ReplicaId {
    fn default() -> Self {
        Self::new()
    }
}

/// What all replicas must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ReplicaEvent {
    /// A company's answers were dropped.
    Purged {
        /// Whose.
        tenant: String,
        /// Those about these stores; all of them when there are none.
        stores: Option<Vec<String>>,
    },
    /// A token was given back.
    Revoked(RevokedToken),
    /// Dead tokens were put where all find them: whoever has read them before is to read them again.
    ReadRevoked,
    /// The journal begins here; nobody knows what was before.
    Begun,
}

/// A token that was given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedToken {
    /// What it is recognized by: a hash of its issuer and its id, in hexadecimal digits.
    pub token: String,
    /// Whose token it was.
    pub client: String,
    /// When it would have ended, in seconds since 1970.
    pub until: i64,
}

#[derive(Serialize, Deserialize)]
struct EventRecord {
    by: ReplicaId,
    #[serde(flatten)]
    event: ReplicaEvent,
}

/// An event, where it stands, and who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadEvent {
    /// Where it stands.
    pub at: Position,
    /// Who wrote it.
    pub by: ReplicaId,
    /// What happened.
    pub event: ReplicaEvent,
}

/// Where the journal begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalRange {
    /// The place of the oldest event.
    pub first: Position,
    /// The place of the latest event.
    pub last: Position,
    /// Whether the oldest event is that it was begun: nothing was cut off.
    pub has_its_beginning: bool,
}

/// What was read at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// Where the first event stands that was found from the given place on, that place included. If it is another one than
    /// should be there, something was cut off, or this is another journal.
    pub first: Option<Position>,
    /// The events, in their order.
    pub events: Vec<ReadEvent>,
    /// The place up to which was read; the same as before when there was nothing.
    pub read_to: Position,
    /// Whether that is all.
    pub is_all: bool,
}

/// The journal at Redis.
#[derive(Clone, Debug)]
pub struct Journal {
    key: String,
}

impl Journal {
    /// The journal under this prefix.
    pub fn new(prefix: &str) -> Self {
        Self { key: format!("{prefix}:journal") }
    }

    /// Under which key it is.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Writes an event, and gives its place.
    ///
    /// # Errors
    /// Redis' answer, or that there is no journal any more.
    pub async fn write<C: ConnectionLike>(
        &self,
        connection: &mut C,
        by: ReplicaId,
        event: &ReplicaEvent,
    ) -> RedisResult<Position> {
        let text = written(by, event);
        // Whoever begins a journal says so in it.
        let mut command = cmd("XADD");
        command.arg(&self.key).arg("NOMKSTREAM").arg("MAXLEN").arg("~").arg(KEPT).arg("*").arg(FIELD).arg(text);
        position(&command.query_async::<Option<String>>(connection).await?.ok_or_else(lost)?)
    }

    /// Begins the journal if there is none, or nothing in it.
    ///
    /// # Errors
    /// Redis' answer.
    pub async fn begin<C: ConnectionLike>(&self, connection: &mut C, by: ReplicaId) -> RedisResult<()> {
        let script = Script::new(
            "if redis.call('XLEN', KEYS[1]) == 0 then redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2]) end",
        );
        let text = written(by, &ReplicaEvent::Begun);
        script.key(&self.key).arg(FIELD).arg(text).invoke_async::<Value>(connection).await.map(|_| ())
    }

    /// Where it begins and ends; `None` without any event.
    ///
    /// # Errors
    /// Redis' answer.
    pub async fn ends<C: ConnectionLike>(&self, connection: &mut C) -> RedisResult<Option<JournalRange>> {
        let first: StreamRangeReply =
            cmd("XRANGE").arg(&self.key).arg("-").arg("+").arg("COUNT").arg(1).query_async(connection).await?;
        let last: StreamRangeReply =
            cmd("XREVRANGE").arg(&self.key).arg("+").arg("-").arg("COUNT").arg(1).query_async(connection).await?;
        match (first.ids.first(), last.ids.first()) {
            (Some(first), Some(last)) => Ok(Some(JournalRange {
                first: position(&first.id)?,
                last: position(&last.id)?,
                has_its_beginning: understood(first).is_some_and(|read| read.event == ReplicaEvent::Begun),
            })),
            _ => Ok(None),
        }
    }

    /// Whether an event stands at this place.
    ///
    /// # Errors
    /// Redis' answer.
    pub async fn has<C: ConnectionLike>(&self, connection: &mut C, place: Position) -> RedisResult<bool> {
        let (mut command, place) = (cmd("XRANGE"), place.to_string());
        command.arg(&self.key).arg(&place).arg(&place);
        Ok(!command.query_async::<StreamRangeReply>(connection).await?.ids.is_empty())
    }

    /// The next events behind this place. What cannot be understood is passed over: a newer program may have written it.
    ///
    /// # Errors
    /// Redis' answer.
    pub async fn read_after<C: ConnectionLike>(&self, connection: &mut C, after: Position) -> RedisResult<EventPage> {
        let mut command = cmd("XRANGE");
        command.arg(&self.key).arg(after.to_string()).arg("+").arg("COUNT").arg(PAGE);
        let reply: StreamRangeReply = command.query_async(connection).await?;
        let first = reply.ids.first().map(|first| position(&first.id)).transpose()?;
        let read_to = reply.ids.last().map_or(Ok(after), |last| position(&last.id))?;
        let events = reply.ids.iter().filter_map(understood).filter(|read| read.at > after).collect();
        Ok(EventPage { first, events, read_to, is_all: reply.ids.len() < PAGE })
    }
}

/// The journal does not have what it should have.
pub(super) fn lost() -> RedisError {
    (redis::ErrorKind::UnexpectedReturnType, "it has lost the journal").into()
}

fn written(by: ReplicaId, event: &ReplicaEvent) -> String {
    // Texts and numbers can always be written as JSON.
    serde_json::to_string(&EventRecord { by, event: event.clone() }).unwrap_or_default()
}

fn understood(entry: &StreamId) -> Option<ReadEvent> {
    let text: String = entry.get(FIELD)?;
    let EventRecord { by, event } = serde_json::from_str(&text).ok()?;
    Some(ReadEvent { at: entry.id.parse().ok()?, by, event })
}

fn position(text: &str) -> RedisResult<Position> {
    text.parse().map_err(|PositionError| (redis::ErrorKind::UnexpectedReturnType, "not a place in a stream").into())
}

#[cfg(test)]
mod tests {
    use super::{EventRecord, Position, ReplicaEvent, ReplicaId, RevokedToken, written};

    #[test]
    fn places_are_ordered_by_time_and_then_by_number() {
        let place = |text: &str| text.parse::<Position>().unwrap();
        assert!(place("9-9") < place("10-0") && place("10-0") < place("10-1"));
        assert_eq!(place("1795312800000-7").to_string(), "1795312800000-7");
        for wrong in ["", "1", "-", "1-", "-1", "1-2-3", "a-b", "-1-2"] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let revoked = RevokedToken { token: "ab".repeat(16), client: "dashboard".to_owned(), until: 1_795_312_800 };
        let purged = |stores| ReplicaEvent::Purged { tenant: "acme".to_owned(), stores };
        for event in [
            ReplicaEvent::Revoked(revoked),
            purged(None),
            purged(Some(vec!["S_1".to_owned()])),
            ReplicaEvent::ReadRevoked,
            ReplicaEvent::Begun,
        ] {
            let by = ReplicaId::new();
            let text = written(by, &event);
            let read: EventRecord = serde_json::from_str(&text).unwrap();
            assert_eq!((read.by, read.event), (by, event), "{text}");
        }
    }
}
