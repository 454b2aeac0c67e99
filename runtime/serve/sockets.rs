//! Where connections come in: the clients' listeners and the owner's. A process that takes another's place listens on the
//! same sockets, and nobody is refused meanwhile.

use super::parent::Listening;
use super::{Options, ServeError};
use crate::admin;
use crate::egress::listeners as own_listeners;
use crate::listen::{self, ListenError, Listener, Role, Socket};

/// The listeners of one server.
#[derive(Debug)]
pub struct Listeners {
    pub(super) clients: Vec<Listener>,
    pub(super) owner: Vec<Listener>,
}

impl Listeners {
    /// Takes the sockets that another process listened on or gave, and binds where there are none. A tokio runtime runs.
    pub fn bind(options: &Options, inherited: Vec<Socket>) -> Result<Self, ServeError> {
        let (mut clients, mut owner) = (Vec::new(), Vec::new());
        for socket in inherited {
            let listener = Listener::new(socket.fd, socket.given).map_err(|why| ListenError::given(&why))?;
            match socket.role {
                Role::Clients => clients.push(listener),
                Role::Plain => clients.push(listener.plain()),
                // There is one no longer, unless somebody else says so.
                Role::Owner if options.admin.is_empty() && !socket.given => {}
                Role::Owner => owner.push(listener),
            }
        }
        if clients.is_empty() {
            clients = listen::bind(&options.listen, Role::Clients, None)?;
        }
        if owner.is_empty() {
            // An author may have several projects at once: the page of the second is where there is room.
            owner = listen::bind(&options.admin, Role::Owner, Some(&admin::page()))?;
        }
        for listener in clients.iter().chain(&owner) {
            listener.address().into_iter().for_each(own_listeners::add);
        }
        Ok(Self { clients, owner })
    }

    /// Where clients connect to, and all sockets, for the process after this one. From now on they may outlive this one.
    pub fn listening(&mut self) -> std::io::Result<Listening> {
        let shown = self.clients.iter().map(Listener::shown).collect();
        let plain = self.clients.iter().map(Listener::is_plain).collect();
        let clients = self.clients.iter_mut().map(|listener| {
            let role = if listener.is_plain() {
                Role::Plain
            } else {
                Role::Clients
            };
            listener.socket(role)
        });
        let owner = self.owner.iter_mut().map(|listener| listener.socket(Role::Owner));
        Ok(Listening {
            shown,
            plain,
            sockets: clients.chain(owner).collect::<Result<_, _>>()?,
        })
    }
}
