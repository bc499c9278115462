//! A key in the kernel's keyring of this login session (session-keyring(7)): whoever has logged in
//! elsewhere, or was put into a session of his own, neither finds nor reads it.

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{find, forget, has_own, keep, leave};
#[cfg(target_os = "linux")]
pub(crate) use linux::{find, forget, has_own, keep, leave};

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::CString;
    use std::io;

    use crate::sys::kernel::{self, KeyCall};
    use crate::sys::secret::Secret;

    /// Whether this process has a session keyring of its own. One without gets the user's, which is in
    /// every session, or a new one that ends with the process.
    pub(crate) fn has_own() -> bool {
        let id = |keyring: i32| kernel::keyctl(KeyCall::GetId, keyring, 0).ok();
        let (session, user) = (id(kernel::SESSION_KEYRING), id(kernel::USER_SESSION_KEYRING));
        session.is_some() && session != user
    }

    /// Keeps bytes under a name for so many seconds. Only who has the session's keyring reads them,
    /// and nobody changes them.
    pub(crate) fn keep(name: &str, bytes: &[u8], seconds: u32) -> io::Result<()> {
        // One that is there cannot be changed.
        forget(name);
        let key = kernel::add_key(&CString::new(name)?, bytes, kernel::SESSION_KEYRING)?;
        // In this order: without the right to set attributes nothing sets a time.
        let kept = kernel::keyctl(KeyCall::SetTimeout, key, seconds)
            .and_then(|_| kernel::keyctl(KeyCall::SetPermissions, key, POSSESSOR_READS));
        if kept.is_err() {
            drop(kernel::keyctl(KeyCall::Invalidate, key, 0));
        }
        kept.map(drop)
    }

    /// Finds what is kept under a name, if anything is.
    pub(crate) fn find(name: &str) -> Option<Secret<Vec<u8>>> {
        let key = search(name)?;
        let mut bytes = Secret::new(vec![0; MAX_BYTES]);
        let length = kernel::read_key(key, bytes.expose_mut()).ok()?;
        bytes.expose_mut().truncate(length);
        Some(bytes)
    }

    /// Forgets it.
    pub(crate) fn forget(name: &str) {
        if let Some(key) = search(name) {
            drop(kernel::keyctl(KeyCall::Invalidate, key, 0));
        }
    }

    /// Leaves the session's keyring for an empty one of this process's own, and of what it becomes and
    /// starts.
    pub(crate) fn leave() -> io::Result<()> {
        if kernel::has_keyrings() { kernel::join_new_session_keyring() } else { Ok(()) }
    }

    fn search(name: &str) -> Option<i32> {
        has_own().then_some(())?;
        kernel::search_key(&CString::new(name).ok()?, kernel::SESSION_KEYRING).ok()
    }

    /// To see, read and search it, which is enough to invalidate it; nothing for user, group and others.
    const POSSESSOR_READS: u32 = 0x0b00_0000;
    /// More than a token has.
    const MAX_BYTES: usize = 128;

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::sys::scratch;

        #[test]
        fn a_key_is_kept_for_the_session() {
            if kernel::has_keyrings() {
                let output = scratch::run_apart(
                    "sys::session_key::linux::tests::keeps_and_forgets",
                    "a session of its own",
                );
                scratch::assert_passed(&output);
            }
        }

        /// Apart, because the keyring is the whole process's.
        #[test]
        fn keeps_and_forgets() {
            if scratch::argument().is_none() {
                return;
            }
            kernel::join_new_session_keyring().unwrap();
            assert!(has_own());
            assert!(find("strongroom:test").is_none());
            for bytes in [&b"one"[..], b"another"] {
                keep("strongroom:test", bytes, 60).unwrap();
                assert_eq!(find("strongroom:test").unwrap().expose(), bytes);
            }
            // Nobody gives it another time, changes it, or lets others see it.
            let key = search("strongroom:test").unwrap();
            for (call, number) in [(KeyCall::SetTimeout, 0), (KeyCall::SetPermissions, 0x3f3f_3f3f)]
            {
                assert!(kernel::keyctl(call, key, number).is_err());
            }
            let name = CString::new("strongroom:test").unwrap();
            assert!(kernel::add_key(&name, b"x", kernel::SESSION_KEYRING).is_err());
            // Another session does not see it, though it is the same user's.
            kernel::join_new_session_keyring().unwrap();
            assert!(find("strongroom:test").is_none());
            assert!(kernel::read_key(key, &mut [0; 8]).is_err());
            keep("strongroom:test", b"here", 60).unwrap();
            forget("strongroom:test");
            assert!(find("strongroom:test").is_none());
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;

    use crate::sys::secret::Secret;

    pub(crate) fn has_own() -> bool {
        false
    }

    pub(crate) fn keep(_: &str, _: &[u8], _: u32) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn find(_: &str) -> Option<Secret<Vec<u8>>> {
        None
    }

    pub(crate) fn forget(_: &str) {}

    pub(crate) fn leave() -> io::Result<()> {
        Ok(())
    }
}
