//! The ROCA weakness (CVE-2017-15361, Nemec et al., "The Return of Coppersmith's Attack", 2017). A library in smart
//! cards and TPMs chose primes of the form `k · M + (65537^a mod M)`, where M is the product of the first primes. Such
//! a modulus can be factored. It is recognized without factoring: modulo each of these primes it is a power of 65537.

/// The generator of the primes' form.
const GENERATOR: u32 = 65_537;

/// The largest prime factor of the smallest M, which divides the M of longer keys.
const LARGEST_PRIME: u32 = 167;

/// Whether a modulus, big-endian, has the form. Of other moduli, one in 200 million has it by chance.
pub(super) fn has_fingerprint(modulus: &[u8]) -> bool {
    (3..=LARGEST_PRIME).filter(|number| is_prime(*number)).all(|prime| is_power_of_generator(modulus, prime))
}

fn is_power_of_generator(modulus: &[u8], prime: u32) -> bool {
    let residue = modulus.iter().fold(0, |residue, byte| (residue * 256 + u32::from(*byte)) % prime);
    let mut power = 1;
    for _ in 1..prime {
        if power == residue {
            return true;
        }
        power = power * (GENERATOR % prime) % prime;
    }
    false
}

fn is_prime(number: u32) -> bool {
    (2..number).take_while(|divisor| divisor * divisor <= number).all(|divisor| !number.is_multiple_of(divisor))
}

#[cfg(test)]
mod tests {
    use super::{GENERATOR, LARGEST_PRIME, has_fingerprint, is_prime};

    /// A number of any length, little-endian.
    type Number = Vec<u8>;

    fn times(one: &[u8], other: &[u8]) -> Number {
        let mut product = vec![0_u8; one.len() + other.len()];
        for (at, digit) in one.iter().enumerate() {
            let mut carry = 0;
            for (place, other) in product[at..].iter_mut().zip(other.iter().chain(std::iter::repeat(&0))) {
                let sum = u32::from(*digit) * u32::from(*other) + u32::from(*place) + carry;
                (*place, carry) = ((sum & 0xff) as u8, sum >> 8);
            }
        }
        product
    }

    fn plus(one: &[u8], other: &[u8]) -> Number {
        let length = one.len().max(other.len()) + 1;
        let digit = |number: &[u8], at: usize| u32::from(number.get(at).copied().unwrap_or_default());
        let mut carry = 0;
        let mut digits = |at| {
            let sum = digit(one, at) + digit(other, at) + carry;
            carry = sum >> 8;
            (sum & 0xff) as u8
        };
        (0..length).map(&mut digits).collect()
    }

    /// Returns a number in the form of the weak primes: a power of the generator, plus a multiple of M so that it has
    /// 128 bytes.
    fn weak_factor(exponent: u32, multiple: &[u8]) -> Number {
        let primes = (2..=LARGEST_PRIME).filter(|number| is_prime(*number));
        let product = primes.fold(vec![1], |product, prime| times(&product, &prime.to_le_bytes()));
        // The power itself serves as well as its remainder modulo M: they differ by a multiple of M.
        let power = (0..exponent).fold(vec![1], |power, _| times(&power, &GENERATOR.to_le_bytes()));
        plus(&times(&product, multiple), &power)
    }

    fn big_endian(mut number: Number) -> Vec<u8> {
        number.reverse();
        number
    }

    #[test]
    fn a_modulus_of_two_such_factors_is_recognized() {
        for exponent in [0, 1, 2, 17, 30] {
            let mut multiple = vec![0; 96];
            fastrand::fill(&mut multiple);
            let (one, other) = (weak_factor(exponent, &multiple), weak_factor(exponent + 3, &multiple[7..]));
            let modulus = times(&one, &other);
            assert!(has_fingerprint(&big_endian(modulus.clone())), "{exponent}");
            assert!(!has_fingerprint(&big_endian(plus(&modulus, &[2]))), "{exponent}");
        }
    }

    #[test]
    fn random_moduli_are_not_recognized() {
        for length in [256, 384, 512] {
            for _ in 0..2_000 {
                let mut modulus = vec![0; length];
                fastrand::fill(&mut modulus);
                modulus[length - 1] |= 1;
                assert!(!has_fingerprint(&modulus));
            }
        }
    }
}
