//! Cuts the list of an example answer to the page that a call asks for, by the `[paging]` of a pack.

use serde_json::Value;

use super::reading::Received;
use crate::gateway::protocol::paging::{Paging, PagingStyle};
use crate::gateway::vendor::SandboxCheck;

/// What stands before the number of items in the sandbox's cursors.
const CURSOR: &str = "sandbox-";

/// The page of the data that a call asks for; all of it where the call asks for no page. What the data says of other pages
/// is kept right.
pub fn page_of(mut data: Value, paging: &Paging, received: &Received) -> Result<Value, SandboxCheck> {
    if !paging.parameters().any(|name| received.parameter(name).is_some()) {
        return Ok(data);
    }
    let sent = |name: &str| received.parameter(name).filter(|text| !text.is_empty());
    let number = |text: &str| text.parse::<usize>().map_err(|_| SandboxCheck::Parameter);
    let largest = usize::try_from(paging.largest).unwrap_or(usize::MAX);
    let size = paging.size.as_deref().and_then(sent).map(number).transpose()?.unwrap_or(largest);
    if size == 0 {
        return Err(SandboxCheck::Parameter);
    }
    let size = size.min(largest);
    let chosen = sent(paging.style.parameter());
    let offset = match (&paging.style, chosen) {
        (_, None) => 0,
        (PagingStyle::Number { first, .. }, Some(text)) => {
            let before = number(text)?.checked_sub(usize::try_from(*first).unwrap_or_default());
            before.ok_or(SandboxCheck::Parameter)?.saturating_mul(size)
        }
        (PagingStyle::Offset { .. }, Some(text)) => number(text)?,
        (PagingStyle::Cursor { .. }, Some(text)) => number(text.strip_prefix(CURSOR).ok_or(SandboxCheck::Parameter)?)?,
    };
    let Some(list) = list_of(&mut data) else { return Ok(data) };
    let end = offset.saturating_add(size);
    let has_next = list.len() > end;
    *list = list.drain(..).skip(offset).take(size).collect();
    if let Some(flag) = paging.has_next.as_ref().and_then(|pointer| data.pointer_mut(pointer)) {
        *flag = like(flag, has_next);
    }
    if let PagingStyle::Cursor { next, .. } = &paging.style
        && let Some(cursor) = data.pointer_mut(next)
    {
        *cursor = Value::from(if has_next { format!("{CURSOR}{end}") } else { String::new() });
    }
    Ok(data)
}

/// The list in the data: the longest one, at most two objects deep.
fn list_of(data: &mut Value) -> Option<&mut Vec<Value>> {
    fn below(value: &mut Value, depth: usize) -> Option<&mut Vec<Value>> {
        match value {
            Value::Array(list) => Some(list),
            Value::Object(members) if depth > 0 => {
                members.values_mut().filter_map(|value| below(value, depth - 1)).max_by_key(|list| list.len())
            }
            _ => None,
        }
    }
    below(data, 3)
}

/// The flag in the form of the example: `true`, `"true"` or `1`.
fn like(example: &Value, flag: bool) -> Value {
    match example {
        Value::String(_) => Value::from(flag.to_string()),
        Value::Number(_) => Value::from(u8::from(flag)),
        _ => Value::from(flag),
    }
}
