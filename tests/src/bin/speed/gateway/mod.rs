//! The gateway: what it takes from eight clients, beside what the same PostgREST takes without it.

mod load;
mod process;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use idse_tests::stack::{Layout, Stack};

use self::load::{Direct, Load, Ours, Theirs, Wire};
use self::process::{Gateway, Nginx};
use crate::Setting;
use crate::client::{Client, Head};
use crate::measure::{median, millis};
use crate::table::Table;
use crate::tree::remake;

/// How long each load lasts.
const TIME: Duration = Duration::from_secs(3);
/// What is left, at least, of what PostgREST takes without the gateway.
const PUSHES: f64 = 0.7;
const PULLS: f64 = 0.8;
const EXISTING: f64 = 0.4;
/// Milliseconds for 99 of 100 looks at the health of a gateway under load, and from its start until it is ready.
const HEALTH: f64 = 20.0;
const START: f64 = 100.0;
/// Memory in MiB, after the start and at most.
const IDLE: f64 = 40.0;
const BUSY: f64 = 120.0;

pub(crate) fn measure(setting: &Setting, table: &mut Table) {
    let folder = setting.folder.join("gateway");
    remake(&folder);
    let layout = Layout::Deployed;
    match Nginx::start(&folder, layout) {
        Some(nginx) => supabase(setting, &folder, &nginx, table),
        None => {
            eprintln!("skipped: the gateway before Supabase, as nginx is not installed (Debian: nginx)");
            table.plain("the gateway before Supabase", "skipped: nginx is missing".to_owned());
        }
    }
    embedded(setting, &folder, table);
}

/// The gateway before nginx and PostgREST, and PostgREST behind the same nginx without it.
fn supabase(setting: &Setting, folder: &Path, nginx: &Nginx, table: &mut Table) {
    let keys = Stack::shared().keys();
    let (url, service) = (format!("http://{}", nginx.address), keys.service());
    let variables = [("SUPABASE_URL", url.as_str()), ("SUPABASE_SERVICE_ROLE_KEY", service.as_str())];
    let start = || Gateway::start(&setting.gateway, folder, "supabase", &variables);
    begin("gateway before Supabase", setting, start, table);
    let gateway = start();
    idle("gateway before Supabase", &gateway, table);
    let ids = load::projects(&gateway);
    let direct = Direct::new(nginx.address, &service);
    let (ours, theirs) = (Ours::new(&gateway.url()), Theirs::new(gateway.address));
    let wire = Wire::new(gateway.address);
    let mut rates: [Vec<f64>; 8] = Default::default();
    let mut health = Vec::new();
    for _ in 0..setting.rounds.min(3) {
        let loads: [&dyn Load; 8] = [
            &direct.pushes(false),
            &direct.pushes(true),
            &wire.pushes(),
            &ours.pushes(),
            &direct.pulls(),
            &wire.pulls(),
            &ours.pulls(),
            &theirs.pushes(),
        ];
        for (load, rates) in loads.into_iter().zip(&mut rates) {
            if load.is_through_gateway() {
                health.extend(looks(&gateway, || rates.push(load.rate(TIME, &ids))));
            } else {
                rates.push(load.rate(TIME, &ids));
            }
        }
    }
    let [bare, echoed, push, our_push, bare_pull, pull, our_pull, existing] = rates.map(middle);
    let without = "PostgREST behind nginx without a gateway";
    table.rate("pushes as our client sends them, through the gateway", push, (without, echoed), PUSHES);
    table.rates("the same, against pushes whose answer is empty", push, (without, bare));
    table.rates("the same, and our client's own work beside it", our_push, (without, echoed));
    table.rate("pulls as our client sends them, through the gateway", pull, (without, bare_pull), PULLS);
    table.rates("the same, and our client's own work beside it", our_pull, (without, bare_pull));
    table.rate("pushes of an existing client through the gateway", existing, (without, echoed), EXISTING);
    busy("gateway before Supabase", &gateway, health, table);
}

/// The same over the embedded store.
fn embedded(setting: &Setting, folder: &Path, table: &mut Table) {
    let store = format!("sqlite:{}", folder.join("agency.db").display());
    let start = || Gateway::start(&setting.gateway, folder, &store, &[]);
    begin("gateway over SQLite", setting, start, table);
    let gateway = start();
    idle("gateway over SQLite", &gateway, table);
    let ids = load::projects(&gateway);
    let (ours, theirs) = (Ours::new(&gateway.url()), Theirs::new(gateway.address));
    let mut rates: [Vec<f64>; 3] = Default::default();
    let mut health = Vec::new();
    for _ in 0..setting.rounds.min(3) {
        let loads: [&dyn Load; 3] = [&ours.pushes(), &ours.pulls(), &theirs.pushes()];
        for (load, rates) in loads.into_iter().zip(&mut rates) {
            health.extend(looks(&gateway, || rates.push(load.rate(TIME, &ids))));
        }
    }
    let whats = ["pushes of our client", "pulls of our client", "pushes of an existing client"];
    for (what, rates) in whats.into_iter().zip(rates) {
        table.plain(&format!("gateway over SQLite: {what}"), format!("{:.0}/s", middle(rates)));
    }
    busy("gateway over SQLite", &gateway, health, table);
}

fn begin(what: &str, setting: &Setting, start: impl Fn() -> Gateway, table: &mut Table) {
    let times = (0..setting.rounds).map(|_| start().start).collect();
    table.limit(&format!("{what}: start to ready"), millis(median(times)), START, "ms");
}

fn idle(what: &str, gateway: &Gateway, table: &mut Table) {
    table.limit(&format!("{what}: memory, idle"), gateway.memory().0, IDLE, "MiB");
}

fn busy(what: &str, gateway: &Gateway, mut health: Vec<Duration>, table: &mut Table) {
    table.limit(&format!("{what}: memory under load, at most"), gateway.memory().1, BUSY, "MiB");
    health.sort_unstable();
    let at = health.len() * 99 / 100;
    let what = format!("{what}: health under load, 99 of 100 ({} looks)", health.len());
    table.limit(&what, millis(health[at]), HEALTH, "ms");
}

/// Does something, and meanwhile looks at the health of the gateway, on a connection of its own.
fn looks(gateway: &Gateway, act: impl FnOnce()) -> Vec<Duration> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let (mut client, head) = (Client::new(gateway.address), Head::new("GET", &[]));
            let mut times = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let start = Instant::now();
                client.ask(&head, "/sync/health", "");
                times.push(start.elapsed());
                std::thread::sleep(Duration::from_millis(5));
            }
            times
        });
        act();
        is_over.store(true, Ordering::Relaxed);
        looking.join().unwrap()
    })
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates[rates.len() / 2]
}
