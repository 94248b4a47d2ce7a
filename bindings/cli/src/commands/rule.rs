//! `idse rule`.

use clap::Args;
use idse_core::Result;
use idse_core::rules::{self, RuleInfo};
use serde_json::{Value, json};

use crate::app::App;
use crate::exit::Exit;
use crate::page::Page;

/// Explain a rule, or list them all
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse rule
  idse rule IDSE101
  idse rule requires-input --json")]
pub(crate) struct Rule {
    /// A code (IDSE101) or a name (requires-input)
    code: Option<String>,
}

pub(crate) fn run(app: &App, args: &Rule) -> Result<Exit> {
    match &args.code {
        Some(code) => {
            let rule = rules::explain(code)?;
            app.output.answer("rule", &fields(&rule), |page| page.line(rule.page.trim_end()))?;
        }
        None => {
            let rules = rules::all();
            let answer = json!({ "rules": rules.iter().map(fields).collect::<Vec<_>>() });
            app.output.answer("rules", &answer, |page| table(page, &rules))?;
        }
    }
    Ok(Exit::DONE)
}

fn severity(rule: &RuleInfo) -> &'static str {
    rule.severity.map_or("off", |severity| severity.name())
}

fn fields(rule: &RuleInfo) -> Value {
    json!({
        "code": rule.code,
        "name": rule.name,
        "severity": severity(rule),
        "summary": rule.summary,
        "page": rule.page,
    })
}

fn table(page: &mut Page, rules: &[RuleInfo]) {
    let rows: Vec<[String; 4]> = rules
        .iter()
        .map(|rule| [rule.code.into(), rule.name.into(), severity(rule).into(), rule.summary.into()])
        .collect();
    page.table(["Code", "Name", "Severity", "Summary"], &rows);
}
