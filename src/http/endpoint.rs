//! What an endpoint answers: which protocol a request is in, and what its answer is.

use super::answer::Answer;
use super::back::Back;
use super::request::Request;
use super::room::Room;
use super::site::Site;
use super::{aws_json, container, local, sts};
use crate::sys::entropy;

/// An endpoint, whoever comes to it and by which way.
pub(super) struct Endpoint<'a> {
    pub(super) back: &'a dyn Back,
    pub(super) site: Site,
    /// For large bodies.
    pub(super) room: Room,
}

impl<'a> Endpoint<'a> {
    pub(super) fn new(back: &'a dyn Back, site: Site) -> Self {
        Self { back, site, room: Room::of(ROOM) }
    }

    pub(super) fn answer(&self, request: &Request<'_>) -> Answer {
        let head = request.head;
        // A client may be told of an endpoint whose address has a path, which may be any.
        if head.values(aws_json::TARGET).next().is_some() {
            aws_json::answer(self.back, request)
        } else if container::is_meant(head) {
            container::answer(self.back, request)
        } else if local::is_meant(head) {
            local::answer(self.back, request)
        } else if sts::is_meant(request) {
            sts::answer(self.back, request)
        } else {
            aws_json::answer(self.back, request)
        }
    }

    /// Makes up the id of a request. It is for people to refer to: where there is no randomness, nothing
    /// is.
    pub(super) fn id(&self) -> String {
        entropy::random_uuid(self.back.entropy()).unwrap_or_default()
    }
}

/// How many bytes of large bodies may be on their way at once.
const ROOM: usize = 32 << 20;
