//! Decodes a text in the ways in which programs embed one text in another: URL encoding, JSON escapes, HTML entities,
//! hexadecimal digits and base64. Each decoding yields another reading of the whole text, including what surrounds the
//! decoded part.

/// The shortest run of digits or base64 that is decoded; a shorter one holds no secret.
const SHORTEST_RUN: usize = 6;

/// All readings that differ from the text itself.
pub(super) fn of(text: &[u8]) -> Vec<Vec<u8>> {
    let mut readings = vec![
        url_decoded(text, b'+'),
        url_decoded(text, b' '),
        unescaped(text),
        without_entities(text),
        without_blanks(text),
    ];
    readings.extend((0..2).map(|start| in_runs(text, start, is_hex, hex_decoded)));
    readings.extend((0..4).map(|start| in_runs(text, start, is_base64, base64_decoded)));
    readings.retain(|reading| !reading.is_empty() && reading != text);
    readings
}

/// Decodes `%41` and `%u0041`, and `plus` for `+`.
fn url_decoded(text: &[u8], plus: u8) -> Vec<u8> {
    replaced(text, |rest| match rest {
        [b'+', ..] => Some((vec![plus], 1)),
        [b'%', b'u' | b'U', ..] => Some((utf16(rest, b'%')?, utf16_length(rest, b'%'))),
        [b'%', high, low, ..] => Some((vec![byte(*high, *low)?], 3)),
        _ => None,
    })
}

/// Decodes `\u0041`, `\x41`, `\n`, `\/` and similar escapes.
fn unescaped(text: &[u8]) -> Vec<u8> {
    replaced(text, |rest| match rest {
        [b'\\', b'u' | b'U', ..] => Some((utf16(rest, b'\\')?, utf16_length(rest, b'\\'))),
        [b'\\', b'x' | b'X', high, low, ..] => Some((vec![byte(*high, *low)?], 4)),
        [b'\\', escaped, ..] => {
            let meant = match escaped {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'b' => 8,
                b'f' => 12,
                other => *other,
            };
            Some((vec![meant], 2))
        }
        _ => None,
    })
}

/// Decodes `&#65;`, `&#x41;` and the named characters that HTML must escape.
fn without_entities(text: &[u8]) -> Vec<u8> {
    const NAMED: [(&[u8], u8); 6] =
        [(b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"quot", b'"'), (b"apos", b'\''), (b"nbsp", b' ')];
    replaced(text, |rest| {
        let behind = rest.strip_prefix(b"&")?;
        let semicolon = |length: usize| length + usize::from(behind.get(length) == Some(&b';'));
        let is_named = |name: &[u8]| behind.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        if let Some((name, meant)) = NAMED.iter().find(|(name, _)| is_named(name)) {
            return Some((vec![*meant], 1 + semicolon(name.len())));
        }
        let (skipped, radix) = match behind {
            [b'#', b'x' | b'X', ..] => (2, 16),
            [b'#', ..] => (1, 10),
            _ => return None,
        };
        let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
        let digits: String = behind.get(skipped..)?.iter().copied().take_while(is_digit).map(char::from).collect();
        let meant = char::from_u32(u32::from_str_radix(&digits, radix).ok()?)?;
        Some((meant.to_string().into_bytes(), 1 + semicolon(skipped + digits.len())))
    })
}

/// Removes blanks, as of a text that was broken into lines.
fn without_blanks(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
}

/// Replaces whatever `decode` recognizes at the beginning of the rest, which consumes the returned number of bytes.
fn replaced(text: &[u8], decode: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>) -> Vec<u8> {
    let (mut read, mut rest) = (Vec::with_capacity(text.len()), text);
    while let [first, behind @ ..] = rest {
        match decode(rest) {
            Some((meant, length)) => {
                read.extend(meant);
                rest = rest.get(length.max(1)..).unwrap_or_default();
            }
            None => {
                read.push(*first);
                rest = behind;
            }
        }
    }
    read
}

/// Decodes one character in UTF-16 units, each written as a mark, `u` and four digits.
fn utf16(rest: &[u8], mark: u8) -> Option<Vec<u8>> {
    let units = [unit(rest, mark), rest.get(6..).and_then(|second| unit(second, mark))];
    let first = units[0]?;
    let meant = match char::from_u32(u32::from(first)) {
        Some(meant) => meant,
        None => char::decode_utf16([first, units[1]?]).next()?.ok()?,
    };
    Some(meant.to_string().into_bytes())
}

fn utf16_length(rest: &[u8], mark: u8) -> usize {
    let is_pair = unit(rest, mark).is_some_and(|unit| (0xd800..0xdc00).contains(&unit));
    if is_pair { 12 } else { 6 }
}

fn unit(rest: &[u8], mark: u8) -> Option<u16> {
    match rest {
        [first, b'u' | b'U', a, b, c, d, ..] if *first == mark => {
            Some(u16::from_be_bytes([byte(*a, *b)?, byte(*c, *d)?]))
        }
        _ => None,
    }
}

fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// Decodes the runs of these bytes, each from byte number `start`, with a blank between two.
fn in_runs(text: &[u8], start: usize, is_of_run: fn(&u8) -> bool, decode: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let runs = text.split(|byte| !is_of_run(byte)).filter(|run| run.len() >= SHORTEST_RUN);
    runs.filter_map(|run| run.get(start..)).map(decode).collect::<Vec<_>>().join(&b' ')
}

const fn is_hex(byte: &u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn hex_decoded(run: &[u8]) -> Vec<u8> {
    run.chunks_exact(2).filter_map(|pair| byte(*pair.first()?, *pair.last()?)).collect()
}

const fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Decodes base64 in either alphabet, with or without padding.
fn base64_decoded(run: &[u8]) -> Vec<u8> {
    let six_bits = |byte: &u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    let (mut read, mut bits, mut count) = (Vec::with_capacity(run.len()), 0_u32, 0);
    for byte in run {
        bits = bits << 6 | u32::from(six_bits(byte));
        count += 6;
        if count >= 8 {
            count -= 8;
            read.extend(u8::try_from(bits >> count & 0xff));
        }
    }
    read
}
