//! The origins that a user trusts although only a file of a workspace names them.
//!
//! It owns the list of one user (`$XDG_CONFIG_HOME/idse/trusted.json`); which origin a request goes to is known to
//! the configuration and the remotes.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{Dir, Found};

const FILE: &str = "idse/trusted.json";
const LOCK: &str = "idse/trusted.lock";

/// Nobody trusts more origins than fit into this.
const LIMIT: u64 = 1 << 20;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Trusted {
    schema: u32,
    origins: Vec<String>,
}

/// Returns the canonical origin of an address: scheme and host in lower case, the port only where it is not the
/// scheme's own.
///
/// # Errors
/// `InvalidArgument` where it is no address, carries a user or password, or is neither https nor on this machine.
pub fn origin(url: &str) -> Result<String> {
    let refuse = |why: &str| {
        Error::argument(format!("{:?} cannot be trusted: {why}", without_user(url)))
            .with_reason("origin")
            .with_hint("Give an address like https://agency.example.")
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(|| refuse("it is no address with a scheme"))?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(refuse("it carries a user or a password"));
    }
    let (host, port) = split_port(authority).ok_or_else(|| refuse("its port is no number"))?;
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if !is_host(&host) {
        return Err(refuse("its host is no ASCII host name or IP address"));
    }
    let own = match scheme.as_str() {
        "https" => 443,
        "http" if is_loopback_host(&host) => 80,
        "http" => return Err(refuse("it is not encrypted; only https is")),
        _ => return Err(refuse("its scheme is not https")),
    };
    Ok(match port {
        Some(port) if port != own => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

/// Tells whether an address leads to this machine: its origin needs no trust.
pub fn is_loopback(url: &str) -> bool {
    let host = origin(url).ok().and_then(|origin| {
        let authority = origin.split_once("://")?.1.to_owned();
        split_port(&authority).map(|(host, _)| host.to_owned())
    });
    host.is_some_and(|host| is_loopback_host(&host))
}

/// Lists the trusted origins in their order.
///
/// # Errors
/// `InvalidConfig` where the file cannot be understood, `Io`.
pub fn list(context: &Context) -> Result<Vec<String>> {
    let Some((dir, rest)) = deepest(config_home(context)?) else { return Ok(Vec::new()) };
    read(&dir, &inside(&rest, FILE)).map(|trusted| trusted.origins)
}

/// Tells whether the origin of an address is trusted; one on this machine always is.
///
/// # Errors
/// As [`origin`] and [`list`].
pub fn is_trusted(url: &str, context: &Context) -> Result<bool> {
    let origin = origin(url)?;
    Ok(is_loopback(&origin) || list(context)?.contains(&origin))
}

/// Stops where the origin of an address is not trusted; `named_by` says which file names it.
///
/// # Errors
/// `Unauthorized` with reason `untrusted` and the origin as a fact.
pub fn require(url: &str, named_by: &str, context: &Context) -> Result<()> {
    if is_trusted(url, context)? {
        return Ok(());
    }
    let origin = origin(url)?;
    Err(Error::new(ErrorKind::Unauthorized, format!("{origin}, named by {named_by}, is not trusted yet"))
        .with_reason("untrusted")
        .with_hint(format!("If it is your agency, run `idse trust {origin}`."))
        .with("origin", origin))
}

/// Adds the origin of an address; returns it, and whether it is new.
///
/// # Errors
/// As [`origin`] and [`list`]; `Locked`, `Io`.
pub fn add(url: &str, context: &Context) -> Result<(String, bool)> {
    let origin = origin(url)?;
    let home = config_home(context)?;
    let (dir, rest) = deepest(home.clone())
        .ok_or_else(|| Error::new(ErrorKind::Io, format!("no folder of {} can be opened", home.display())))?;
    dir.create_private_dir(&inside(&rest, "idse"))?;
    let _lock = dir.lock(&inside(&rest, LOCK), context)?;
    let file = inside(&rest, FILE);
    let mut trusted = read(&dir, &file)?;
    if trusted.origins.contains(&origin) {
        return Ok((origin, false));
    }
    trusted.schema = 1;
    trusted.origins.push(origin.clone());
    let text = crate::state::to_file_text(&trusted);
    dir.replace_private(&file, text.as_bytes())?;
    Ok((origin, true))
}

fn read(dir: &Dir, file: &str) -> Result<Trusted> {
    let path = dir.path().join(file);
    let unusable = |why: String| {
        Error::new(ErrorKind::InvalidConfig, format!("{} cannot be used: {why}", path.display()))
            .with_hint("Mend or remove the file, then trust your agencies again.")
            .with("path", path.display().to_string())
    };
    match dir.read(file, LIMIT)? {
        Found::Absent => Ok(Trusted::default()),
        Found::Bytes(bytes) => serde_json::from_slice(&bytes).map_err(|error| unusable(error.to_string())),
        Found::Blocked(blocked) => Err(unusable(blocked.message)),
    }
}

fn config_home(context: &Context) -> Result<PathBuf> {
    let home = || {
        let home = context.env.home()?;
        Some(if cfg!(windows) { home.join("AppData").join("Roaming") } else { home.join(".config") })
    };
    // The XDG specification: a relative path is to be ignored.
    let configured = context.env.path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    configured.or_else(home).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidConfig,
            "there is no place for the list of trusted origins: HOME is not set",
        )
        .with_hint("Set HOME or XDG_CONFIG_HOME.")
    })
}

