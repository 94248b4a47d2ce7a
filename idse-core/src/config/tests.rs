#![expect(clippy::disallowed_methods, reason = "a test writes the files that the engine reads")]

use std::fs;

use super::*;
use crate::error::{Error, ErrorKind};

struct Fixture {
    root: tempfile::TempDir,
    home: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), home: tempfile::tempdir().unwrap() }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let fixture = Self::new();
        for (path, text) in files {
            let path = match path.strip_prefix("~/") {
                Some(rest) => fixture.home.path().join(rest),
                None => fixture.root.path().join(path),
            };
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fixture
    }

    fn context(&self, variables: &[(&str, &str)]) -> Context {
        let home = self.home.path().to_str().unwrap();
        let all = [("HOME", home), ("USERPROFILE", home)].into_iter().chain(variables.iter().copied());
        Context { env: all.collect(), ..Context::default() }
    }

    fn load(&self) -> Result<Settings> {
        Settings::load(self.root.path(), Some(&"demo".parse().unwrap()), &self.context(&[]))
    }

    fn address(&self, flag: Option<&str>, variables: &[(&str, &str)]) -> Result<Setting<RemoteAddress>> {
        let context = self.context(variables);
        Settings::load(self.root.path(), None, &context)?.remote_address(flag, &context)
    }

    fn path(&self, rel: &str) -> RemoteAddress {
        RemoteAddress::Sqlite(self.root.path().join(rel))
    }
}

fn refused(files: &[(&str, &str)]) -> Error {
    let error = Fixture::with(files).load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    error
}

#[test]
fn without_files_everything_is_a_default() {
    let settings = Fixture::new().load().unwrap();
    assert_eq!(settings.limits, Limits::default());
    assert!(settings.marker && settings.remote.is_none() && settings.warnings.is_empty());
    assert!(settings.entries.is_empty());
}

