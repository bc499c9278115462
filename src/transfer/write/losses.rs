//! What a format cannot hold, counted before anything of it is written.

use std::collections::BTreeMap;

use super::super::item::{Content, Item};
use super::super::login::FieldKind;
use super::super::taken::Taken;

/// Something that secrets have and not every format holds. The order is that in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Feature {
    Files,
    History,
    Fields,
    Kinds,
    Passkeys,
    OneTimePasswords,
    Addresses,
    Notes,
    Usernames,
    Folders,
    Labels,
    Tags,
    Favorites,
    Archived,
    Dates,
    Sections,
    Descriptions,
    Sources,
    Pending,
    StagingLabels,
    Policies,
    Rotations,
    Replicas,
    Keys,
    Characters,
    Scheduled,
}

impl Feature {
    /// Says what it is, of which there are so many.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::History => "earlier versions",
            Self::Fields => "further fields",
            Self::Kinds => "what only cards, identities, SSH keys and the like have",
            Self::Passkeys => "passkeys",
            Self::OneTimePasswords => "keys of one-time passwords",
            Self::Addresses => "addresses",
            Self::Notes => "notes",
            Self::Usernames => "user names",
            Self::Folders => "folders, of secrets that are in one",
            Self::Labels => "labels of the user's own (tags tag:LABEL)",
            Self::Tags => "other tags",
            Self::Favorites => "marks as favorite",
            Self::Archived => "marks as archived",
            Self::Dates => "dates",
            Self::Sections => "sections of fields",
            Self::Descriptions => "descriptions",
            Self::Sources => "what only the program that it came from understands",
            Self::Pending => "versions that a rotation is making",
            Self::StagingLabels => "staging labels other than AWS's own",
            Self::Policies => "resource policies",
            Self::Rotations => "settings of rotations",
            Self::Replicas => "replicas in other regions and accounts",
            Self::Keys => "names of KMS keys",
            Self::Characters => "secrets with control characters, which are not in it",
            Self::Scheduled => "secrets that are scheduled for deletion",
        }
    }
}

/// How many of what is not in an export, and the secrets of which that is said by name.
#[derive(Default)]
pub(crate) struct Losses {
    counts: BTreeMap<Feature, u64>,
    remarks: Vec<Told>,
}

/// Something about one secret. Never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) name: String,
    pub(crate) is_left_out: bool,
    pub(crate) what: String,
}

impl Losses {
    /// Counts some more.
    pub(crate) fn add(&mut self, feature: Feature, count: u64) {
        if count > 0 {
            *self.counts.entry(feature).or_default() += count;
        }
    }

    /// Says that nothing of a secret is in the export.
    pub(crate) fn leave_out(&mut self, name: &str, why: impl Into<String>) {
        self.remarks.push(Told { name: name.to_owned(), is_left_out: true, what: why.into() });
    }

    /// Says what is worth a look.
    pub(crate) fn doubt(&mut self, name: &str, what: impl Into<String>) {
        self.remarks.push(Told { name: name.to_owned(), is_left_out: false, what: what.into() });
    }

    /// Counts what of a secret a format that holds these cannot.
    pub(crate) fn miss(&mut self, taken: &Taken, held: &[Feature]) {
        let Taken { item, beside, .. } = taken;
        let mut count = |feature: Feature, count: usize| {
            if !held.contains(&feature) {
                self.add(feature, u64::try_from(count).unwrap_or(u64::MAX));
            }
        };
        count(Feature::Files, item.attachments.len());
        count(Feature::History, item.history.len());
        count(Feature::Folders, usize::from(!item.folders.is_empty()));
        count(Feature::Labels, item.labels.len());
        count(Feature::Tags, item.tags.len());
        count(Feature::Descriptions, usize::from(item.description.is_some()));
        of_login(item, &mut count);
        self.add(Feature::Files, beside.lost_files);
        self.add(Feature::Pending, beside.pending);
        self.add(Feature::StagingLabels, beside.labels);
        self.add(Feature::Policies, beside.policies);
        self.add(Feature::Rotations, beside.rotations);
        self.add(Feature::Replicas, beside.replicas);
        self.add(Feature::Keys, beside.keys);
    }

    /// Returns how many of what, in order.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Feature, u64)> {
        self.counts.iter().map(|(feature, count)| (*feature, *count))
    }

    /// Returns what is said of secrets by name.
    pub(crate) fn remarks(&self) -> &[Told] {
        &self.remarks
    }

    /// Returns how many secrets are left out as a whole.
    pub(crate) fn left_out(&self) -> u64 {
        let count = self.remarks.iter().filter(|told| told.is_left_out).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }
}

fn of_login(item: &Item, count: &mut impl FnMut(Feature, usize)) {
    let Content::Login(login) = &item.content else { return };
    let totps = login.fields.iter().filter(|field| field.kind == FieldKind::Totp).count();
    count(Feature::Fields, login.fields.len());
    count(Feature::Sections, login.fields.iter().filter(|field| field.section.is_some()).count());
    count(Feature::Kinds, usize::from(login.special.is_some()));
    count(Feature::Passkeys, login.passkeys.len());
    count(Feature::OneTimePasswords, totps + usize::from(!login.totp.is_empty()));
    count(Feature::Addresses, login.urls.len());
    count(Feature::Notes, usize::from(!login.notes.is_empty()));
    count(Feature::Usernames, usize::from(!login.username.is_empty()));
    count(Feature::Favorites, usize::from(login.is_favorite));
    count(Feature::Archived, usize::from(login.is_archived));
    let dates = [&login.created, &login.modified, &login.expires];
    count(Feature::Dates, dates.iter().filter(|date| date.is_some()).count());
    count(Feature::Sources, usize::from(!login.left_over.is_empty()));
}
