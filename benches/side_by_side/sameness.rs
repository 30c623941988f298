//! Whether two answers say the same, whatever the order of their members and the way in which numbers are written.

use serde_json::Value;

/// Compares; when not `exactly`, numbers may differ, and the time at which figures were read.
pub fn is_same(left: &Value, right: &Value, exactly: bool) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| {
                    let other = right.get(name);
                    (!exactly && name == "observed_at" && other.is_some())
                        || other.is_some_and(|other| is_same(value, other, exactly))
                })
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_same(left, right, exactly))
        }
        (Value::Number(left), Value::Number(right)) => !exactly || left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}