#[test]
fn the_nearest_file_wins_key_by_key() {
    let id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    let fixture = Fixture::with(&[
        (
            ".idse/projects/demo/.idse/config.json",
            &format!(r#"{{"project_id": "{id}", "limits": {{"connect_seconds": 1}}}}"#),
        ),
        (".idseconfig.json", r#"{"agent": "root", "limits": {"connect_seconds": 2, "request_seconds": 2}}"#),
        (
            ".idse/config.json",
            r#"{"agent": "shared", "sync": {"marker": false}, "last_sync": "x", "agency_url": null}"#,
        ),
        ("~/.idseconfig.json", r#"{"agent": "user", "limits": {"request_seconds": 3, "artifact_bytes": 3}}"#),
        (
            "~/.config/idse/config.json",
            r#"{"validate": {"gate": "strict"}, "limits": {"artifact_bytes": 4}}"#,
        ),
    ]);
    let settings = fixture.load().unwrap();
    assert_eq!(settings.project_id.unwrap().value.to_string(), id);
    assert_eq!(settings.agent.unwrap().origin, Origin::File(".idseconfig.json".into()));
    assert_eq!(
        settings.limits,
        Limits { connect_seconds: 1, request_seconds: 2, artifact_bytes: 3, ..Limits::default() }
    );
    assert!(!settings.marker);
    assert_eq!(settings.validate.gate, Gate::Strict);
    assert_eq!(settings.warnings, [""; 0]);
    let connect: Vec<_> =
        settings.entries.iter().filter(|(key, _)| key == "limits.connect_seconds").collect();
    assert_eq!(connect.len(), 1);
    assert_eq!(connect[0].1.value, "1");
}

#[test]
fn rule_settings_are_read() {
    let settings = Fixture::with(&[(
        ".idseconfig.json",
        r#"{"validate": {"select": ["IDSE1"], "ignore": ["IDSE103"], "severity": {"IDSE302": "warning", "IDSE102": "off"},
            "sections": {"spec": ["Risks", ["Scope", "In scope"]]}, "gate": "off"}}"#,
    )])
    .load()
    .unwrap()
    .validate;
    assert_eq!(settings.select, ["IDSE1"]);
    assert_eq!(settings.ignore, ["IDSE103"]);
    assert_eq!(settings.severity["IDSE302"], Some(Severity::Warning));
    assert_eq!(settings.severity["IDSE102"], None);
    assert_eq!(
        settings.sections[&Stage::Spec],
        [vec!["Risks".to_owned()], vec!["Scope".into(), "In scope".into()]]
    );
    assert_eq!(settings.gate, Gate::Off);
}

#[test]
fn a_wrong_value_names_the_file_and_the_key() {
    for (text, key) in [
        (r#"{"mode": "online"}"#, "mode"),
        (r#"{"mode": 1}"#, "mode"),
        (r#"{"mcp_endpoint": ["x"]}"#, "mcp_endpoint"),
        (r#"{"project_id": "abc-123"}"#, "project_id"),
        (r#"{"supabase_project": "a.b/c"}"#, "supabase_project"),
        (r#"{"agent": "a\u0007"}"#, "agent"),
        (r#"{"validate": []}"#, "validate"),
        (r#"{"validate": {"select": "IDSE1"}}"#, "validate.select"),
        (r#"{"validate": {"severity": {"IDSE101": "fatal"}}}"#, "validate.severity.IDSE101"),
        (r#"{"validate": {"sections": {"specs": []}}}"#, "validate.sections.specs"),
        (r#"{"validate": {"sections": {"spec": [[]]}}}"#, "validate.sections.spec"),
        (r#"{"validate": {"gate": "maybe"}}"#, "validate.gate"),
        (r#"{"sync": {"marker": "yes"}}"#, "sync.marker"),
        (r#"{"limits": {"artifact_bytes": 0}}"#, "limits.artifact_bytes"),
        (r#"{"limits": {"artifact_bytes": 1e30}}"#, "limits.artifact_bytes"),
        (r#"{"limits": {"connect_seconds": -1}}"#, "limits.connect_seconds"),
    ] {
        for file in [".idseconfig.json", ".idse/config.json"] {
            let error = refused(&[(file, text)]);
            assert!(error.message().starts_with(&format!("{file}: `{key}` must be ")), "{text}: {error}");
            assert_eq!((error.get("path"), error.get("key")), (Some(file), Some(key)));
        }
    }
}

#[test]
fn broken_json_is_named_with_its_place() {
    let error = refused(&[(".idseconfig.json", "{\n  \"mode\": offline\n}")]);
    assert!(
        error.message().contains(".idseconfig.json") && error.message().ends_with("line 2, column 11"),
        "{error}"
    );
    assert!(refused(&[(".idseconfig.json", "[]")]).message().contains("not a JSON object"));
    assert!(refused(&[(".idseconfig.json", "")]).message().contains("not valid JSON"));
    let bom = Fixture::with(&[(".idseconfig.json", "\u{feff}{\"agent\": \"a\"}")]);
    assert_eq!(bom.load().unwrap().agent.unwrap().value, "a");
}

#[test]
fn an_unknown_key_is_a_warning_with_the_nearest_known_one() {
    let fixture = Fixture::with(&[(
        ".idseconfig.json",
        r#"{"mcp_endpont": "x", "limits": {"zzz": 1}, "$schema": "x"}"#,
    )]);
    let warnings = fixture.load().unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("did you mean `mcp_endpoint`?"), "{warnings:?}");
    assert!(warnings[1].contains("`limits.zzz`"), "{warnings:?}");
}

#[test]
fn a_secret_in_a_shared_file_is_refused_and_not_repeated() {
    let token = "eyJhbGciOiJIUzI1NiJ9.e30.abc";
    for text in [
        r#"{"supabase_key": "hunter2hunter2"}"#.to_owned(),
        r#"{"SUPABASE_SERVICE_ROLE_KEY": "hunter2hunter2"}"#.to_owned(),
        r#"{"anything": "sb_secret_hunter2hunter2"}"#.to_owned(),
        format!(r#"{{"agent": "{token}"}}"#),
        format!(r#"{{"a": {{"b": ["{token}"]}}}}"#),
    ] {
        let error = refused(&[(".idseconfig.json", &text)]);
        assert_eq!(error.reason(), "secret");
        let all = format!("{error} {error:?} {}", error.to_json());
        assert!(!all.contains("hunter2") && !all.contains(token), "{all}");
    }
    let mine = Fixture::with(&[("~/.idseconfig.json", r#"{"supabase_key": "sb_secret_hunter2"}"#)]);
    let settings = mine.load().unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn the_embedded_agency_is_the_default() {
    let fixture = Fixture::new();
    let address = fixture.address(None, &[]).unwrap();
    assert_eq!(address.origin, Origin::Default);
    let home = fixture.home.path().join(".local/share/idse/agency.db");
    assert_eq!(address.value, RemoteAddress::Sqlite(home));
    let data = fixture.root.path().to_str().unwrap();
    let address = fixture.address(None, &[("XDG_DATA_HOME", data)]).unwrap();
    assert_eq!(address.value, fixture.path("idse/agency.db"));
    let homeless = Settings::default().remote_address(None, &Context::default()).unwrap_err();
    assert_eq!(homeless.kind(), ErrorKind::InvalidConfig);
}

#[test]
fn the_flag_beats_the_environment_beats_the_files() {
    let fixture = Fixture::with(&[
        (".idseconfig.json", r#"{"mcp_endpoint": "sqlite:file.db"}"#),
        (".env", "export IDSE_REMOTE='sqlite:dotenv.db'\nSUPABASE_SERVICE_ROLE_KEY=x\nBROKEN LINE\n"),
    ]);
    let env = [("IDSE_REMOTE", "sqlite:env.db")];
    assert_eq!(fixture.address(Some("sqlite:flag.db"), &env).unwrap().value, fixture.path("flag.db"));
    assert_eq!(fixture.address(None, &env).unwrap().value, fixture.path("env.db"));
    let dotenv = fixture.address(None, &[]).unwrap();
    assert_eq!((dotenv.value, dotenv.origin), (fixture.path("dotenv.db"), Origin::File(".env".into())));
    fs::remove_file(fixture.root.path().join(".env")).unwrap();
    let file = fixture.address(None, &[("SUPABASE_URL", "https://x.supabase.co")]).unwrap();
    assert_eq!((file.value, file.origin), (fixture.path("file.db"), Origin::File(".idseconfig.json".into())));
    let home = fixture.address(Some("sqlite:~/a.db"), &[]).unwrap().value;
    assert_eq!(home, RemoteAddress::Sqlite(fixture.home.path().join("a.db")));
}

#[test]
fn a_dotenv_line_never_brings_in_the_process_environment() {
    let fixture = Fixture::with(&[(".env", "IDSE_REMOTE=sqlite:${PATH}\nIDSE_AGENT=mallory\n")]);
    let settings = fixture.load().unwrap();
    assert!(settings.remote.is_none() && settings.agent.is_none());
    assert_eq!(settings.warnings.len(), 1);
}

#[test]
fn a_gateway_is_opened_once_it_is_trusted() {
    let files = [(".idseconfig.json", r#"{"mcp_endpoint": "https://me:pw@MCP.example:443/sync/?k=pw"}"#)];
    let fixture = Fixture::with(&files);
    let setting = fixture.address(None, &[]).unwrap();
    assert_eq!(setting.value.info().address, "https://mcp.example/sync");
    let context = fixture.context(&[]);
    let Err(error) = setting.value.open(&context) else { panic!("nobody trusts it yet") };
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Unauthorized, "untrusted"));
    assert!(!error.to_json().to_string().contains("pw"), "{error}");
    crate::trust::add("https://mcp.example", &context).unwrap();
    assert_eq!(setting.value.open(&context).unwrap().info(), setting.value.info());
    let same = Fixture::with(&[(".idse/config.json", r#"{"agency_url": "https://mcp.example"}"#)]);
    assert_eq!(same.address(None, &[]).unwrap().value.info().key, setting.value.info().key);
}

#[test]
fn a_supabase_project_is_known_by_any_of_its_names() {
    let address = "https://spxovndsgpzvcztbkjel.supabase.co";
    for (files, variables, flag, origin) in [
        (
            vec![(".idse/config.json", r#"{"supabase_project": "spxovndsgpzvcztbkjel"}"#)],
            vec![],
            None,
            ".idse/config.json",
        ),
        (
            vec![(".idseconfig.json", r#"{"supabase_url": "https://SPXOVNDSGPZVCZTBKJEL.supabase.co/"}"#)],
            vec![],
            None,
            ".idseconfig.json",
        ),
        (
            vec![(".env", "export SUPABASE_URL='https://spxovndsgpzvcztbkjel.supabase.co'")],
            vec![],
            None,
            ".env",
        ),
        (vec![], vec![("SUPABASE_URL", address)], None, "the environment variable SUPABASE_URL"),
        (
            vec![],
            vec![("IDSE_REMOTE", "supabase"), ("SUPABASE_URL", address)],
            None,
            "the environment variable SUPABASE_URL",
        ),
        (vec![], vec![], Some("https://spxovndsgpzvcztbkjel.supabase.co/rest/v1"), "the option --remote"),
    ] {
        let setting = Fixture::with(&files).address(flag, &variables).unwrap();
        assert_eq!(setting.origin.to_string(), origin);
        assert!(matches!(setting.value, RemoteAddress::Supabase(_)), "{setting:?}");
        let shown = setting.value.info().address;
        assert_eq!(shown, address);
    }
    let bare = Fixture::new().address(Some("http://127.0.0.1:54321/rest/v1"), &[]).unwrap();
    assert_eq!(bare.value.info().address, "http://127.0.0.1:54321");
    let none = Fixture::new().address(Some("supabase"), &[]).unwrap_err();
    assert_eq!((none.kind(), none.reason()), (ErrorKind::InvalidArgument, "remote"));
    for wrong in ["http://agency.example", "https://", "https://a b"] {
        let fixture = Fixture::new();
        assert_eq!(
            fixture.address(Some(wrong), &[]).unwrap_err().kind(),
            ErrorKind::InvalidArgument,
            "{wrong}"
        );
        let error = fixture.address(None, &[("SUPABASE_URL", wrong)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{wrong}");
    }
}

const HOME: &str = "https://home.supabase.co";
const EVIL: &str = "https://evil.supabase.co";

fn open(
    fixture: &Fixture,
    flag: Option<&str>,
    variables: &[(&str, &str)],
) -> Result<(), (ErrorKind, &'static str)> {
    let context = fixture.context(variables);
    let address = fixture.address(flag, variables).unwrap().value;
    address.open(&context).map(drop).map_err(|error| {
        assert!(!error.to_json().to_string().contains("canary"), "{error}");
        (error.kind(), error.reason())
    })
}

#[test]
fn a_workspace_names_no_place_for_a_secret() {
    const UNTRUSTED: (ErrorKind, &str) = (ErrorKind::Unauthorized, "untrusted");
    let key = ("SUPABASE_ANON_KEY", "canary-key");
    let named: [&[(&str, &str)]; 4] = [
        &[(".idseconfig.json", r#"{"supabase_url": "https://evil.supabase.co"}"#)],
        &[(".idse/config.json", r#"{"supabase_project": "evil"}"#)],
        &[(".env", "SUPABASE_URL=https://evil.supabase.co")],
        &[(".env", "SUPABASE_URL=https://evil.supabase.co\nSUPABASE_ANON_KEY=canary-of-file")],
    ];
    for files in named {
        let fixture = Fixture::with(files);
        assert_eq!(open(&fixture, None, &[]), Err(UNTRUSTED), "{files:?}");
        assert_eq!(open(&fixture, None, &[key]), Err(UNTRUSTED), "{files:?}");
        assert_eq!(open(&fixture, None, &[("IDSE_TOKEN", "canary")]), Err(UNTRUSTED), "{files:?}");
        // What the process says about another place changes nothing.
        assert_eq!(open(&fixture, Some(EVIL), &[key, ("SUPABASE_URL", HOME)]), Err(UNTRUSTED), "{files:?}");
        crate::trust::add(EVIL, &fixture.context(&[])).unwrap();
        assert_eq!(open(&fixture, None, &[key]), Ok(()), "{files:?}");
    }
}

#[test]
fn a_secret_goes_only_where_it_belongs() {
    const NO_KEY: (ErrorKind, &str) = (ErrorKind::Unauthorized, "no_key");
    let key = ("SUPABASE_SERVICE_ROLE_KEY", "canary-key");
    let fixture = Fixture::new();
    assert_eq!(open(&fixture, None, &[key, ("SUPABASE_URL", HOME)]), Ok(()));
    assert_eq!(open(&fixture, None, &[("SUPABASE_URL", HOME)]), Err(NO_KEY));
    assert_eq!(open(&fixture, Some(HOME), &[key, ("SUPABASE_URL", HOME)]), Ok(()));
    assert_eq!(open(&fixture, Some(EVIL), &[key]), Err((ErrorKind::Unauthorized, "untrusted")));
    // A key in `.env` is for the address in `.env`, and for no other.
    let file = Fixture::with(&[(".env", "SUPABASE_ANON_KEY=\"canary-of-file\"\n")]);
    assert_eq!(open(&file, None, &[("SUPABASE_URL", HOME)]), Err(NO_KEY));
    assert_eq!(open(&file, Some(HOME), &[]), Err(NO_KEY));
    let both = Fixture::with(&[(
        ".env",
        "SUPABASE_URL=https://home.supabase.co\nSUPABASE_ANON_KEY=canary-of-file\n",
    )]);
    crate::trust::add(HOME, &both.context(&[])).unwrap();
    assert_eq!(open(&both, None, &[]), Ok(()));
    assert!(!format!("{:?}", both.load().unwrap()).contains("canary"));
    // On this machine nothing has to be trusted, and a server may want no key.
    assert_eq!(open(&fixture, Some("http://127.0.0.1:9/rest/v1"), &[]), Ok(()));
}

#[cfg(unix)]
#[test]
fn the_file_of_secrets_is_for_its_owner_alone_and_bound_to_origins() {
    use std::os::unix::fs::PermissionsExt as _;
    let text = r#"{"https://home.supabase.co": {"key": "canary-key"}}"#;
    let fixture = Fixture::with(&[("~/.config/idse/credentials.json", text)]);
    let path = fixture.home.path().join(".config/idse/credentials.json");
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    assert_eq!(open(&fixture, Some(HOME), &[]), Err((ErrorKind::InvalidConfig, "secret")));
    mode(0o600);
    assert_eq!(open(&fixture, Some(HOME), &[]), Ok(()));
    assert_eq!(open(&fixture, Some(EVIL), &[]), Err((ErrorKind::Unauthorized, "no_key")));
    fs::write(&path, r#"{"https://home.supabase.co": "canary"}"#).unwrap();
    assert_eq!(open(&fixture, Some(HOME), &[]), Err((ErrorKind::InvalidConfig, "secret")));
}

#[test]
fn what_is_no_address_is_refused() {
    for garbage in ["", "agency.db", "sqlite:", "ftp://x", "sqlite:a\0b"] {
        let fixture = Fixture::new();
        assert_eq!(
            fixture.address(Some(garbage), &[]).unwrap_err().kind(),
            ErrorKind::InvalidArgument,
            "{garbage:?}"
        );
        if !garbage.is_empty() && !garbage.contains('\0') {
            let error = fixture.address(None, &[("IDSE_REMOTE", garbage)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{garbage:?}");
        }
    }
}

#[test]
fn a_workspace_names_no_file_outside_of_itself() {
    for path in
        ["../agency.db", "/tmp/agency.db", "~/agency.db", "a/../../b.db", ".", "link/agency.db", "file.db"]
    {
        let text = format!(r#"{{"mcp_endpoint": "sqlite:{path}"}}"#);
        let fixture = Fixture::with(&[(".idseconfig.json", &text)]);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(fixture.home.path(), fixture.root.path().join("link")).unwrap();
            std::os::unix::fs::symlink("inside.db", fixture.root.path().join("file.db")).unwrap();
        }
        let error = fixture.address(None, &[]).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::InvalidConfig, "untrusted"), "{path}");
    }
    let inside = Fixture::with(&[(".idseconfig.json", r#"{"mcp_endpoint": "sqlite:.idse/agency.db"}"#)]);
    assert_eq!(inside.address(None, &[]).unwrap().value, inside.path(".idse/agency.db"));
    let mine = Fixture::with(&[("~/.idseconfig.json", r#"{"mcp_endpoint": "sqlite:/tmp/agency.db"}"#)]);
    assert_eq!(mine.address(None, &[]).unwrap().value, RemoteAddress::Sqlite("/tmp/agency.db".into()));
}

#[cfg(unix)]
#[test]
fn a_linked_dotenv_is_ignored_and_a_linked_configuration_is_refused() {
    let fixture = Fixture::new();
    let link = |name| std::os::unix::fs::symlink("/dev/zero", fixture.root.path().join(name)).unwrap();
    link(".env");
    assert!(fixture.load().unwrap().warnings[0].contains(".env"));
    link(".idseconfig.json");
    assert_eq!(fixture.load().unwrap_err().kind(), ErrorKind::InvalidConfig);
}

#[test]
fn the_schema_and_the_engine_know_the_same_keys() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../schemas/config.schema.json")).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        let keys = value["properties"].as_object().unwrap().keys();
        let mut keys: Vec<_> = keys.filter(|key| *key != "$schema").cloned().collect();
        keys.sort();
        keys
    };
    let known = |keys: &[&str]| {
        let mut keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&schema), known(&values::KEYS));
    for (key, names) in
        [("validate", &values::VALIDATE[..]), ("sync", &values::SYNC), ("limits", &values::LIMITS)]
    {
        assert_eq!(keys(&schema["properties"][key]), known(names));
    }
}
