//! What programs for one-time passwords export: Aegis, 2FAS, andOTP and Proton Authenticator as JSON,
//! and lists of URIs, as Ente has them, or Google, which packs many into one.

mod json;
mod lines;
mod migration;

pub(super) use self::json::{
    is_aegis, is_andotp, is_ente_encrypted, is_proton, is_two_fas, read_aegis, read_andotp,
    read_ente_encrypted, read_proton, read_two_fas,
};
pub(super) use self::lines::{is_list, read_list};
