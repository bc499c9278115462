//! `get-random-password`: makes a password. Needs no vault.

use crate::model::types::{Count, ExcludeCharacters, SecretText};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::rules::password::{Demands, Recipe};

/// Makes a password.
pub(crate) struct GetRandomPassword;

structure! {
    /// What the password may be made of.
    pub(crate) struct Request {
        /// The length of the password. The default is 32.
        password_length: Option<Count<1, 4096>> => "PasswordLength",
        /// Characters that the password must not have.
        exclude_characters: Option<ExcludeCharacters> => "ExcludeCharacters",
        /// Whether to leave out digits.
        exclude_numbers: Option<bool> => "ExcludeNumbers",
        /// Whether to leave out punctuation.
        exclude_punctuation: Option<bool> => "ExcludePunctuation",
        /// Whether to leave out upper-case letters.
        exclude_uppercase: Option<bool> => "ExcludeUppercase",
        /// Whether to leave out lower-case letters.
        exclude_lowercase: Option<bool> => "ExcludeLowercase",
        /// Whether the password may have spaces.
        include_space: Option<bool> => "IncludeSpace",
        /// Whether each kind of character that is not left out must occur. It must, unless you say
        /// otherwise.
        require_each_included_type: Option<bool> => "RequireEachIncludedType",
    }
}

structure! {
    /// The password.
    pub(crate) struct Response {
        /// The password.
        random_password: SecretText => "RandomPassword",
    }
}

impl Operation for GetRandomPassword {
    const ACTION: Action = Action::GetRandomPassword;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Make a random password.";
    const EXAMPLE: &'static str = "strongroom get-random-password --password-length 20 \
                                   --query RandomPassword --output text";
    const EFFECT: Effect = Effect::Nothing;
    const FAULTS: &'static [Code] =
        &[Code::InvalidParameter, Code::InvalidRequest, Code::InternalService];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let default = Demands::default();
        let length = request.password_length.and_then(|length| u16::try_from(length.0).ok());
        let excluded = request.exclude_characters.map(|text| text.0).unwrap_or_default();
        let is_set = |flag: Option<bool>| flag.unwrap_or(false);
        let recipe = Recipe::new(&Demands {
            length: length.unwrap_or(default.length),
            exclude_characters: &excluded,
            exclude_numbers: is_set(request.exclude_numbers),
            exclude_punctuation: is_set(request.exclude_punctuation),
            exclude_uppercase: is_set(request.exclude_uppercase),
            exclude_lowercase: is_set(request.exclude_lowercase),
            include_space: is_set(request.include_space),
            require_each_included_type: request.require_each_included_type.unwrap_or(true),
        })?;
        let password = recipe.draw(cx.entropy())?;
        Ok(Response { random_password: SecretText(password) })
    }
}
