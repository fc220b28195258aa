//! Gets the real components that tests, the demo and the benchmarks run against, and says where they are.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::{env, thread};

use cise_testkit::components::{ALL, Component};

const USAGE: &str =
    "usage: components get [NAME|SET]…   build what is missing (all, where none is named)
       components path NAME            print where a component is
       components list                 print the names, their sets, and where they are";

/// How many components are built at a time: Go keeps both cores of a small machine busy while it compiles, and hardly one
/// while it downloads and links.
const SIDE_BY_SIDE: usize = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["get", names @ ..] => chosen(names).and_then(|chosen| get(&chosen)),
        ["path", name] => path(name),
        ["list"] => list(),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&message);
            ExitCode::FAILURE
        }
    }
}

fn chosen(names: &[&str]) -> Result<Vec<&'static Component>, String> {
    if names.is_empty() {
        return Ok(ALL.to_vec());
    }
    let mut chosen = Vec::new();
    for name in names {
        let found: Vec<_> = ALL
            .iter()
            .copied()
            .filter(|component| component.name == *name || component.set.name() == *name)
            .collect();
        if found.is_empty() {
            return Err(format!(
                "there is no component or set named {name}; `components list` shows all"
            ));
        }
        chosen.extend(found);
    }
    Ok(chosen)
}

fn get(chosen: &[&'static Component]) -> Result<(), String> {
    let queue = Mutex::new(chosen.iter());
    let next = || {
        queue
            .lock()
            .ok()
            .and_then(|mut queue| queue.next().copied())
    };
    let failures: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..SIDE_BY_SIDE)
            .map(|_| {
                scope.spawn(|| {
                    std::iter::from_fn(next)
                        .filter_map(get_one)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    });
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("\n"))
    }
}

/// The failure, where there is one.
fn get_one(component: &Component) -> Option<String> {
    if component.find().is_none() {
        say(&format!(
            "building {} (once; about {})",
            component.name, component.build_time
        ));
    }
    component
        .get()
        .err()
        .map(|error| format!("cannot get {}: {error}", component.name))
}

fn path(name: &str) -> Result<(), String> {
    let component =
        Component::named(name).ok_or_else(|| format!("there is no component named {name}"))?;
    let found = component
        .find()
        .ok_or_else(|| format!("{name} is missing; `components get {name}` builds it"))?;
    writeln!(io::stdout(), "{}", found.display()).map_err(|error| error.to_string())
}

fn list() -> Result<(), String> {
    for component in ALL {
        let found = component
            .find()
            .map_or_else(|| "missing".to_owned(), |path| path.display().to_string());
        writeln!(
            io::stdout(),
            "{:<24} {:<8} {found}",
            component.name,
            component.set.name()
        )
        .map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn say(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}
