//! [`Fault::Mixed`]: a random fault.

use std::time::Duration;

use fastrand::Rng;

use super::Fault;
use crate::gateway::vendor::SandboxCheck;
use crate::sandbox::vendor::SandboxVendor;

// The number of kinds from which `any` chooses.
const KINDS: u8 = 17;

// Bodies that a careless reader accepts as an answer, or fails on.
const BODIES: [&str; 8] = [
    "null",
    "[]",
    r#"{"stat":{"code":{}},"error_response":[],"response":7}"#,
    r#"{"stat":{"code":0},"stat":{"code":-500},"response":{},"response":null}"#,
    r#"{"stat":{"code":1e999},"code":99999999999999999999999999999999}"#,
    "{\"stat\":{\"codename\":\"\u{0}\u{7}\n\"",
    "\u{feff}{}",
    "Array\n(\n)\n<b>Fatal error</b>: Allowed memory size exhausted",
];

/// A random fault, with a code of that gateway where it needs one. The codes are those of a gateway in trouble, not
/// those that refuse a key or a request.
pub fn any(gateway: SandboxVendor, chance: &mut Rng) -> Fault {
    match chance.u8(..KINDS) {
        0 => Fault::code(one_of(&codes(gateway), chance)),
        1 => Fault::HttpStatus(one_of(&[500, 502, 503, 504], chance)),
        2 => Fault::AskToWait { status: one_of(&[429, 503], chance), seconds: chance.u32(1..=5) },
        3 => Fault::Delay(Duration::from_millis(chance.u64(50..=3_000))),
        4 => Fault::Hang,
        5 => Fault::Reset,
        6 => Fault::Close,
        7 => Fault::Garbage,
        8 => Fault::Truncate,
        9 => Fault::Cut(chance.usize(..200)),
        10 => Fault::Drip,
        11 => Fault::Endless,
        12 => Fault::Bomb,
        13 => Fault::Empty,
        14 => Fault::Html,
        15 => Fault::BrotliBomb,
        _ => Fault::Body(one_of(&BODIES, chance).to_owned()),
    }
}

fn codes(gateway: SandboxVendor) -> Vec<&'static str> {
    match gateway {
        SandboxVendor::OpRetail => vec!["-500", "-999", "-100"],
        SandboxVendor::Oms => vec!["e000005", "500", "e000009"],
        SandboxVendor::Pack(vendor) => {
            let code = vendor.pack().sandbox.codes.get(&SandboxCheck::Failed);
            vec![code.map(String::as_str).unwrap_or_default()]
        }
    }
}

fn one_of<T: Copy>(choices: &[T], chance: &mut Rng) -> T {
    choices[chance.usize(..choices.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::mem;

    use fastrand::Rng;

    use super::{Fault, KINDS, SandboxVendor, any};

    #[test]
    fn every_kind_comes_and_every_code_is_the_gateways_own() {
        let mut chance = Rng::with_seed(1);
        for (gateway, of_the_other) in [(SandboxVendor::OpRetail, "e000005"), (SandboxVendor::Oms, "-500")] {
            let faults: Vec<Fault> = (0..2_000).map(|_| any(gateway, &mut chance)).collect();
            let kinds: HashSet<_> = faults.iter().map(mem::discriminant).collect();
            assert_eq!(kinds.len(), usize::from(KINDS));
            assert!(!kinds.contains(&mem::discriminant(&Fault::Mixed)));
            assert!(!faults.contains(&Fault::code(of_the_other)));
        }
    }
}
