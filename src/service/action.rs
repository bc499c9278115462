//! The operations by name, as callers' rights, policies and the audit log speak of them. What each
//! is and does is in `operations`, above.

macro_rules! actions {
    ($($action:ident)*) => {
        /// An operation by AWS's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Action {
            $(
                #[doc = concat!("`", stringify!($action), "`.")]
                $action,
            )*
        }

        impl Action {
            /// All of them, in alphabetical order.
            pub(super) const ALL: &[Self] = &[$(Self::$action),*];

            /// Whether it is the other: `==` for the compiler.
            pub(super) const fn is(self, other: Self) -> bool {
                match self {
                    $(Self::$action => matches!(other, Self::$action),)*
                }
            }

            /// Returns AWS's name.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$action => stringify!($action),)*
                }
            }
        }
    };
}

actions! {
    AssociateCrossAccountReplica
    BatchGetSecretValue
    CancelRotateSecret
    CreateSecret
    DeleteResourcePolicy
    DeleteSecret
    DescribeSecret
    DisassociateCrossAccountReplica
    GetRandomPassword
    GetResourcePolicy
    GetSecretValue
    ListResourcePolicies
    ListSecretVersionIds
    ListSecrets
    PutResourcePolicy
    PutSecretValue
    RemoveRegionsFromReplication
    ReplicateSecretToRegions
    RestoreSecret
    RotateSecret
    StopReplicationToReplica
    TagResource
    UntagResource
    UpdateSecret
    UpdateSecretVersionStage
    ValidateResourcePolicy
}
