//! How a program finds AWS's endpoint for the vault, and credentials for it: by the variables that AWS's
//! SDKs read, whatever else the environment and the user's files say of AWS.

use std::ffi::{OsStr, OsString};

use crate::cli::agent;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::serving::{AccessKey, Handed, Serving};
use crate::cli::unlock::CommandContext;
use crate::http::container;

/// What becomes of variables: what they are set to, or nothing.
#[derive(Default)]
pub(crate) struct Changes(Vec<(&'static str, Option<OsString>)>);

impl Changes {
    /// Has these set.
    pub(crate) fn set_all(&mut self, variables: Vec<(&'static str, OsString)>) {
        self.0.extend(variables.into_iter().map(|(name, value)| (name, Some(value))));
    }

    /// Makes the changes. Of two of a variable, the later one counts.
    pub(crate) fn make(self, environment: &mut Vec<(OsString, OsString)>) {
        for (name, value) in self.0 {
            environment.retain(|(known, _)| known != name);
            environment.extend(value.map(|value| (name.into(), value)));
        }
    }

    fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.0.push((name, Some(value.into())));
    }
}

/// An endpoint, and what its client was given.
pub(crate) struct Found<'a> {
    pub(crate) serving: &'a Serving,
    pub(crate) handed: &'a Handed,
}

impl Found<'_> {
    /// Tells the program where the endpoint is, and with which credentials: as a container finds them, or
    /// in variables.
    pub(crate) fn tell(
        &self,
        changes: &mut Changes,
        keys_in_env: bool,
        context: &CommandContext<'_>,
    ) -> Result<(), Failure> {
        let key = self.handed.key.as_ref().ok_or_else(agent::unintelligible)?;
        let region = context.region().unwrap_or(&self.serving.region);
        changes.0.extend(UNSET.map(|name| (name, None)));
        for name in ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_STS"] {
            changes.set(name, &self.serving.endpoint);
        }
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            changes.set(name, region);
        }
        // The last is boto's, from before there was a boto3, which looks there still.
        for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"] {
            changes.set(name, "/dev/null");
        }
        changes.set("AWS_EC2_METADATA_DISABLED", "true");
        for name in ["NO_PROXY", "no_proxy"] {
            changes.set(name, without_proxy(name, context.environment));
        }
        self.tell_of_agent(changes);
        if keys_in_env {
            tell_key(key, changes);
        } else {
            let uri = format!("{}{}", self.serving.endpoint, container::PATH);
            changes.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri);
            changes.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", self.handed.token.expose());
        }
        Ok(())
    }

    /// Tells it as AWS's own agent of Secrets Manager is found, and its extension for Lambda.
    fn tell_of_agent(&self, changes: &mut Changes) {
        let port = self.serving.endpoint.rsplit(':').next().unwrap_or_default();
        changes.set("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port);
        changes.set("AWS_TOKEN", self.handed.token.expose());
        // Without a key beside it, no SDK takes it for credentials.
        changes.set("AWS_SESSION_TOKEN", self.handed.token.expose());
    }
}

fn tell_key(key: &AccessKey, changes: &mut Changes) {
    changes.set("AWS_ACCESS_KEY_ID", &key.id);
    changes.set("AWS_SECRET_ACCESS_KEY", key.secret.expose());
    changes.set("AWS_SESSION_TOKEN", key.session_token.expose());
}

/// Returns for which hosts no proxy is asked, with this machine among them.
fn without_proxy(name: &str, environment: &Environment) -> OsString {
    // Some programs read the one, others the other.
    let other = if name == "NO_PROXY" { "no_proxy" } else { "NO_PROXY" };
    let given = [name, other].into_iter().find_map(|name| environment.path(name));
    let mut hosts = given.map(|given| given.as_os_str().to_owned()).unwrap_or_default();
    if !hosts.is_empty() {
        hosts.push(OsStr::new(","));
    }
    hosts.push(OsStr::new("127.0.0.1,localhost"));
    hosts
}

/// What would have a program ask for other credentials, or elsewhere.
const UNSET: [&str; 24] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCOUNT_ID",
    // STS would be asked with signatures of another kind, SigV4A.
    "AWS_AUTH_SCHEME_PREFERENCE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_CREDENTIAL_PROFILES_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_SIGV4A_SIGNING_REGION_SET",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_changes_of_a_variable_the_later_one_counts() {
        let mut environment = vec![("A".into(), "1".into()), ("AWS_PROFILE".into(), "x".into())];
        let mut changes = Changes::default();
        changes.0.extend(UNSET.map(|name| (name, None)));
        changes.set("AWS_SESSION_TOKEN", "first");
        changes.set_all(vec![("AWS_SESSION_TOKEN", "second".into()), ("A", "2".into())]);
        changes.make(&mut environment);
        let expected = [("AWS_SESSION_TOKEN", "second"), ("A", "2")];
        assert_eq!(environment, expected.map(|(name, value)| (name.into(), value.into())));
    }

    /// Several SDKs ask a proxy for what is on this machine.
    #[test]
    fn no_proxy_is_asked_and_what_was_said_of_others_stays() {
        let own = "127.0.0.1,localhost";
        for (variables, upper, lower) in [
            (&[][..], own.to_owned(), own.to_owned()),
            (&[("NO_PROXY", "a")], format!("a,{own}"), format!("a,{own}")),
            (&[("NO_PROXY", "a"), ("no_proxy", "b")], format!("a,{own}"), format!("b,{own}")),
        ] {
            let environment = Environment::testing(variables);
            assert_eq!(without_proxy("NO_PROXY", &environment), *upper);
            assert_eq!(without_proxy("no_proxy", &environment), *lower);
        }
    }
}
