//! The least that a webhook can do on this stack, to compare a real one with: the same TLS, routes, limits and metrics; the
//! body is read and a constant answer sent.
//!
//! ```text
//! echo LISTEN CA_FILE ANSWER_FILE
//! ```
//!
//! Serves every hook on `LISTEN` (`127.0.0.1:0` for any port) with the bytes of `ANSWER_FILE`. Writes the certificate to
//! trust into `CA_FILE`, then the address on a line of stdout. Ends when stdin does.

use std::sync::Arc;
use std::time::Instant;
use std::{env, fs, io};

use bytes::Bytes;
use cise_server::audit::Record;
use cise_server::{Answer, Certificates, Hooks, Limits, Metrics, Reviewer, SelfSigned, serve};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [listen, ca_file, answer_file] = env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: echo LISTEN CA_FILE ANSWER_FILE")?;
    let pair = SelfSigned::new(&["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    fs::write(ca_file, &pair.ca_pem)?;
    let echo = Echo {
        answer: fs::read(answer_file)?.into(),
    };
    let listener = TcpListener::bind(listen).await?;
    announce(&listener)?;
    let certificates = Arc::new(Certificates::new(pair.identity()?));
    let hooks = Hooks::new(echo, Arc::new(Metrics::new()), Limits::default());
    serve(listener, certificates, hooks, end_of_stdin()).await?;
    Ok(())
}

#[expect(
    clippy::print_stdout,
    reason = "the address is what the program that started this one waits for"
)]
fn announce(listener: &TcpListener) -> io::Result<()> {
    println!("{}", listener.local_addr()?);
    Ok(())
}

async fn end_of_stdin() {
    let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
}

struct Echo {
    answer: Bytes,
}

impl Reviewer for Echo {
    type Hook = ();

    fn hook(_: &str) -> Option<()> {
        Some(())
    }

    fn path((): ()) -> &'static str {
        "/"
    }

    async fn review(&self, (): (), _: Bytes, _: Instant) -> Answer {
        Answer::Reviewed {
            body: self.answer.clone(),
            record: Box::new(allowed()),
        }
    }
}

fn allowed() -> Record {
    Record {
        uid: String::new(),
        namespace: String::new(),
        kind: String::new(),
        name: String::new(),
        operation: String::new(),
        user: String::new(),
        dry_run: false,
        allowed: true,
        images: Vec::new(),
        reasons: Vec::new(),
    }
}
