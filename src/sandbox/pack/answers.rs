//! Writes answers by the `[answer]` of a pack: data with the signs of success around it, or a code with its message.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::gateway::protocol::envelope::{DataPlace, Envelope};
use crate::gateway::protocol::login::LoginAnswerForm;
use crate::gateway::protocol::members::MemberIndex;

/// The envelope of a pack, and what an answer says beside its data.
pub struct AnswerWriter<'a> {
    pub envelope: &'a Envelope,
    /// The number of the call.
    pub number: u64,
    /// The gateway's clock.
    pub now: Timestamp,
}

impl AnswerWriter<'_> {
    /// The answer to a call that succeeds.
    pub fn success(&self, data: Value) -> Value {
        let envelope = self.envelope;
        let place = self.data_place();
        let at = place.and_then(|place| place.slot).map(|slot| self.path(slot)).unwrap_or_default();
        let mut answer = Value::Object(Map::new());
        put(&mut answer, &at, data);
        let code = envelope.code.iter().map(|slot| self.path(*slot)).find(|path| !self.is_of_failures(path));
        if let (Some(path), Some(success)) = (code, envelope.success.first()) {
            put(&mut answer, &path, self.code(success));
        }
        for (slot, values) in &envelope.succeeded_by {
            put(&mut answer, &self.path(*slot), values.first().map(|value| flag(value)).unwrap_or_default());
        }
        let beside = place.and_then(|place| place.beside.first()).map(|slot| self.path(*slot));
        if let Some(path) = beside.filter(|path| answer.pointer(&pointer_of(path)).is_none()) {
            put(&mut answer, &path, Value::from("sandbox"));
        }
        self.put_notes(&mut answer, |path| !self.is_of_failures(path));
        answer
    }

    /// The answer to a call that fails with this code.
    pub fn failure(&self, code: &str, message: &str) -> Value {
        let envelope = self.envelope;
        let mut answer = Value::Object(Map::new());
        let mut put_text = |slots: &[MemberIndex], value: Value| {
            let of_failures = slots.iter().map(|slot| self.path(*slot)).find(|path| self.is_of_failures(path));
            if let Some(path) = of_failures.or_else(|| slots.first().map(|slot| self.path(*slot))) {
                put(&mut answer, &path, value);
            }
        };
        let (codes, messages) = match &envelope.error {
            Some(error) => (&error.code, &error.message),
            None => (&envelope.code, &envelope.message),
        };
        // `[codes]` lists a code with its sub-code, if there is one.
        let (code, sub_code) = match code.split_once(':').filter(|_| !envelope.sub_code.is_empty()) {
            Some((code, sub_code)) => (code, Some(sub_code)),
            None => (code, None),
        };
        put_text(codes, self.code(code));
        if let Some(sub_code) = sub_code {
            put_text(&envelope.sub_code, Value::from(sub_code));
        }
        put_text(messages, Value::from(message));
        for (slot, values) in &envelope.succeeded_by {
            let failed =
                if values.iter().any(|value| value == "true") { Value::from(false) } else { Value::from("failed") };
            put(&mut answer, &self.path(*slot), failed);
        }
        let failed_by = envelope.failed_by.first().map(|slot| self.path(*slot));
        if let Some(path) = failed_by.filter(|path| answer.pointer(&pointer_of(path)).is_none()) {
            put(&mut answer, &path, Value::from(message));
        }
        self.put_notes(&mut answer, |_| true);
        answer
    }

    /// The place of data that is not the whole answer, if there is one.
    fn data_place(&self) -> Option<&DataPlace> {
        let data = &self.envelope.data;
        data.iter().find(|place| place.slot.is_some()).or_else(|| data.first())
    }

    fn put_notes(&self, answer: &mut Value, is_there: impl Fn(&[String]) -> bool) {
        let notes = [
            (self.envelope.call_id, Value::from(format!("sandbox-{}", self.number))),
            (self.envelope.time, Value::from(self.now.as_millisecond())),
        ];
        for (slot, value) in notes {
            if let Some(path) = slot.map(|slot| self.path(slot)).filter(|path| is_there(path)) {
                put(answer, &path, value);
            }
        }
    }

    /// Whether a member is, or belongs to, what is there only in failures.
    fn is_of_failures(&self, path: &[String]) -> bool {
        let error = self.envelope.error.iter().map(|error| error.slot);
        let mut slots = error.chain(self.envelope.failed_by.iter().copied());
        slots.any(|slot| path.starts_with(&self.path(slot)))
    }

    fn path(&self, slot: MemberIndex) -> Vec<String> {
        self.envelope.members.path(slot)
    }

    fn code(&self, code: &str) -> Value {
        let number = code.parse::<i64>().ok().filter(|_| self.envelope.codes_are_integers);
        number.map_or_else(|| Value::from(code), Value::from)
    }
}

/// The data of a login: the token, and when it ends.
pub fn login_data(form: &LoginAnswerForm, token: &str, seconds: u64, now: Timestamp) -> Value {
    let mut data = Value::Object(Map::new());
    if let Some(slot) = form.token.first() {
        put(&mut data, &form.members.path(*slot), Value::from(token));
    }
    if let Some((slot, _)) = form.seconds.first() {
        put(&mut data, &form.members.path(*slot), Value::from(seconds));
    } else if let Some((slot, _)) = form.ends.first() {
        let ends = now.as_millisecond().saturating_add_unsigned(seconds.saturating_mul(1_000));
        put(&mut data, &form.members.path(*slot), Value::from(ends));
    }
    data
}

/// Puts a value at a path. What stands there stays; a place below a value that is no object is left out.
fn put(root: &mut Value, path: &[String], value: Value) {
    let mut place = root;
    for name in path {
        let Value::Object(members) = place else { return };
        place = members.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    match (place, value) {
        (Value::Object(there), Value::Object(more)) => there.extend(more),
        (place, value) if place.as_object().is_some_and(Map::is_empty) => *place = value,
        _ => {}
    }
}

fn pointer_of(path: &[String]) -> String {
    path.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect()
}

/// `true` and `false` are no texts.
fn flag(value: &str) -> Value {
    value.parse::<bool>().map_or_else(|_| Value::from(value), Value::from)
}
