//! One inspection: what the caller gets, and how it is read from a row of the gateway.

use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::directory::Directory;
use crate::gateway::tenants::Access;
use crate::resources::field_aliases::{AliasedFields, RawFields};
use crate::resources::source_type::SourceTypeDocument;
use crate::resources::vendors::opretail;

// What the caller gets.

/// An inspection of a store. A field that the gateway did not give is `null`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inspection {
    /// The gateway's number of the inspection.
    #[schema(example = "9001", required)]
    id: Option<String>,
    /// Who inspected.
    #[schema(required)]
    inspector: Option<Inspector>,
    /// How the inspection came about.
    #[schema(required)]
    source_type: Option<SourceTypeDocument>,
    /// When it was recorded.
    #[schema(example = "2026-11-22T10:00:00+08:00", format = DateTime, required)]
    created_at: Option<String>,
    /// Which store was inspected.
    #[schema(required)]
    store: Option<InspectedStore>,
    /// How far the finding has been dealt with, as the gateway writes it.
    #[schema(example = "待整改", required)]
    status: Option<String>,
    /// The score that was given.
    #[schema(example = 92.5, value_type = Option<f64>, required)]
    score: Option<Number>,
    /// What was checked, untouched: numbers have all the digits that the gateway sent.
    #[schema(value_type = Option<Vec<Object>>, required)]
    check_items: Option<Box<RawValue>>,
    /// Until when the finding must be dealt with.
    #[schema(example = "2026-11-25T10:00:00+08:00", format = DateTime, required)]
    deadline: Option<String>,
    /// Amount of a reward.
    #[schema(example = 50, value_type = Option<f64>, required)]
    reward: Option<Number>,
    /// Amount of a penalty.
    #[schema(example = 100, value_type = Option<f64>, required)]
    penalty: Option<Number>,
    /// Points that were deducted.
    #[schema(example = 5, value_type = Option<f64>, required)]
    deduction: Option<Number>,
    /// Addresses of pictures.
    #[schema(example = json!(["https://media.example.com/1.jpg"]))]
    photos: Vec<String>,
    /// Addresses of videos.
    #[schema(example = json!(["https://media.example.com/1.mp4"]))]
    videos: Vec<String>,
    /// Every field that the gateway sent and this document does not name, untouched: numbers have all the digits that the
    /// gateway sent.
    #[schema(value_type = Object, additional_properties)]
    extra: RawFields,
}

/// Who inspected.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inspector {
    /// The gateway's number of the person.
    #[schema(example = "1042", required)]
    id: Option<String>,
    /// The person's name.
    #[schema(example = "Ann Example", required)]
    name: Option<String>,
}

/// Which store was inspected.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectedStore {
    /// The id by which it goes in paths.
    #[schema(example = "S_123456", required)]
    id: Option<String>,
    /// The name.
    #[schema(example = "Nanjing Road Flagship", required)]
    name: Option<String>,
}

// The translation.

impl Inspection {
    /// Translates a row. Several names are tried only for fields that mean the same: the maximum score is not the
    /// score, and a task's number may belong to several inspections.
    pub fn from_wire(row: RawFields, access: &Access) -> Self {
        let mut fields = AliasedFields::new(row, &access.zone);
        let store_id = fields.text(&["depId", "deptId", "departmentId", "shopId", "storeId"]);
        let store_name = fields.text(&["depName", "deptName", "departmentName", "shopName", "storeName"]);
        let inspector_id = fields.text(&["inspectorId", "checkUserId"]);
        let inspector_name = fields.text(&["inspectorName", "inspector", "checkUserName"]);
        let (reward, penalty) = fields.reward_or_penalty();
        Self {
            id: fields.text(&["id", "inspectionId"]),
            inspector: either(inspector_id, inspector_name, |id, name| Inspector { id, name }),
            source_type: fields.parsed(&["sourceType", "source"], SourceTypeDocument::from_wire),
            created_at: fields.time(&["createTime", "createDate", "createdAt", "createtime"]),
            store: either(store_id.map(|id| with_prefix(&id)), store_name, |id, name| InspectedStore { id, name }),
            status: fields.text(&["statusName", "problemStatusName", "status", "problemStatus"]),
            score: fields.number(&["score"]),
            check_items: fields.objects(&["checkItems", "items", "itemList", "checkItemList"]),
            deadline: fields.time(&["deadline", "validTime", "expireTime", "limitTime"]),
            reward,
            penalty,
            deduction: fields.number(&["deductScore", "deductPoints", "deduction"]),
            photos: fields.addresses(&["photos", "pictures", "pics", "picUrls", "imageUrls", "photoList"]),
            videos: fields.addresses(&["videos", "videoUrls", "videoList"]),
            extra: fields.into_rest(),
        }
    }

    /// Replaces the store's id by the directory's, if the directory knows the store.
    #[must_use]
    pub fn by_our_ids(mut self, directory: &Directory) -> Self {
        if let Some(id) = self.store.as_mut().and_then(|store| store.id.as_mut())
            && let Some(numbers) = directory.find_by_number(opretail(), id)
        {
            *id = numbers.id;
        }
        self
    }

    /// The store's id at OPRetail, if the row states it.
    pub fn store_id(&self) -> Option<&str> {
        self.store.as_ref()?.id.as_deref()
    }
}

/// The item, if it has a number or a name.
fn either<T>(
    id: Option<String>,
    name: Option<String>,
    of: impl FnOnce(Option<String>, Option<String>) -> T,
) -> Option<T> {
    (id.is_some() || name.is_some()).then(|| of(id, name))
}

/// Adds the prefix to a store's number, which the gateway omits in some answers.
fn with_prefix(id: &str) -> String {
    let form = opretail().pack().store_ids.as_ref().map(|ids| &ids.form);
    form.map_or_else(|| id.to_owned(), |form| form.full(form.behind_prefix(id).unwrap_or(id)))
}
