//! The two macros in which operations are declared: `structure!` and `text!`.

/// Declares a structure once: the type, its shape with AWS's member names, and both conversions.
///
/// A doc comment on a member is its help text. `Option` means that the member may be left out.
macro_rules! structure {
    (
        $(#[doc = $doc:literal])*
        pub(crate) struct $name:ident {
            $( $(#[doc = $member_doc:literal])* $field:ident : $type:ty => $wire:literal, )+
        }
    ) => {
        $(#[doc = $doc])*
        pub(crate) struct $name {
            $( $(#[doc = $member_doc])* pub(crate) $field: $type, )+
        }

        impl $crate::model::shape::Shaped for $name {
            const SHAPE: &'static $crate::model::shape::Shape =
                &$crate::model::shape::Shape::Structure(&[
                    $( $crate::model::shape::Member {
                        name: $wire,
                        doc: concat!($($member_doc, "\n",)*),
                        required: <$type as $crate::model::shape::Shaped>::REQUIRED,
                        shape: <$type as $crate::model::shape::Shaped>::SHAPE,
                    }, )+
                ]);

            fn from_value(
                value: $crate::model::value::Value,
            ) -> Result<Self, $crate::model::shape::Mismatch> {
                let $crate::model::value::Value::Map(mut members) = value else {
                    return Err($crate::model::shape::Mismatch { member: "" });
                };
                Ok(Self { $( $field: $crate::model::shape::take(&mut members, $wire)?, )+ })
            }

            fn into_value(self) -> Option<$crate::model::value::Value> {
                let mut members = Vec::new();
                $( if let Some(value) = $crate::model::shape::Shaped::into_value(self.$field) {
                    members.push(($wire.to_owned(), value));
                } )+
                Some($crate::model::value::Value::Map(members))
            }
        }
    };
}

/// Declares a kind of text: a newtype around `String` and its limits.
///
/// `text! { /// doc  pub(crate) struct SecretId: Bounds::between(1, 2048) }`, then optionally
/// `pattern = …`, `choices = […]`, `token = true`.
macro_rules! text {
    (
        $(#[doc = $doc:literal])*
        pub(crate) struct $name:ident : $bounds:expr
        $(, pattern = $pattern:expr)? $(, choices = $choices:expr)? $(, token = $token:literal)?
        $(, sensitive = $sensitive:literal)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $name(pub(crate) String);

        impl $crate::model::shape::Shaped for $name {
            const SHAPE: &'static $crate::model::shape::Shape =
                &$crate::model::shape::Shape::Text({
                    // Shadowed below where the declaration says otherwise.
                    let pattern: Option<$crate::model::shape::Pattern> = None;
                    let choices: &'static [&'static str] = &[];
                    let token = false;
                    let sensitive = false;
                    $( let pattern = { let _unset = pattern; Some($pattern) }; )?
                    $( let choices = { let _unset = choices; &$choices }; )?
                    $( let token = { let _unset = token; $token }; )?
                    $( let sensitive = { let _unset = sensitive; $sensitive }; )?
                    $crate::model::shape::Text {
                        bounds: $bounds, pattern, choices, sensitive, token,
                    }
                });

            fn from_value(
                value: $crate::model::value::Value,
            ) -> Result<Self, $crate::model::shape::Mismatch> {
                let $crate::model::value::Value::Text(text) = value else {
                    return Err($crate::model::shape::Mismatch { member: "" });
                };
                Ok(Self(text))
            }

            fn into_value(self) -> Option<$crate::model::value::Value> {
                Some($crate::model::value::Value::Text(self.0))
            }
        }
    };
}
