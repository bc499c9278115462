//! What somebody keeps in another program, in the words of this one.

use super::login::Login;
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// Something that another program keeps: a login, a note, a file.
pub(crate) struct Item {
    /// Which of the source's items it is.
    pub(crate) origin: Origin,
    /// The folders that it is in, the outermost first; a vault or collection counts as one.
    pub(crate) folders: Vec<String>,
    /// What it is called there, in any characters; may be empty.
    pub(crate) title: String,
    /// The name that the secret gets, where the source has secrets of AWS or variables: it is taken as
    /// it is and not made of `folders` and `title`.
    pub(crate) exact_name: Option<String>,
    /// The description, where the source has secrets of AWS. Others have none: whoever may list
    /// secrets can read it.
    pub(crate) description: Option<String>,
    /// What it holds now.
    pub(crate) content: Content,
    /// What it held before, the oldest first.
    pub(crate) history: Vec<Earlier>,
    /// Files that are attached to it.
    pub(crate) attachments: Vec<Attachment>,
    /// The user's own words for finding it again.
    pub(crate) labels: Vec<String>,
    /// Tags of AWS, where the source has secrets of AWS: key and value.
    pub(crate) tags: Vec<(String, String)>,
    /// Whether it was thrown away there.
    pub(crate) is_in_trash: bool,
}

/// Where an item comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The source's own id, which stays when it is exported once more.
    Id(String),
    /// The line of the file where it begins, from 1: there are no ids.
    Line(usize),
    /// Its position in the file, from 1, where lines say nothing.
    Position(usize),
}

/// What an item holds, or held.
pub(crate) enum Content {
    /// Fields, which are kept as one JSON object.
    Login(Box<Login>),
    /// A text that is kept as it is.
    Text(Secret<String>),
    /// Bytes that are kept as they are.
    Bytes(Secret<Vec<u8>>),
}

/// What an item held at some time.
pub(crate) struct Earlier {
    /// When that was stored, or given up, as the source has it.
    pub(crate) at: Option<Timestamp>,
    pub(crate) content: Content,
}

/// A file that belongs to an item.
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) bytes: Secret<Vec<u8>>,
}

impl Origin {
    /// Returns the source's own id, if it has one; otherwise nothing.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Line(_) | Self::Position(_) => "",
        }
    }
}

impl Item {
    /// An item with a title and fields, and nothing else yet.
    pub(crate) fn of_login(origin: Origin, title: impl Into<String>, login: Login) -> Self {
        Self::of(origin, title, Content::Login(Box::new(login)))
    }

    /// A variable, or a secret of AWS, whose name and value stay what they are.
    pub(crate) fn of_text(origin: Origin, name: impl Into<String>, value: String) -> Self {
        let content = Content::Text(Secret::new(value));
        Self { exact_name: Some(name.into()), ..Self::of(origin, "", content) }
    }

    /// Bytes that keep their name and are what they are.
    pub(crate) fn of_bytes(origin: Origin, name: String, bytes: Secret<Vec<u8>>) -> Self {
        Self { exact_name: Some(name), ..Self::of(origin, "", Content::Bytes(bytes)) }
    }

    /// Something without a title or a name yet.
    pub(crate) fn of_content(origin: Origin, content: Content) -> Self {
        Self::of(origin, "", content)
    }

    /// Whether it is a text of nothing, which no secret can be.
    pub(crate) fn is_empty_text(&self) -> bool {
        match &self.content {
            Content::Text(text) => text.expose().is_empty(),
            Content::Login(_) | Content::Bytes(_) => false,
        }
    }

    /// Its fields, if it has any.
    pub(crate) fn login_mut(&mut self) -> Option<&mut Login> {
        match &mut self.content {
            Content::Login(login) => Some(login),
            Content::Text(_) | Content::Bytes(_) => None,
        }
    }

    fn of(origin: Origin, title: impl Into<String>, content: Content) -> Self {
        Self {
            origin,
            folders: Vec::new(),
            title: title.into(),
            exact_name: None,
            description: None,
            content,
            history: Vec::new(),
            attachments: Vec::new(),
            labels: Vec::new(),
            tags: Vec::new(),
            is_in_trash: false,
        }
    }
}
