//! The visitors by gender and age. Gender and age groups divide the same visitors, so their totals are equal.

use std::ops::AddAssign;

use super::noise::between;
use super::stores::CountedStore;

/// The age groups, both ends inclusive.
pub const AGE_GROUPS: [(u32, u32); 7] = [(0, 12), (13, 17), (18, 25), (26, 35), (36, 45), (46, 55), (56, 100)];

// The average share of each age group in percent, from which each store deviates.
const AGE_PERCENT: [u64; 7] = [5, 6, 22, 29, 19, 11, 8];

/// Visitors by gender and by age group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Men and boys.
    pub male: u64,
    /// Women and girls.
    pub female: u64,
    /// The visitors of each of the [`AGE_GROUPS`].
    pub ages: [u64; 7],
}

impl Distribution {
    /// Divides a store's visitors into groups.
    pub fn of(store: CountedStore, visitors: u64) -> Self {
        let id = i64::from(store.id);
        let male = visitors * between(34, 58, &[id, 40]) / 100;
        let shift = between(0, 6, &[id, 41]);
        let mut percent = AGE_PERCENT;
        percent[2] += shift;
        percent[4] -= shift;
        Self { male, female: visitors - male, ages: divide(visitors, percent) }
    }
}

impl AddAssign for Distribution {
    fn add_assign(&mut self, other: Self) {
        self.male += other.male;
        self.female += other.female;
        for (sum, visitors) in self.ages.iter_mut().zip(other.ages) {
            *sum += visitors;
        }
    }
}

// Each part is the difference of two rounded running totals, so the parts add up to the whole.
fn divide(whole: u64, percent: [u64; 7]) -> [u64; 7] {
    let (mut share, mut given) = (0, 0);
    percent.map(|part| {
        share += part;
        let up_to_here = whole * share / 100;
        let visitors = up_to_here - given;
        given = up_to_here;
        visitors
    })
}

#[cfg(test)]
mod tests {
    use super::Distribution;
    use crate::sandbox::world::stores::CountedStore;

    #[test]
    fn both_cuts_add_up_to_the_visitors() {
        for visitors in [0, 1, 7, 99, 12_345] {
            for store in CountedStore::of_enterprise(1084) {
                let distribution = Distribution::of(store, visitors);
                assert_eq!(distribution.male + distribution.female, visitors);
                assert_eq!(distribution.ages.iter().sum::<u64>(), visitors);
            }
        }
    }
}
