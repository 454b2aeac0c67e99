//! A DNS server that answers as a name says: `a-127-0-0-1.dns.test`, `six-…`, `cname-…`, two with `--` between them, and names
//! for what goes wrong.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

use super::{anywhere, upstreams};

/// How often each name was asked for.
type Counts = Arc<Mutex<HashMap<String, u32>>>;

/// Listens, until the tests end.
pub fn serve() -> SocketAddr {
    upstreams().block_on(async {
        // A port that is free for both.
        let (udp, tcp, address) = loop {
            let udp = UdpSocket::bind(anywhere()).await.unwrap();
            let address = udp.local_addr().unwrap();
            if let Ok(tcp) = TcpListener::bind(address).await {
                break (udp, tcp, address);
            }
        };
        let counts = Counts::default();
        let seen = Arc::clone(&counts);
        tokio::spawn(async move {
            let udp = Arc::new(udp);
            let mut question = [0; 1500];
            while let Ok((length, from)) = udp.recv_from(&mut question).await {
                let (udp, counts) = (Arc::clone(&udp), Arc::clone(&counts));
                let question = question[..length].to_vec();
                tokio::spawn(async move {
                    if let Some(answer) = answer(&question, &counts, false).await {
                        let _ = udp.send_to(&answer, from).await;
                    }
                });
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let counts = Arc::clone(&seen);
                tokio::spawn(async move {
                    while let Ok(length) = stream.read_u16().await {
                        let mut question = vec![0; length.into()];
                        if stream.read_exact(&mut question).await.is_err() {
                            break;
                        }
                        let Some(answer) = answer(&question, &counts, true).await else {
                            break;
                        };
                        let length = u16::try_from(answer.len()).unwrap();
                        let _ = stream.write_u16(length).await;
                        let _ = stream.write_all(&answer).await;
                    }
                });
            }
        });
        address
    })
}

async fn answer(question: &[u8], counts: &Counts, tcp: bool) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries().first()?.clone();
    let name = query.name().clone();
    let spec = name.to_utf8().to_ascii_lowercase();
    let spec = spec.trim_end_matches('.').split('.').next()?.to_owned();
    let mut answer = Message::new();
    answer
        .set_id(asked.id())
        .set_message_type(MessageType::Response)
        .set_recursion_desired(true)
        .set_recursion_available(true)
        .add_query(query.clone());
    let count = {
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(format!("{spec} {}", query.query_type())).or_default();
        *count += 1;
        *count
    };
    let good = || records(&name, "a-127-0-0-9");
    match spec.as_str() {
        "nx" => {
            answer.set_response_code(ResponseCode::NXDomain);
        }
        "servfail" => {
            answer.set_response_code(ResponseCode::ServFail);
        }
        "empty" => {}
        "silent" => return None,
        "slow" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            answer.add_answers(good());
        }
        "garbage" => return Some(b"\xff\xff garbage".to_vec()),
        "wrong" => {
            answer.set_id(asked.id().wrapping_add(1));
            answer.add_answers(good());
        }
        "cut" => {
            answer.set_truncated(true);
            if tcp {
                return None;
            }
        }
        "large" if !tcp => {
            answer.set_truncated(true);
        }
        "large" => {
            for _ in 0..500 {
                answer.add_answers(good());
            }
        }
        // It is good at first, and then it is not.
        flip if flip.starts_with("flip") => {
            answer.add_answers(if count % 2 == 1 && flip == "flip" {
                good()
            } else {
                records(&name, "a-127-0-0-1")
            });
        }
        spec => {
            answer.add_answers(records(&name, spec));
        }
    }
    let wanted = query.query_type();
    let answers = answer
        .take_answers()
        .into_iter()
        .filter(|record| record.record_type() == wanted || record.record_type() == RecordType::CNAME);
    let answers: Vec<Record> = answers.collect();
    answer.add_answers(answers);
    answer.to_vec().ok()
}

/// What a name says of its addresses.
fn records(name: &Name, spec: &str) -> Vec<Record> {
    let mut all = Vec::new();
    for part in spec.split("--") {
        // An answer is worth nothing a second later.
        let mut add = |data| all.push(Record::from_rdata(name.clone(), 0, data));
        if let Some(target) = part.strip_prefix("cname-") {
            let target_name: Name = format!("{target}.dns.test.").parse().unwrap();
            add(RData::CNAME(CNAME(target_name.clone())));
            all.extend(records(&target_name, target));
        } else if let Some(address) = part.strip_prefix("a-") {
            let address: Ipv4Addr = address.replace('-', ".").parse().unwrap();
            add(RData::A(A(address)));
        } else if let Some(groups) = part.strip_prefix("six-") {
            let groups: Vec<u16> = groups
                .split('-')
                .map(|group| u16::from_str_radix(group, 16).unwrap())
                .collect();
            // Short of eight, the last ones are.
            let mut whole = [0; 8];
            let start = 8 - groups.len();
            whole[start..].copy_from_slice(&groups);
            add(RData::AAAA(AAAA(Ipv6Addr::from(whole))));
        }
    }
    all
}
