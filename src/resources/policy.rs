//! The freshness of each resource's responses: the defaults of the resource files, overridden by `[cache.<resource>]`.

use std::collections::HashMap;

use super::{ALL, Resource};
use crate::cache::Freshness;
use crate::settings::{Section, SectionSettings as _, SectionTable, shown_duration};

/// The freshness of a resource's responses. It depends on the lookup: figures of a period that has ended no longer
/// change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// For responses that may change at any time.
    pub current: Freshness,
    /// For responses about a period that has ended, where the resource has periods.
    pub ended: Option<Freshness>,
}

impl Policy {
    /// A policy with one freshness for every lookup.
    pub const fn always(freshness: Freshness) -> Self {
        Self { current: freshness, ended: None }
    }

    /// The freshness for a lookup of a period that has ended, or not.
    pub fn freshness(&self, ended: bool) -> Freshness {
        if ended { self.ended.unwrap_or(self.current) } else { self.current }
    }

    fn read(self, section: &Section<'_>) -> Self {
        Self {
            current: self.current.over(section),
            ended: self.ended.map(|ended| ended.over(&section.section("ended"))),
        }
    }
}

/// The policies of all resources that are cached.
#[derive(Clone, Debug)]
pub struct Policies(HashMap<&'static str, Policy>);

impl Default for Policies {
    fn default() -> Self {
        let policies = ALL.iter().filter_map(|resource| Some((resource.name, resource.policy?)));
        Self(policies.collect())
    }
}

impl Policies {
    /// Reads `[cache.<resource>]` with the defaults.
    pub fn read(cache: &Section<'_>) -> Self {
        let Self(mut policies) = Self::default();
        for resource in ALL {
            if let Some(policy) = policies.get_mut(resource.name) {
                *policy = policy.read(&cache.section(resource.name));
            }
        }
        Self(policies)
    }

    /// The settings tables of `[cache.<resource>]`.
    pub fn tables() -> Vec<SectionTable> {
        let table = |path: String, text, Freshness { fresh, stale, on_error }: Freshness| {
            let defaults = [fresh, stale, on_error].map(|time| Some(format!("\"{}\"", shown_duration(time)).into()));
            let mut table = Freshness::table().at(path, text);
            table.settings.iter_mut().zip(defaults).for_each(|(setting, default)| setting.default = default);
            table
        };
        let of_resource = |resource: &&'static Resource| {
            let (path, policy) = (format!("cache.{}", resource.name), resource.policy?);
            let text = "Of a period that has ended: its figures no longer change.";
            let ended = policy.ended.map(|ended| table(format!("{path}.ended"), text, ended));
            Some([table(path, "", policy.current)].into_iter().chain(ended))
        };
        ALL.iter().filter_map(of_resource).flatten().collect()
    }

    /// The policy of a resource; `None` when its responses are never cached.
    pub fn of(&self, resource: &Resource) -> Option<Policy> {
        self.0.get(resource.name).copied().or(resource.policy)
    }
}
