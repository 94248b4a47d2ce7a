//! The programs around a measurement: nginx before PostgREST, as Supabase has it, and the gateway.

use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use idse_tests::stack::{Layout, Stack};

use crate::client::{Client, Head};

/// How long a server may take to begin at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that ends with the value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Returns an address that nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until something holds, looking often.
fn wait(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what} does not begin");
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// nginx before PostgREST: the prefix of a Supabase project, its schema, connections that are kept on both sides.
pub(super) struct Nginx {
    pub(super) address: SocketAddr,
    _process: Running,
}

impl Nginx {
    /// Starts it; `None` where it is not installed.
    pub(super) fn start(folder: &Path, layout: Layout) -> Option<Self> {
        let program = std::env::var_os("IDSE_NGINX").map_or_else(|| PathBuf::from("nginx"), PathBuf::from);
        let known = Command::new(&program).arg("-v").stderr(Stdio::null()).status();
        if !known.is_ok_and(|status| status.success()) {
            return None;
        }
        let (address, rest, schema) = (free(), Stack::shared().postgrest(), layout.schema());
        let place = folder.display();
        let text = format!(
            "daemon off;\nmaster_process off;\nerror_log {place}/error.log;\npid {place}/nginx.pid;\n\
             events {{ worker_connections 256; }}\n\
             http {{\n\
             access_log off;\n\
             client_body_temp_path {place}/body;\nproxy_temp_path {place}/proxy;\n\
             fastcgi_temp_path {place}/fastcgi;\nuwsgi_temp_path {place}/uwsgi;\nscgi_temp_path {place}/scgi;\n\
             client_body_buffer_size 256k;\nclient_max_body_size 20m;\n\
             proxy_buffers 32 16k;\nproxy_buffer_size 16k;\nkeepalive_requests 1000000;\n\
             upstream rest {{ server {rest}; keepalive 32; keepalive_requests 1000000; }}\n\
             server {{\nlisten {address};\n\
             location /rest/v1/ {{\nproxy_pass http://rest/;\nproxy_http_version 1.1;\n\
             proxy_set_header Connection '';\n\
             proxy_set_header Accept-Profile {schema};\nproxy_set_header Content-Profile {schema};\n}}\n}}\n}}\n"
        );
        let config = folder.join("nginx.conf");
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(program);
        command.arg("-p").arg(folder).arg("-e").arg(folder.join("error.log")).arg("-c").arg(&config);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let process = Running(child);
        wait("nginx", || TcpStream::connect(address).is_ok());
        Some(Self { address, _process: process })
    }
}

/// A gateway, and what it holds.
pub(super) struct Gateway {
    pub(super) address: SocketAddr,
    /// From its start until it said that it is ready.
    pub(super) start: Duration,
    process: Running,
}

impl Gateway {
    /// Starts one and waits until it is ready; `variables` are all that it sees of the environment.
    pub(super) fn start(program: &Path, folder: &Path, store: &str, variables: &[(&str, &str)]) -> Self {
        let address = free();
        let log = File::options().create(true).append(true).open(folder.join("gateway.log")).unwrap();
        let mut command = Command::new(program);
        command.env_clear().env("HOME", folder).envs(variables.iter().copied());
        command.args(["--listen", &address.to_string(), "--store", store, "--displaced"]);
        command.arg(folder.join("displaced")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let start = Instant::now();
        let process = Running(command.spawn().unwrap());
        wait("the gateway", || is_ready(address));
        Self { address, start: start.elapsed(), process }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what memory it holds now, and the most that it held, in MiB.
    pub(super) fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0.0);
            kib / 1024.0
        };
        (field("VmRSS:"), field("VmHWM:"))
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let asked = stream.write_all(b"");
    drop(stream);
    asked.is_ok() && Client::new(address).try_ask(&Head::new("GET", &[]), "/readyz", "").0 == 200
}
