//! Compares a declared resource with an example of the vendor's answer: which of its JSON pointers lead nowhere there.

use serde_json::value::RawValue;

use super::Declaration;
use super::answer::{AnswerShape, DeclaredField, value_at};
use crate::gateway::protocol::paging::PagingStyle;
use crate::json::raw::is_nothing;

/// A setting with a JSON pointer that leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub struct AbsentPointer {
    /// The setting, below the resource: `fields.name.from`.
    pub setting: String,
    /// Its JSON pointer.
    pub pointer: String,
}

impl Declaration {
    /// The settings whose JSON pointers lead nowhere in this data: of fields and ids in no item of the list. A list without
    /// items shows none of them.
    pub fn absent_in(&self, data: &RawValue) -> Vec<AbsentPointer> {
        let (objects, fields) = match &self.answer.shape {
            AnswerShape::AsGiven => (Vec::new(), &[][..]),
            AnswerShape::Object(fields) => (self.answer.selected(data).into_iter().collect(), fields.as_slice()),
            AnswerShape::List(fields) => {
                let rows = self.answer.rows(data, self.method.vendor).ok().flatten();
                (rows.unwrap_or_default(), fields.as_slice())
            }
        };
        let objects: Vec<&RawValue> = objects.into_iter().filter(|object| !is_nothing(object)).collect();
        let is_in_none = |pointer: &str| objects.iter().all(|object| value_at(object, pointer).is_none());
        let absent = |setting: String, pointer: &str| AbsentPointer { setting, pointer: pointer.to_owned() };
        let of_field = |field: &DeclaredField| absent(format!("fields.{}.from", field.name), &field.pointer);
        let mut found = Vec::new();
        if !objects.is_empty() {
            found.extend(fields.iter().filter(|field| is_in_none(&field.pointer)).map(of_field));
        }
        let Some(paging) = &self.paging else { return found };
        if let Some(id) = paging.id.as_ref().filter(|id| !objects.is_empty() && is_in_none(id)) {
            found.push(absent("paging.id".to_owned(), id));
        }
        let next = match &paging.style {
            PagingStyle::Cursor { next, .. } => Some(next),
            PagingStyle::Number { .. } | PagingStyle::Offset { .. } => None,
        };
        for (key, pointer) in [("total", &paging.total), ("has_next", &paging.has_next), ("next", &next.cloned())] {
            if let Some(pointer) = pointer.as_ref().filter(|pointer| value_at(data, pointer).is_none()) {
                found.push(absent(format!("paging.{key}"), pointer));
            }
        }
        found
    }
}
