//! The journal: a Redis stream in which replicas tell each other what all of them must know. Every replica reads all
//! events in one order and remembers its position, so that it reads afterwards what it missed while the connection was
//! down.

use std::fmt;
use std::str::FromStr;

use redis::aio::ConnectionLike;
use redis::streams::{StreamId, StreamRangeReply};
use redis::{RedisError, RedisResult, Script, Value, cmd};
use serde::{Deserialize, Serialize};

/// The approximate number of stored events. A replica that was away for longer drops its whole cache.
const KEPT: usize = 10_000;

/// The number of events that are read at once.
const PAGE: usize = 500;

const FIELD: &str = "event";

/// The position of an event in the journal. Redis composes it of its own time and a sequence number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Milliseconds since 1970 by Redis' clock.
    pub milliseconds: u64,
    /// The sequence number within that millisecond.
    pub number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.milliseconds, self.number)
    }
}

/// A text is not a position.
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

/// The id of a replica for as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaId(u64);

impl ReplicaId {
    /// Creates a random id, which no other replica has in practice.
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

/// An event that all replicas must know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ReplicaEvent {
    /// A tenant's responses were purged.
    Purged {
        /// The tenant's name.
        tenant: String,
        /// The stores whose responses were purged; `None` for all of them.
        stores: Option<Vec<String>>,
    },
    /// A token was revoked.
    Revoked(RevokedToken),
    /// Revoked tokens were added to the set in Redis. A replica that has read the set before must read it again.
    ReadRevoked,
    /// The journal begins here; nothing is known of the time before.
    Begun,
}

/// A revoked token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedToken {
    /// The token's identity: a hash of its issuer and its id, in hexadecimal digits.
    pub token: String,
    /// The client to whom the token was issued.
    pub client: String,
    /// The time at which the token would have expired, in seconds since 1970.
    pub until: i64,
}

#[derive(Serialize, Deserialize)]
struct EventRecord {
    by: ReplicaId,
    #[serde(flatten)]
    event: ReplicaEvent,
}

/// An event with its position and its writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadEvent {
    /// The event's position.
    pub at: Position,
    /// The replica that wrote the event.
    pub by: ReplicaId,
    /// The event.
    pub event: ReplicaEvent,
}

/// The first and the last position of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalRange {
    /// The position of the oldest event.
    pub first: Position,
    /// The position of the latest event.
    pub last: Position,
    /// Whether the oldest event is [`ReplicaEvent::Begun`], so that nothing was trimmed.
    pub has_its_beginning: bool,
}

/// A page of events that were read at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// The position of the first event at or after the given position. If it is not the expected one, the journal was
    /// trimmed, or this is another journal.
    pub first: Option<Position>,
    /// The events in their order.
    pub events: Vec<ReadEvent>,
    /// The position up to which was read. It is unchanged if there was nothing.
    pub read_to: Position,
    /// Whether this is the last page.
    pub is_all: bool,
}

/// The journal in Redis.
#[derive(Clone, Debug)]
pub struct Journal {
    /// The journal's key.
    pub key: String,
}

impl Journal {
    /// Opens the journal under this key prefix.
    pub fn new(prefix: &str) -> Self {
        Self { key: format!("{prefix}:journal") }
    }

    /// Writes an event and returns its position.
    ///
    /// # Errors
    /// Returns Redis' error, or that the journal no longer exists.
    pub async fn write<C: ConnectionLike>(
        &self,
        connection: &mut C,
        by: ReplicaId,
        event: &ReplicaEvent,
    ) -> RedisResult<Position> {
        let text = written(by, event);
        // A replica that begins a journal records that in it.
        let mut command = cmd("XADD");
        command.arg(&self.key).arg("NOMKSTREAM").arg("MAXLEN").arg("~").arg(KEPT).arg("*").arg(FIELD).arg(text);
        position(&command.query_async::<Option<String>>(connection).await?.ok_or_else(lost)?)
    }

    /// Begins the journal if it does not exist or is empty.
    ///
    /// # Errors
    /// Returns Redis' error.
    pub async fn begin<C: ConnectionLike>(&self, connection: &mut C, by: ReplicaId) -> RedisResult<()> {
        let script = Script::new(
            "if redis.call('XLEN', KEYS[1]) == 0 then redis.call('XADD', KEYS[1], '*', ARGV[1], ARGV[2]) end",
        );
        let text = written(by, &ReplicaEvent::Begun);
        script.key(&self.key).arg(FIELD).arg(text).invoke_async::<Value>(connection).await.map(|_| ())
    }

    /// Returns the first and the last position, or `None` if there is no event.
    ///
    /// # Errors
    /// Returns Redis' error.
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

    /// Whether the journal has an event at this position.
    ///
    /// # Errors
    /// Returns Redis' error.
    pub async fn has<C: ConnectionLike>(&self, connection: &mut C, place: Position) -> RedisResult<bool> {
        let (mut command, place) = (cmd("XRANGE"), place.to_string());
        command.arg(&self.key).arg(&place).arg(&place);
        Ok(!command.query_async::<StreamRangeReply>(connection).await?.ids.is_empty())
    }

    /// Reads the next events after this position. Events that cannot be decoded are skipped, because a newer program
    /// may have written them.
    ///
    /// # Errors
    /// Returns Redis' error.
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

/// Builds the error for a journal that lacks an expected event.
pub(super) fn lost() -> RedisError {
    (redis::ErrorKind::UnexpectedReturnType, "it has lost the journal").into()
}

fn written(by: ReplicaId, event: &ReplicaEvent) -> String {
    // Texts and numbers can always be serialized as JSON.
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
