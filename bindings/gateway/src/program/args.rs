//! The command line: what the gateway is told, and where it comes from.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use idse_core::{Context, Result};
use idse_gateway::store::{self, Store};

/// The HTTP gateway of idse: one agency for everybody who speaks the sync protocol
#[derive(Debug, Parser)]
#[command(
    name = "idse-gateway",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  idse-gateway                                       this machine alone, the agency of idse itself
  idse-gateway --store sqlite:/srv/agency.db --listen 0.0.0.0:8000 --tokens /etc/idse/tokens
  idse-gateway token alice --scope read,write        make a token
  idse-gateway displaced --project customer-portal   what pushes without `base` replaced"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the texts that pushes without `base` replaced, or print one of them
    Displaced(Displaced),
    /// Make a token, and the line for the file of --tokens
    Token(Token),
}

/// Where the agency is.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreArgs {
    /// The agency: `sqlite:PATH`, or `supabase` with SUPABASE_URL and SUPABASE_SECRET_KEY in the environment;
    /// without it the one that idse uses by itself
    #[arg(long, value_name = "STORE", env = "IDSE_GATEWAY_STORE")]
    pub(crate) store: Option<String>,
    /// The folder for displaced texts of `--store supabase`  [default: beside the data of idse]
    #[arg(long, value_name = "DIR", env = "IDSE_GATEWAY_DISPLACED")]
    pub(crate) displaced: Option<PathBuf>,
}

impl StoreArgs {
    pub(crate) fn open(&self, context: &Context) -> Result<Box<dyn Store>> {
        store::open(self.store.as_deref(), self.displaced.as_deref(), context)
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Where to listen; other machines only together with authentication
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8000", env = "IDSE_GATEWAY_LISTEN")]
    pub(crate) listen: SocketAddr,
    /// Refuse pushes that do not say which texts they replace
    #[arg(long)]
    pub(crate) require_base: bool,
    /// A file of static tokens, as `idse-gateway token` makes them
    #[arg(long, value_name = "FILE", env = "IDSE_GATEWAY_TOKENS")]
    pub(crate) tokens: Option<PathBuf>,
    /// A file with the secret of HS256 tokens; or the variable IDSE_GATEWAY_JWT_SECRET
    #[arg(long, value_name = "FILE")]
    pub(crate) jwt_secret_file: Option<PathBuf>,
    /// Where the public keys of RS256 and ES256 tokens are published
    #[arg(long, value_name = "URL", env = "IDSE_GATEWAY_JWKS")]
    pub(crate) jwks: Option<String>,
    /// The `iss` that tokens must have
    #[arg(long, value_name = "TEXT", env = "IDSE_GATEWAY_JWT_ISSUER")]
    pub(crate) jwt_issuer: Option<String>,
    /// The `aud` that tokens must have
    #[arg(long, value_name = "TEXT", default_value = "authenticated", env = "IDSE_GATEWAY_JWT_AUDIENCE")]
    pub(crate) jwt_audience: String,
    /// A value of `role` that is let in; may be given more than once
    #[arg(long, value_name = "ROLE", default_value = "authenticated")]
    pub(crate) jwt_role: Vec<String>,
    /// A host name that the gateway goes by; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<String>,
    /// An origin whose pages may call the gateway, as https://app.example; may be given more than once
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) cors_origin: Vec<String>,
    /// Requests a minute for each caller; 0 is no limit  [default: 600 with authentication, else 0]
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<u32>,
    /// How many seconds a request may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) request_time: u64,
    /// How many seconds what was begun may take at the end
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub(crate) grace: u64,
    /// Where Prometheus reads the metrics; without it nowhere
    #[arg(long, value_name = "ADDRESS", env = "IDSE_GATEWAY_METRICS")]
    pub(crate) metrics: Option<SocketAddr>,
    /// The form of the log on standard error
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogForm::Text, env = "IDSE_GATEWAY_LOG")]
    pub(crate) log: LogForm,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Displaced {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Only those of this project, by its name or id
    #[arg(long, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// One JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the text of this entry, byte for byte
    pub(crate) id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    /// Whose token it is
    pub(crate) name: String,
    /// What it allows: read, write, or read,write
    #[arg(long, value_name = "SCOPES", default_value = "read,write")]
    pub(crate) scope: String,
}
