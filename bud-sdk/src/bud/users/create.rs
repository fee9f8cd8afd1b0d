//! Creating a user.

use serde_json::{Value, json};

use super::password::{check_new_password, generate_password};
use super::role::Wanted;
use super::{Role, User};
use crate::bud::Client;
use crate::bud::Flavor;
use crate::bud::login::check_email;
use crate::bud::{Scope, Scopes, check_name};
use crate::error::{Error, Result};
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};
use crate::schema::open_enum;
use crate::types::{Secret, Warning};

/// A user to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    email: String,
    first_name: String,
    last_name: String,
    role: Role,
    password: Option<Secret>,
    user_type: Option<UserType>,
    scopes: Scopes,
    company: Option<String>,
    purpose: Option<String>,
}

impl NewUser {
    /// A user with everything that the API asks for.
    pub fn new(
        email: impl Into<String>,
        first_name: impl Into<String>,
        last_name: impl Into<String>,
        role: Role,
    ) -> Self {
        Self {
            email: email.into(),
            first_name: first_name.into(),
            last_name: last_name.into(),
            role,
            password: None,
            user_type: None,
            scopes: Scopes::new(),
            company: None,
            purpose: None,
        }
    }
    /// His first password, from 8 to 100 characters with a digit, a lower and an upper case letter and a special character.
    /// Runtime only; without it a strong one is made.
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }
    /// Whether he works with the administrators' or the clients' applications. Runtime only; a client unless said otherwise.
    /// At the user's first sign-in the platform derives it again from his role, so that `Admin` lasts only for administrators.
    pub fn user_type(mut self, user_type: UserType) -> Self {
        self.user_type = Some(user_type);
        self
    }
    /// Gives him a right on the whole platform. Runtime only.
    pub fn allow(mut self, scope: Scope) -> Self {
        self.scopes = self.scopes.allow(scope);
        self
    }
    /// His company. Runtime only.
    pub fn company(mut self, company: impl Into<String>) -> Self {
        self.company = Some(company.into());
        self
    }
    /// What he uses the platform for. Runtime only.
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = Some(purpose.into());
        self
    }

    /// What was said that only the platform as shipped can be told.
    fn beyond_the_guide(&self) -> Option<&'static str> {
        [
            ("password", self.password.is_some()),
            ("user_type", self.user_type.is_some()),
            ("allow", !self.scopes.is_empty()),
            ("company", self.company.is_some()),
            ("purpose", self.purpose.is_some()),
        ]
        .into_iter()
        .find_map(|(param, given)| given.then_some(param))
    }
}

open_enum! {
    /// Which of the platform's applications a user works with.
    UserType {
        /// The administrators'.
        Admin = "admin",
        /// The clients'.
        Client = "client",
    }
}

/// A user as created.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Created {
    /// The user.
    pub user: User,
    /// The password that was made for him, where the API wants one at once. It is shown here and nowhere else.
    pub one_time_password: Option<Secret>,
}

/// What a run against the platform with a real Keycloak showed, also for a user without any permission of their own.
const CLIENTS_MANAGE: &str = "the platform gives a new client user the global permissions project:view and project:manage: \
    they can read, edit and scale the endpoints of every project; take them away with permissions.set_global";

/// `users.create`
#[derive(Debug, Clone)]
pub struct CreateUser {
    user: NewUser,
    role: Wanted,
    /// For an API that wants one at once.
    generated: Option<Secret>,
}

impl CreateUser {
    pub(super) fn new(client: &Client, user: NewUser) -> Self {
        Self { role: Wanted::new(client, user.role.clone()), user, generated: generate_password() }
    }
    fn password(&self) -> Result<&Secret> {
        let password = self.user.password.as_ref().or(self.generated.as_ref());
        password.ok_or_else(|| Error::invalid("password", "none could be made on this machine: give one"))
    }
}

impl Describe for CreateUser {
    type Flavor = Flavor;
    const ID: &'static str = "users.create";
    const SECTIONS: &'static [&'static str] = &["3.1"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::post("/users"),
        Route::post("/users/")
            .limitation(
                "a password is needed at once: one is made unless given, and returned once; a client user gets the global \
                 permissions project:view and project:manage",
            ),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let user = &self.user;
        check_email(&user.email)?;
        check_name("first_name", &user.first_name)?;
        check_name("last_name", &user.last_name)?;
        let role = self.role.wire(flavor)?;
        if flavor == Flavor::Guide {
            if let Some(param) = user.beyond_the_guide() {
                return Err(Error::invalid(param, "the `guide` API cannot be told this of a user"));
            }
            return Parts::new().json(&json!({
                "email": user.email,
                "first_name": user.first_name,
                "last_name": user.last_name,
                "role": role,
            }));
        }
        let name = format!("{} {}", user.first_name, user.last_name);
        if name.chars().count() > 100 {
            return Err(Error::invalid("last_name", "the whole name is longer than 100 characters"));
        }
        let password = self.password()?;
        check_new_password("password", password)?;
        let mut body = json!({
            "name": name,
            "email": user.email,
            "password": password.expose(),
            "role": role,
            "user_type": user.user_type.as_ref().unwrap_or(&UserType::Client).as_str(),
        });
        let given = [
            ("permissions", (!user.scopes.is_empty()).then(|| user.scopes.to_json())),
            ("company", user.company.as_deref().map(Value::from)),
            ("purpose", user.purpose.as_deref().map(Value::from)),
        ];
        // Left out rather than null.
        if let Value::Object(body) = &mut body {
            let given = given.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?)));
            body.extend(given);
        }
        Ok(Parts::new().json(&body)?.secret(password))
    }
}

impl Operation for CreateUser {
    type Output = Created;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Created>> {
        let made = flavor == Flavor::Runtime && self.user.password.is_none();
        let one_time_password = self.generated.clone().filter(|_| made);
        let created = Created { user: raw.object("user")?, one_time_password };
        let client = self.user.user_type.as_ref().unwrap_or(&UserType::Client) == &UserType::Client;
        Ok(if flavor == Flavor::Runtime && client {
            Reply::Warned(created, vec![Warning::new(Warning::LIMITATION, CLIENTS_MANAGE)])
        } else {
            Reply::Done(created)
        })
    }
}
