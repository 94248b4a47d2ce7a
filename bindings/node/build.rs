//! Asks the linker for what a Node addon needs on each system.

fn main() {
    napi_build::setup();
}
