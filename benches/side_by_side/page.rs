//! A page of 100 KB, as it is and compressed: storegate keeps the compressed forms, the bare handler compresses each time.

use std::io::Read;

use super::http;
use super::load::Load;
use super::options::Options;
use super::report::Report;
use super::rounds::{self, Source};
use super::stage::Stage;

/// The page in each encoding.
pub fn encodings(stage: &Stage, options: &Options, report: &mut Report) {
    let whole = http::get(&stage.storegate.base_url, &stage.page, &[stage.credentials.header("HS256")]).body;
    let query = stage.page.trim_start_matches("/inspections").to_owned();
    for (encoding, path) in
        [("identity", "/inspections"), ("gzip", "/compressed/inspections"), ("br", "/compressed/inspections")]
    {
        let accept = format!("Accept-Encoding: {encoding}");
        let bare = stage.load(&stage.bare, &format!("{path}{query}"), "HS256");
        let ours = stage.load(&stage.storegate, &stage.page, "HS256");
        let contenders = [(&stage.bare, bare), (&stage.storegate, ours)].map(|(program, load)| {
            let load = Load { headers: [load.headers, vec![accept.clone()]].concat(), ..load };
            let answer = http::get(&load.base_url, &load.path, &load.headers);
            assert_eq!(answer.header("content-encoding").unwrap_or("identity"), encoding, "{}", program.name);
            assert_eq!(decoded(encoding, &answer.body), whole, "{} sends another page", program.name);
            let label = format!("{}, {} KB", program.name, answer.body.len() / 1000);
            stage.contender(&label, program, load, 200)
        });
        report.case(
            &format!("a page of {} KB, {encoding}, pinned", whole.len() / 1000),
            &rounds::run(stage, options, &contenders, Source::Cache),
        );
    }
}

fn decoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    let read = match encoding {
        "gzip" => flate2::read::GzDecoder::new(body).read_to_end(&mut whole),
        "br" => brotli::Decompressor::new(body, 4096).read_to_end(&mut whole),
        _ => {
            whole.extend_from_slice(body);
            Ok(body.len())
        }
    };
    read.expect("a body in the encoding that it names");
    whole
}
