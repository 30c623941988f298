//! Reads `[answer]`: where code, message and data are.

use crate::gateway::protocol::envelope::{DataPlace, Envelope, ErrorObject};
use crate::gateway::protocol::members::{MemberIndex, Members, pointer};
use crate::settings::Section;

pub(super) fn read(section: &Section<'_>) -> Envelope {
    let mut members = Members::default();
    let error = read_error(&section.section("error"), &mut members);
    let code = slots(section, "code", &mut members);
    let code_form = section.choice("code_form", &[("text", false), ("integer", true)], "codes are integer or text");
    let repair = section.choice("repair", &[("unescaped_texts", true)], "the only repair is unescaped_texts");
    let failed_by = slots(section, "failed_by", &mut members);
    let succeeded_by = read_values(&section.section("succeeded_by"), &mut members);
    let is_read = ["code", "error", "failed_by", "succeeded_by"].iter().all(|key| !section.has_problem(key));
    if is_read && code.is_empty() && error.is_none() && failed_by.is_empty() && succeeded_by.is_empty() {
        section.missing("code", "how a failure is recognized: code, error, failed_by or succeeded_by");
    }
    let (success, code_is_required) = (section.list("success"), section.flag("code_required", false));
    if is_read && code_is_required && code.is_empty() {
        section.problem("code_required", "there is no `code` that could be there");
    }
    if is_read && success.is_some() && code.is_empty() && error.is_none() && failed_by.is_empty() {
        section.problem("success", "there is no `code` that could be of success");
    }
    let data: Vec<DataPlace> = section.tables("data").iter().map(|place| read_data(place, &mut members)).collect();
    if data.is_empty() {
        section.missing("data", "where the data is, such as [{ at = \"/data\" }]");
    }
    let record = section.section("record");
    let record = record
        .is_present()
        .then(|| (record.required_text("name", "what a list holds"), record.list("ids").unwrap_or_default()));
    let sub_code = slots(section, "sub_code", &mut members);
    if is_read && !sub_code.is_empty() && code.is_empty() && error.as_ref().is_none_or(|error| error.code.is_empty()) {
        section.problem("sub_code", "there is no `code` beside which it could stand");
    }
    Envelope {
        code,
        sub_code,
        codes_are_integers: code_form.unwrap_or_default(),
        success: success.unwrap_or_default(),
        code_is_required,
        error,
        failed_by,
        succeeded_by,
        message: slots(section, "message", &mut members),
        code_name: slot(section, "code_name", &mut members),
        call_id: slot(section, "call_id", &mut members),
        time: slot(section, "time", &mut members),
        data,
        has_unescaped_texts: repair.unwrap_or_default(),
        record,
        signed_text: section.text("signed_text"),
        members,
    }
}

fn read_error(section: &Section<'_>, members: &mut Members) -> Option<ErrorObject> {
    if !section.is_present() {
        return None;
    }
    let at = path(section, "at", &section.required_text("at", "the object that is there only in failures"));
    let within = |key: &str| -> Vec<Vec<String>> {
        let texts = section.list(key).unwrap_or_default();
        texts.iter().map(|text| at.iter().cloned().chain(path(section, key, text)).collect()).collect()
    };
    let (codes, messages) = (within("code"), within("message"));
    let message_name = messages.first().and_then(|path| path.last()).cloned().unwrap_or_default();
    Some(ErrorObject {
        slot: members.slot(&at),
        head: (codes.first().cloned().unwrap_or_default(), message_name),
        code: codes.iter().map(|path| members.slot(path)).collect(),
        message: messages.iter().map(|path| members.slot(path)).collect(),
    })
}

fn read_values(section: &Section<'_>, members: &mut Members) -> Vec<(MemberIndex, Vec<String>)> {
    let mut read = |text: String| {
        let path = path(section, &text, &text);
        (members.slot(&path), section.list(&text).unwrap_or_default())
    };
    section.names().into_iter().map(&mut read).collect()
}

fn read_data(section: &Section<'_>, members: &mut Members) -> DataPlace {
    let at = path(section, "at", &section.text("at").unwrap_or_default());
    DataPlace {
        slot: (!at.is_empty()).then(|| members.slot(&at)),
        beside: slots(section, "beside", members),
        without: slots(section, "without", members),
    }
}

fn slot(section: &Section<'_>, key: &str, members: &mut Members) -> Option<MemberIndex> {
    let text = section.text(key)?;
    Some(members.slot(&path(section, key, &text)))
}

/// Reads a list of JSON pointers into slots.
pub(super) fn slots(section: &Section<'_>, key: &str, members: &mut Members) -> Vec<MemberIndex> {
    named_slots(section, key, members).into_iter().map(|(slot, _)| slot).collect()
}

/// Reads a list of JSON pointers into slots, with the last name of each.
pub(super) fn named_slots(section: &Section<'_>, key: &str, members: &mut Members) -> Vec<(MemberIndex, String)> {
    let mut read = |text: &String| {
        let path = path(section, key, text);
        (members.slot(&path), path.last().cloned().unwrap_or_default())
    };
    section.list(key).unwrap_or_default().iter().map(&mut read).collect()
}

fn path(section: &Section<'_>, key: &str, text: &str) -> Vec<String> {
    pointer(text).map_err(|error| section.problem(key, error)).unwrap_or_default()
}
