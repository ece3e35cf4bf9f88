//! A host that gives prepared answers, for tests of what asks one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with a connection after each answer.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    Keeps,
    /// Without a word of it.
    Closes,
}

/// A host that gives prepared answers in turn, the last one for ever.
pub struct Host {
    pub url: String,
    connections: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<String>>>,
}

pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nlast-modified: Mon, 10 Jul 2023 11:42:00 GMT\r\netag: \"e\"\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

impl Host {
    pub async fn start(manner: Manner, answers: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let host = Self { url, connections: Arc::default(), asked: Arc::default() };
        let (connections, asked) = (host.connections.clone(), host.asked.clone());
        tokio::spawn(async move {
            let turn = Arc::new(AtomicUsize::new(0));
            let answers = Arc::new(answers);
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, manner, turn.clone(), answers.clone(), asked.clone()));
            }
        });
        host
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: TcpStream,
    manner: Manner,
    turn: Arc<AtomicUsize>,
    answers: Arc<Vec<Vec<u8>>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        asked.lock().unwrap().push(String::from_utf8(head).unwrap());
        let turn = turn.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
        if stream.write_all(&answers[turn]).await.is_err() || manner == Manner::Closes {
            return;
        }
    }
}
