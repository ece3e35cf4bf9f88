//! `cairn import` as its users run it.

#![expect(clippy::unwrap_used, reason = "a failed test says where")]

use cairn_world::World;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

struct Bench {
    dir: TempDir,
}

impl Bench {
    /// A data directory that a first start made.
    fn new() -> Self {
        let bench = Self { dir: tempfile::tempdir().unwrap() };
        stop(bench.serve());
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn cairn(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cairn"));
        command.env("CAIRN_DATA_DIR", self.path("data")).env_remove("AWS_PROFILE");
        command
    }

    /// A server that answers.
    fn serve(&self) -> Child {
        let mut command = self.cairn();
        command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        while !line.contains("ready") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the server ended");
        }
        // What it says later must find a reader.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        server
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let disk = World::system().disk;
        disk.create_dir_all(path.parent().unwrap()).unwrap();
        disk.write_atomic(&path, text.as_bytes()).unwrap();
    }

    fn import(&self, arguments: &[&str]) -> Output {
        self.cairn().arg("import").args(arguments).output().unwrap()
    }

    /// Imports the tree and compares: exit code, then new, duplicates, rejected, complete before.
    fn check(&self, arguments: &[&str], code: i32, expected: [u64; 4]) -> Value {
        let tree = self.path("tree");
        let output = self.import(&[&["--json", tree.to_str().unwrap()], arguments].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"));
        let found = [
            &report["events"]["new"],
            &report["events"]["duplicates"],
            &report["events"]["rejected"],
            &report["files"]["completeBefore"],
        ];
        assert_eq!(found.map(|number| number.as_u64().unwrap()), expected, "{report}");
        assert_eq!(output.status.code(), Some(code), "{report}");
        report
    }
}

fn stop(mut server: Child) {
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    assert!(server.wait().unwrap().success());
}

fn log(numbers: std::ops::Range<u32>, more: &str) -> String {
    let mut text = r#"{"Records":["#.to_owned();
    for number in numbers {
        let _ = write!(
            text,
            r#"{{"eventID":"{number:08x}-0000-4000-8000-000000000000","eventName":"N","eventTime":"2023-07-10T11:42:00Z"}},"#
        );
    }
    text.pop();
    text + more + "]}"
}

fn text(path: &Path) -> String {
    String::from_utf8(World::system().disk.read(path).unwrap()).unwrap()
}

#[test]
fn a_tree_comes_in_once_with_and_without_a_server() {
    let bench = Bench::new();
    bench.write("tree/AWSLogs/1/CloudTrail/a.json", &log(0..10, ""));
    bench.write("tree/AWSLogs/1/CloudTrail/b.json", &log(8..20, ""));
    bench.write("tree/AWSLogs/1/CloudTrail/readme.txt", "no log");
    let server = bench.serve();
    let report = bench.check(&["--dry-run"], 0, [0, 0, 0, 0]);
    assert_eq!((&report["files"]["due"], &report["files"]["skipped"]), (&2.into(), &1.into()));
    bench.check(&[], 0, [20, 2, 0, 0]);
    bench.check(&[], 0, [0, 0, 0, 2]);
    stop(server);
    bench.check(&[], 0, [0, 0, 0, 2]);
    bench.check(&["--again"], 0, [0, 22, 0, 0]);
    // The house that an import opened for itself was closed like any other.
    bench.write("tree/AWSLogs/1/CloudTrail/c.json", &log(20..25, ""));
    bench.check(&[], 0, [5, 0, 0, 2]);
    bench.check(&[], 0, [0, 0, 0, 3]);
}

#[test]
fn what_was_rejected_is_named_each_time_and_the_rest_is_in() {
    let bench = Bench::new();
    bench.write("tree/bad\u{1b}\n.json", &log(0..3, ",7,[],{}"));
    bench.write("tree/cut.json", &log(3..6, "")[..100]);
    bench.write("tree/good.json", &log(6..9, ""));
    let rejects = bench.path("rejects");
    let report = bench.check(&["--rejects", rejects.to_str().unwrap()], 1, [6, 0, 3, 0]);
    assert_eq!(report["files"]["failed"], 1);
    let lines: Vec<Value> = text(&rejects).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert!(
        lines
            .iter()
            .filter(|line| line["offset"].is_u64())
            .all(|line| line["file"].as_str().unwrap().ends_with("bad\u{1b}\n.json"))
    );
    bench.check(&[], 1, [0, 3, 3, 1]);
    let tree = bench.path("tree");
    let shown = String::from_utf8(bench.import(&[tree.to_str().unwrap()]).stdout).unwrap();
    assert!(shown.contains("record 3 at byte") && shown.contains("cut off") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn a_source_that_is_not_there_is_a_mistake_of_the_command_line() {
    let bench = Bench::new();
    let output = bench.import(&[bench.path("nowhere").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere"));
    assert_eq!(bench.import(&[]).status.code(), Some(2));
    World::system().disk.create_dir_all(&bench.path("tree")).unwrap();
    bench.check(&[], 1, [0, 0, 0, 0]);
}
