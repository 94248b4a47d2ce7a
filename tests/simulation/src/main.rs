//! `simulation`: runs as many seeds as it is told, and says how many a second.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program")]

use std::process::ExitCode;

use clap::Parser;
use idse_simulation::{Story, run_many, run_one};

/// Runs seeded stories of clients, an agency and everything that goes wrong between them. Those that ended badly once
/// come first. Ends with 1 where a story ended badly; it is then kept in `seeds.txt`.
#[derive(Parser)]
struct Args {
    /// How many seeds, from zero on.
    #[arg(default_value_t = 20_000)]
    seeds: u64,
    /// Runs this one story and tells what happened: a seed, or a seed and a length as in `seeds.txt`.
    #[arg(long, value_name = "STORY", conflicts_with = "seeds")]
    tell: Option<Story>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(story) = args.tell {
        let (log, ended) = run_one(story);
        println!("{}", log.join("\n"));
        return match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{story}: {why}");
                ExitCode::FAILURE
            }
        };
    }
    let summary = run_many(args.seeds);
    let seconds = summary.took.as_secs_f64();
    println!(
        "{} stories in {seconds:.1} s, {:.0} a second; all agree after at most {} rounds",
        summary.stories,
        summary.stories as f64 / seconds,
        summary.rounds
    );
    for (story, why) in &summary.failures {
        eprintln!(
            "{story}: {why}\n  all of it: cargo run --profile checked -p idse-simulation -- --tell '{story}'"
        );
    }
    if summary.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
