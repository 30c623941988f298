//! q-values in the lists of `Accept` and `Accept-Encoding` (RFC 9110 §12.4.2).

use actix_web::http::header::{HeaderMap, HeaderName};

/// A member of a list: its name in lower case, and its q-value in thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightedItem {
    /// A media range or a content coding.
    pub name: String,
    /// The q-value in thousandths, from 0 (refused) to 1000.
    pub weight: u16,
}

/// Parses all members of all lines of a header, or `None` if the header is absent.
pub fn read(headers: &HeaderMap, header: &HeaderName) -> Option<Vec<WeightedItem>> {
    let lines: Vec<&str> = headers.get_all(header).filter_map(|line| line.to_str().ok()).collect();
    headers
        .contains_key(header)
        .then(|| lines.into_iter().flat_map(|line| line.split(',')).filter_map(member).collect())
}

fn member(text: &str) -> Option<WeightedItem> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
    });
    Some(WeightedItem { name, weight: weight.unwrap_or(1000) })
}

/// Parses a q-value. An invalid one counts as zero, so that the member is refused rather than preferred.
fn thousandths(value: &str) -> u16 {
    let weight = value.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
    let thousandths = (weight * 1000.0).round() as u16;
    thousandths
}

#[cfg(test)]
mod tests {
    use super::{WeightedItem, read};
    use actix_web::http::header::ACCEPT;
    use actix_web::test::TestRequest;

    fn weights(lines: &[&str]) -> Option<Vec<(String, u16)>> {
        let request = lines.iter().fold(TestRequest::get(), |request, line| request.append_header((ACCEPT, *line)));
        let list = read(request.to_http_request().headers(), &ACCEPT)?;
        Some(list.into_iter().map(|WeightedItem { name, weight }| (name, weight)).collect())
    }

    #[test]
    fn members_of_all_lines_are_read_with_their_weights() {
        let expected = [("text/html", 1000), ("*/*", 100), ("a", 0), ("b", 0)];
        let expected = expected.map(|(name, weight)| (name.to_owned(), weight)).to_vec();
        assert_eq!(weights(&["Text/HTML;level=1, */*; Q=0.1,", "a;q=0, b;q=much"]), Some(expected));
        assert_eq!(weights(&[]), None);
        assert_eq!(weights(&[""]), Some(Vec::new()));
    }
}
