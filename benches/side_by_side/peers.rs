//! The peers that do storegate's job in other stacks: nginx with Lua, and Node. Their sources are in `benches/peers`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::credentials::Credentials;
use super::http;
use super::process::command;
use super::program::Program;
use super::sandbox::Sandbox;
use super::setup::Setup;

pub const NGINX: &str = "nginx + Lua";
pub const NODE: &str = "Node (fastify)";

/// Where nginx's modules may be, as packages install them.
const MODULES: [&str; 3] = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules"];

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers")
}

/// Starts nginx with a configuration that is made for the run.
pub fn start_nginx(directory: &Path, credentials: &Credentials, sandbox: &Sandbox, setup: Setup) -> Program {
    let place = directory.join(format!("nginx-{}", setup.name()));
    fs::create_dir_all(&place).expect("a directory for nginx");
    let settings = place.join("settings.json");
    fs::write(&settings, credentials.for_peers().to_string()).expect("settings for nginx");
    let port = http::free_port();
    let values = [
        ("@modules@", load_modules()),
        ("@workers@", setup.workers().to_string()),
        ("@lua@", sources().join("nginx/lua").display().to_string()),
        ("@settings@", settings.display().to_string()),
        ("@gateway@", http::authority(sandbox.base_url()).to_owned()),
        ("@port@", port.to_string()),
    ];
    let template = fs::read_to_string(sources().join("nginx/nginx.conf")).expect("nginx's configuration");
    let configuration = values.iter().fold(template, |text, (name, value)| text.replace(name, value));
    let file = place.join("nginx.conf");
    fs::write(&file, configuration).expect("nginx's configuration");
    let mut nginx = command("nginx", setup.server_cores());
    nginx.arg("-p").arg(&place).arg("-c").arg(&file).arg("-e").arg(place.join("error.log"));
    nginx.args(["-g", "daemon off;"]);
    Program::start(NGINX, nginx, port, "/healthz", 200)
}

/// Modules that are files of their own; in other builds they are part of nginx.
fn load_modules() -> String {
    let names = ["ndk_http_module.so", "ngx_http_lua_module.so"];
    let files = MODULES.iter().flat_map(|place| names.map(|name| Path::new(place).join(name)));
    files.filter(|file| file.exists()).map(|file| format!("load_module {};\n", file.display())).collect()
}

/// Starts Node with the packages that `benches/compare` has installed.
pub fn start_node(directory: &Path, credentials: &Credentials, sandbox: &Sandbox, setup: Setup) -> Program {
    // Modules are looked for beside the file that asks for them, so the sources go where the packages are.
    let place = directory.join("node");
    for file in fs::read_dir(sources().join("node")).expect("the sources of the peer").flatten() {
        fs::copy(file.path(), place.join(file.file_name())).expect("a copy of a source");
    }
    let port = http::free_port();
    let mut settings = credentials.for_peers();
    settings["port"] = json!(port);
    settings["workers"] = json!(setup.workers());
    settings["gateway"]["url"] = json!(sandbox.m_api());
    let mut node = command("node", setup.server_cores());
    node.arg(place.join("server.mjs")).env("PEER", settings.to_string()).env("NODE_ENV", "production");
    Program::start(NODE, node, port, "/healthz", 200)
}
