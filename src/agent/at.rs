//! Where an endpoint is heard: a port of the loopback interface, or a socket of the file system.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::paths::{decoded, encoded};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// A port of 127.0.0.1; 0 is any that is free.
    Port(u16),
    /// A socket in the file system, for this user's processes; its path is absolute.
    Socket(PathBuf),
}

impl At {
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Port(port) => json!({ "port": port }),
            Self::Socket(path) => json!({ "socket": encoded(path) }),
        }
    }

    pub(crate) fn from_json(json: &Json) -> Option<Self> {
        if let Some(port) = json.get("port") {
            return port.as_u64().and_then(|port| u16::try_from(port).ok()).map(Self::Port);
        }
        let path = json.get("socket")?.as_str().and_then(decoded)?;
        Some(path).filter(|path| path.is_absolute()).map(Self::Socket)
    }
}

impl fmt::Display for At {
    /// Writes it as clients take it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "http://{}:{port}", Ipv4Addr::LOCALHOST),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn where_to_listen_is_read_as_it_was_written() {
        for at in [At::Port(0), At::Port(65_535), At::Socket(PathBuf::from("/a b/s"))] {
            assert_eq!(At::from_json(&at.to_json()), Some(at));
        }
        for json in [
            json!({}),
            json!({ "port": 65_536 }),
            json!({ "port": -1 }),
            json!({ "port": "0.0.0.0:80" }),
            json!({ "socket": encoded(Path::new("relative")) }),
        ] {
            assert_eq!(At::from_json(&json), None, "{json}");
        }
    }
}
