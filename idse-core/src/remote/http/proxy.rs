//! Proxies: which one the environment names for an origin.
//!
//! Only https goes through one: the proxy then carries a sealed tunnel and sees no key. Plain http stays on this
//! machine, so it never does.

use ureq::{Proxy, ProxyProtocol};

use crate::context::Env;
use crate::error::{Error, ErrorKind, Result};

/// Returns the proxy for an origin: `HTTPS_PROXY`, else `ALL_PROXY`, in either case, unless `NO_PROXY` names it.
pub(super) fn of(origin: &str, env: &Env) -> Result<Option<Proxy>> {
    let Some(authority) = origin.strip_prefix("https://") else { return Ok(None) };
    if is_direct(authority, env) {
        return Ok(None);
    }
    let named = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let Some((name, value)) = named.iter().find_map(|name| Some((*name, env.get(name)?))) else {
        return Ok(None);
    };
    let unusable = |why: &str| {
        // The value may carry a password.
        Error::new(ErrorKind::InvalidConfig, format!("the environment variable {name} names no proxy: {why}"))
            .with_reason("proxy")
            .with_hint("Give it as http://HOST:PORT, or take the agency's host into NO_PROXY.")
            .with("key", name)
    };
    let proxy = Proxy::new(value.trim()).map_err(|_| unusable("it is no address"))?;
    match proxy.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => Ok(Some(proxy)),
        _ => Err(unusable("only http and https proxies are supported")),
    }
}

fn is_direct(authority: &str, env: &Env) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let list = env.get("NO_PROXY").or_else(|| env.get("no_proxy")).unwrap_or_default();
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| covers(entry, host))
}

/// As curl reads it: a name covers itself and everything below it.
fn covers(entry: &str, host: &str) -> bool {
    let entry = entry.to_ascii_lowercase();
    let name = entry.trim_start_matches('*').trim_start_matches('.');
    entry == "*"
        || (!name.is_empty()
            && host.strip_suffix(name).is_some_and(|above| above.is_empty() || above.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(origin: &str, pairs: &[(&str, &str)]) -> Option<String> {
        let env: Env = pairs.iter().copied().collect();
        of(origin, &env).unwrap().map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn the_environment_names_the_proxy_of_https_alone() {
        let named = [("HTTPS_PROXY", "http://proxy.example:3128"), ("ALL_PROXY", "http://other.example")];
        assert_eq!(proxy("https://agency.example", &named).as_deref(), Some("proxy.example:3128"));
        assert_eq!(proxy("http://127.0.0.1:3000", &named), None);
        assert_eq!(proxy("https://agency.example", &[("HTTP_PROXY", "http://proxy.example")]), None);
        let lower = [("all_proxy", "proxy.example:8080")];
        assert_eq!(proxy("https://agency.example", &lower).as_deref(), Some("proxy.example:8080"));
    }

    #[test]
    fn no_proxy_covers_a_name_and_what_is_below_it() {
        for (list, is_direct) in [
            ("agency.example", true),
            ("example", true),
            (".example", true),
            ("*.example", true),
            ("other.example, agency.example", true),
            ("*", true),
            ("gency.example", false),
            ("agency", false),
            ("", false),
            (",", false),
        ] {
            let named = [("HTTPS_PROXY", "http://proxy.example:3128"), ("NO_PROXY", list)];
            assert_eq!(proxy("https://agency.example:8443", &named).is_none(), is_direct, "{list:?}");
        }
    }

    #[test]
    fn a_proxy_that_is_none_is_refused_without_its_password() {
        for value in ["socks5://user:hunter2@proxy.example", "http://user:hunter2@", "gopher://hunter2"] {
            let env: Env = [("HTTPS_PROXY", value)].into_iter().collect();
            let error = of("https://agency.example", &env).unwrap_err();
            assert_eq!((error.kind(), error.reason()), (ErrorKind::InvalidConfig, "proxy"), "{value}");
            assert!(!error.to_json().to_string().contains("hunter2"), "{error}");
        }
    }
}
