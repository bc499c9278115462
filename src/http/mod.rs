//! The endpoint for SDKs: HTTP on loopback, AWS JSON 1.1, and the signatures of requests.

#[cfg_attr(
    not(any(test, feature = "workbench")),
    expect(dead_code, reason = "the server that asks it is built beside it")
)]
pub(crate) mod sigv4;
