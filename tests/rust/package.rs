//! The package as its users get it: unpacked, outside of the workspace, with the program of its own page.

use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

/// Runs a command to its end and returns what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("started");
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}\n{}", shown(&output.stdout), shown(&output.stderr));
    shown(&output.stdout)
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["--offline", "--quiet"]);
    command
}

/// Packs the crate and unpacks it into `folder`, as a registry would.
fn unpacked(folder: &Path) -> PathBuf {
    let target = folder.join("target");
    run(cargo()
        .args(["package", "--package", "idse-core", "--no-verify", "--allow-dirty", "--target-dir"])
        .arg(&target)
        .current_dir(workspace()));
    let package = format!("idse-core-{}", env!("CARGO_PKG_VERSION"));
    let archive = target.join("package").join(format!("{package}.crate"));
    run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder));
    folder.join(package)
}

/// Returns the first Rust program of a Markdown page.
fn program(page: &str) -> String {
    let (_, rest) = page.split_once("```rust\n").expect("a program");
    rest.split_once("```\n").expect("its end").0.to_owned()
}

/// The dependencies are those that this build has already made; only the two crates themselves are built.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    // target/<profile>/deps/<test>
    test.ancestors().nth(3).expect("three folders up").to_owned()
}

#[test]
fn the_packed_crate_runs_the_program_of_its_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let package = unpacked(folder.path());
    for file in ["LICENSE", "README.md", "docs/design.md", "src/lib.rs"] {
        assert!(package.join(file).is_file(), "{file} is in the package");
    }
    let user = folder.path().join("user");
    std::fs::create_dir_all(user.join("src")).expect("made");
    let page = std::fs::read_to_string(package.join("README.md")).expect("read");
    std::fs::write(user.join("src/main.rs"), program(&page)).expect("written");
    let manifest = format!(
        "[package]\nname = \"user-of-idse-core\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nidse-core = {{ path = {:?} }}\n\n[workspace]\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n",
        package.display().to_string()
    );
    std::fs::write(user.join("Cargo.toml"), manifest).expect("written");
    // The same versions as here, so that nothing is built twice.
    std::fs::copy(workspace().join("Cargo.lock"), user.join("Cargo.lock")).expect("copied");
    let printed = run(cargo().args(["run", "--target-dir"]).arg(target()).current_dir(&user));
    assert!(printed.contains("IDSE101") && printed.contains("pushed 7 stages"), "{printed}");
}
