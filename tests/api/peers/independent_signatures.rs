//! The signature of each pack as its vendor's gateway would compute it from a request that it received: one function a
//! pack, written by hand from the vendor's rule, with other digests than the program's.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::peers::independent_rules::{Parameters, decode_form};

/// A request as a gateway reads it from its bytes.
pub struct Received {
    /// The HTTP method.
    pub http: &'static str,
    /// The whole address, without the query.
    pub address: String,
    /// The address behind the host.
    pub path: String,
    pub query: Parameters,
    /// By their names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Received {
    /// The parameters of a form.
    pub fn form(&self) -> Parameters {
        decode_form(&self.body)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What the gateway knows of the account.
pub struct Account {
    pub fields: BTreeMap<String, String>,
}

impl Account {
    fn of(&self, field: &str) -> &str {
        &self.fields[field]
    }
}

/// The signature in a request, and the one that the gateway computes.
pub type Signatures = (String, String);

/// How a gateway computes a signature.
pub type Rule = fn(&Received, &Account) -> Signatures;

/// The rule of a pack; nothing for a vendor whose calls are not signed, or that is not known here.
pub fn rule_of(pack: &str) -> Option<Rule> {
    Some(match pack {
        "artemis" => artemis,
        "guanyi" => guanyi,
        "jushuitan" => jushuitan,
        "kuaidi100" => kuaidi100,
        "lazada" => lazada,
        "meituan_peisong" => meituan_peisong,
        "meituan_waimai" => meituan_waimai,
        "oms" => oms,
        "opretail" => opretail,
        "pinduoduo" => pinduoduo,
        "taobao" => taobao,
        "tiktok_shop" => tiktok_shop,
        "wdt" => wdt,
        _ => return None,
    })
}

/// Lines of the method, two headers, the three listed headers and the path; HMAC-SHA256 in Base64.
fn artemis(received: &Received, account: &Account) -> Signatures {
    let mut text = format!("{}\n", received.http);
    for name in ["accept", "content-type"] {
        text = text + received.header(name) + "\n";
    }
    for name in received.header("x-ca-signature-headers").split(',') {
        text = text + name + ":" + received.header(name) + "\n";
    }
    let own = base64(&hmac_sha256(account.of("app_secret"), &(text + &received.path)));
    (received.header("x-ca-signature").to_owned(), own)
}

/// The body without its member `sign`, the secret around it; MD5 in capitals.
fn guanyi(received: &Received, account: &Account) -> Signatures {
    let members: serde_json::Value = serde_json::from_str(&received.body).unwrap();
    let sent = members["sign"].as_str().unwrap().to_owned();
    let member = format!("\"sign\":\"{sent}\"");
    let with_comma = format!(",{member}");
    let body = received.body.replacen(&with_comma, "", 1).replacen(&member, "", 1);
    let secret = account.of("secret");
    (sent, md5(&format!("{secret}{body}{secret}")).to_uppercase())
}

/// The secret, then names and values of the form that are not empty; MD5 in small letters.
fn jushuitan(received: &Received, account: &Account) -> Signatures {
    let (sent, form) = split(received.form(), "sign");
    (sent, md5(&format!("{}{}", account.of("app_secret"), joined(&not_empty(form)))))
}

/// `param` as it was sent, the key and the customer; MD5 in capitals.
fn kuaidi100(received: &Received, account: &Account) -> Signatures {
    let form = received.form();
    let text = format!("{}{}{}", form["param"], account.of("key"), form["customer"]);
    (form["sign"].clone(), md5(&text).to_uppercase())
}

/// The path behind `/rest`, then names and values of the query that are not empty; HMAC-SHA256 in capitals.
fn lazada(received: &Received, account: &Account) -> Signatures {
    let (sent, query) = split(received.query.clone(), "sign");
    let text = format!("{}{}", received.path.strip_prefix("/rest").unwrap(), joined(&not_empty(query)));
    (sent, hex(&hmac_sha256(account.of("app_secret"), &text)).to_uppercase())
}

/// The secret, then names and values of the form that are not empty; SHA-1.
fn meituan_peisong(received: &Received, account: &Account) -> Signatures {
    let (sent, form) = split(received.form(), "sign");
    let text = format!("{}{}", account.of("secret"), joined(&not_empty(form)));
    (sent, sha1_smol::Sha1::from(text).digest().to_string())
}

/// The address with its query, in which nothing is encoded, and the secret; MD5.
fn meituan_waimai(received: &Received, account: &Account) -> Signatures {
    let (sent, query) = split(received.query.clone(), "sig");
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (sent, md5(&format!("{}?{}{}", received.address, pairs.join("&"), account.of("consumer_secret"))))
}

/// Names and values of the form; MD5 in capitals, the token behind it, and MD5 again.
fn oms(received: &Received, account: &Account) -> Signatures {
    let (sent, form) = split(received.form(), "sign");
    let first = md5(&joined(&form)).to_uppercase();
    (sent, md5(&format!("{first}{}", account.of("token"))).to_uppercase())
}

/// Names and values of the form, the secret around them; MD5 or SHA-1 in capitals, as the form says.
fn opretail(received: &Received, account: &Account) -> Signatures {
    let (sent, form) = split(received.form(), "_sig");
    let secret = account.of("secret");
    let text = format!("{secret}{}{secret}", joined(&form));
    let own = match form["_sm"].as_str() {
        "md5" => md5(&text),
        "sha1" => sha1_smol::Sha1::from(text).digest().to_string(),
        other => panic!("{other}"),
    };
    (sent, own.to_uppercase())
}

/// Names and values of the form, the secret around them; MD5 in capitals.
fn pinduoduo(received: &Received, account: &Account) -> Signatures {
    let (sent, form) = split(received.form(), "sign");
    let secret = account.of("client_secret");
    (sent, md5(&format!("{secret}{}{secret}", joined(&form))).to_uppercase())
}

/// As Pinduoduo, but without parameters that are empty.
fn taobao(received: &Received, account: &Account) -> Signatures {
    let (sent, form) = split(received.form(), "sign");
    let secret = account.of("app_secret");
    (sent, md5(&format!("{secret}{}{secret}", joined(&not_empty(form)))).to_uppercase())
}

/// The path, then names and values of the query, then the body, the secret around them; HMAC-SHA256 in small letters.
fn tiktok_shop(received: &Received, account: &Account) -> Signatures {
    let (sent, query) = split(received.query.clone(), "sign");
    let secret = account.of("app_secret");
    let text = format!("{secret}{}{}{}{secret}", received.path, joined(&query), received.body);
    (sent, hex(&hmac_sha256(secret, &text)))
}

/// Names and values of the query and, as `body`, the body; the secret around them; MD5 in small letters.
fn wdt(received: &Received, account: &Account) -> Signatures {
    let (sent, mut query) = split(received.query.clone(), "sign");
    query.insert("body".to_owned(), received.body.clone());
    let secret = account.of("secret");
    (sent, md5(&format!("{secret}{}{secret}", joined(&query))))
}

/// Takes the signature out of the parameters.
fn split(mut parameters: Parameters, signature: &str) -> (String, Parameters) {
    (parameters.remove(signature).expect("a signature"), parameters)
}

fn not_empty(mut parameters: Parameters) -> Parameters {
    parameters.retain(|_, value| !value.is_empty());
    parameters
}

fn joined(parameters: &Parameters) -> String {
    parameters.iter().fold(String::new(), |text, (name, value)| text + name + value)
}

fn md5(text: &str) -> String {
    hex(&independent_md5::compute(text).0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// HMAC as RFC 2104 describes it.
fn hmac_sha256(key: &str, text: &str) -> Vec<u8> {
    let mut block = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.as_bytes().to_vec() };
    block.resize(64, 0);
    let padded = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::digest([padded(0x36), text.as_bytes().to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
}

/// Base64 as RFC 4648 describes it.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = bytes.chunks(3).flat_map(|chunk| {
        let group = (0..3).fold(0_usize, |group, place| group << 8 | usize::from(*chunk.get(place).unwrap_or(&0)));
        (0..4).map(
            move |place| if place > chunk.len() { '=' } else { char::from(LETTERS[group >> (18 - 6 * place) & 63]) },
        )
    });
    letters.collect()
}
