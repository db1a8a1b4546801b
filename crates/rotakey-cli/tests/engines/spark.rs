//! `integrations/spark` on a Spark of two executors, one of which is killed while it works.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::repository;
use crate::trail::{Trail, python, rows};

/// Stands in front of the binary. The first that is called to make a partial once others have made theirs kills the
/// executor that called it, as a machine that goes away does, and makes none.
const UNLUCKY: &str = r#"#!/bin/sh
if [ "$2" = usage ] && [ -e "$MARKS/made" ] && mkdir "$MARKS/killed" 2>/dev/null; then
    process=$$
    while [ "$process" -gt 1 ]; do
        if tr '\0' ' ' < "/proc/$process/cmdline" | grep -q CoarseGrainedExecutorBackend; then
            kill -9 "$process"
            exit 9
        fi
        process=$(sed 's/.*) . //' "/proc/$process/stat" | cut -d ' ' -f 1)
    done
fi
"$ROTAKEY" "$@"
code=$?
[ "$2" = usage ] && : > "$MARKS/made"
exit $code
"#;

#[test]
fn a_killed_executor_changes_nothing() {
    let trail = Trail::of(5_000);
    let marks = trail.desk.path("marks");
    fs::create_dir(&marks).expect("the folder can be written to");
    let unlucky = trail.desk.write("unlucky", UNLUCKY);
    fs::set_permissions(&unlucky, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let files = trail.desk.write("files", log_files(&trail.folder).join("\n"));
    let merged = trail.desk.path("merged");

    let python = PathBuf::from(python("ROTAKEY_TEST_SPARK_PYTHON"));
    let mut spark = Command::new(&python);
    spark.args(["-c", "import os, pyspark; print(os.path.dirname(pyspark.__file__))"]);
    let home = String::from_utf8(spark.output().expect("Python runs").stdout).expect("a path");
    let home = Path::new(home.trim());
    let mut submit = Command::new(home.join("bin/spark-submit"));
    submit.args(["--master", "local-cluster[2,1,1024]", "--conf", "spark.executor.memory=512m"]);
    submit
        .args(["--conf", "spark.ui.enabled=false"])
        .arg(repository().join("integrations/spark/rotakey_spark.py"));
    submit.arg("--files").arg(files).arg("--output").arg(&merged).args(["--partitions", "6"]);
    for (option, verb) in [("--partial", "usage"), ("--merge", "merge")] {
        submit.arg(option).arg(format!("{} trail {verb} --partial", unlucky.display()));
    }
    submit.env_clear().current_dir(trail.desk.path(""));
    for name in ["PATH", "JAVA_HOME"] {
        submit.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    submit.env("SPARK_HOME", home).env("PYSPARK_PYTHON", &python).env("SPARK_LOCAL_IP", "127.0.0.1");
    submit.env("SPARK_WORKER_DIR", trail.desk.path("spark")).env("HOME", trail.desk.path(""));
    submit.env("MARKS", &marks).env("ROTAKEY", env!("CARGO_BIN_EXE_rotakey"));
    let output = submit.output().expect("Spark runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(marks.join("killed").exists(), "an executor was killed");
    assert!(said.contains("Lost executor"), "and Spark has seen it: {said}");

    let merged = merged.display().to_string();
    let told = trail.desk.run(&["trail", "usage", "--format", "csv", &merged]).exits(0);
    assert_eq!(rows(&told.stdout), trail.usage(&[]));
}

/// The log files below a folder, and nothing that lies beside them.
fn log_files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        match path.is_dir() {
            true => files.extend(log_files(&path)),
            false if path.components().any(|part| part.as_os_str() == "CloudTrail") => {
                files.push(path.display().to_string());
            }
            false => {}
        }
    }
    files.sort();
    files
}