/// Opens the deepest folder of a path that is there, and returns what is below it.
fn deepest(path: PathBuf) -> Option<(Dir, String)> {
    let mut below: Vec<String> = Vec::new();
    let mut path = path.as_path();
    loop {
        if let Ok(dir) = Dir::open(path) {
            below.reverse();
            return Some((dir, below.join("/")));
        }
        below.push(path.file_name()?.to_str()?.to_owned());
        path = path.parent()?;
    }
}

fn inside(rest: &str, path: &str) -> String {
    if rest.is_empty() { path.to_owned() } else { format!("{rest}/{path}") }
}

/// Returns host and port; an IPv6 address keeps its brackets.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[end..].find(':') {
        None => Some((authority, None)),
        Some(at) => {
            let (host, port) = authority.split_at(end + at);
            match &port[1..] {
                "" => Some((host, None)),
                digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
                    Some((host, Some(digits.parse().ok()?)))
                }
                _ => None,
            }
        }
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        }
    }
}

fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns the address as it may be shown in a message.
fn without_user(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://***@{rest}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_canonical() {
        for (url, expected) in [
            ("https://Agency.Example/sync?x=1", "https://agency.example"),
            ("HTTPS://agency.example:443", "https://agency.example"),
            ("https://agency.example.:8443/", "https://agency.example:8443"),
            ("https://agency.example\\@evil.example", "https://agency.example"),
            ("http://localhost:8000/sync", "http://localhost:8000"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://[::1]:8000/", "http://[::1]:8000"),
        ] {
            assert_eq!(origin(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_safe_origin_is_refused() {
        for url in [
            "",
            "agency.example",
            "http://agency.example",
            "http://127.0.0.1.evil.example",
            "ftp://agency.example",
            "https://",
            "https://user:secret@agency.example",
            "https://agency.example@evil.example",
            "https://agency.example:port",
            "https://agency.example:99999",
            "https://agéncy.example",
            "https://[::1",
            "https://a b",
            "https://a\nb",
        ] {
            let error = origin(url).expect_err(url);
            assert_eq!((error.kind(), error.reason()), (ErrorKind::InvalidArgument, "origin"), "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    fn context(home: &std::path::Path) -> Context {
        let env = [("HOME", home.to_str().unwrap())].into_iter().collect();
        Context { env, ..Context::default() }
    }

    #[test]
    fn trust_is_kept_for_the_user() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path());
        assert!(!is_trusted("https://agency.example/sync", &context).unwrap());
        assert!(is_trusted("http://127.0.0.1:9/sync", &context).unwrap());
        let error = require("https://agency.example/sync", ".idseconfig.json", &context).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Unauthorized, "untrusted"));
        assert_eq!(error.get("origin"), Some("https://agency.example"));

        assert_eq!(
            add("https://agency.example/sync", &context).unwrap(),
            ("https://agency.example".into(), true)
        );
        assert_eq!(
            add("https://AGENCY.example:443", &context).unwrap(),
            ("https://agency.example".into(), false)
        );
        assert!(is_trusted("https://agency.example/other", &context).unwrap());
        assert!(!is_trusted("https://agency.example:8443", &context).unwrap());
        assert_eq!(list(&context).unwrap(), ["https://agency.example"]);
    }

    #[test]
    fn a_list_that_cannot_be_read_trusts_nobody() {
        let home = tempfile::tempdir().unwrap();
        let context = context(home.path());
        add("https://agency.example", &context).unwrap();
        let dir = Dir::open(home.path()).unwrap();
        dir.replace(".config/idse/trusted.json", b"{\"origins\": 3}").unwrap();
        assert_eq!(
            is_trusted("https://agency.example", &context).unwrap_err().kind(),
            ErrorKind::InvalidConfig
        );
        assert_eq!(add("https://other.example", &context).unwrap_err().kind(), ErrorKind::InvalidConfig);
        assert_eq!(
            dir.read(".config/idse/trusted.json", LIMIT).unwrap(),
            Found::Bytes(b"{\"origins\": 3}".to_vec())
        );
    }
}
