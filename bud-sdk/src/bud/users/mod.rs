//! Users: who may sign in, and as what.

use serde_json::json;

mod create;
mod password;
mod role;

use super::check_name;
use crate::bud::Client;
use crate::bud::{Flavor, changed, paged};
use crate::call::{Call, List};
use crate::error::{Error, Result};
use crate::operation::{
    Describe, Filter, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes, from_slice,
};
use crate::schema::{model, open_enum};
use crate::types::{Timestamp, UserId, Wire};
pub use create::{CreateUser, Created, NewUser, UserType};
pub(crate) use password::check_new_password;
pub use role::Role;
use role::Wanted;

impl Client {
    /// Users: guide section 3 and 8.1.
    pub fn users(&self) -> Users {
        Users(self.clone())
    }
}

/// The users of the platform.
#[derive(Debug, Clone)]
pub struct Users(Client);

impl Users {
    /// Creates a user. Guide section 3.1: `POST /users`, where the server mails an invitation (guide); `POST /users/`, where
    /// the user needs a password at once (runtime). Without [`NewUser::password`] a strong one is made there and returned
    /// as `one_time_password`: pass it on, for nobody can read it again. Until the user has set his own he can do nothing else.
    ///
    /// Awaiting it returns a [`Created`](crate::users::Created).
    ///
    /// # Errors
    /// `InvalidArgument` for what is no e-mail address, an empty name, or a role that this API lacks. `Conflict` when the
    /// address is taken. It is sent once: after a failure with `maybe_applied`, look the user up first.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// use bud_sdk::users::{NewUser, Role};
    /// let made = bud.users().create(NewUser::new("newuser@example.com", "New", "User", Role::User)).await?;
    /// println!("{}", made.user.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, user: NewUser) -> Call<CreateUser> {
        self.0.call(CreateUser::new(&self.0, user))
    }

    /// Reads one user. `GET /users/{id}` on both flavors.
    ///
    /// Awaiting it returns a [`User`](crate::users::User).
    ///
    /// # Errors
    /// `NotFound`; on the platform as shipped an unknown user is answered 500 (`Server`).
    pub fn get(&self, id: impl Into<UserId>) -> Call<GetUser> {
        self.0.call(GetUser(id.into()))
    }

    /// Lists users. Guide section 8.1: `GET /users` (guide), `GET /users/` in order of creation (runtime).
    ///
    /// Yields [`User`](crate::users::User) items.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// for user in bud.users().list().search("miller").all().await? {
    ///     println!("{:?} {:?}", user.name, user.email);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<ListUsers> {
        self.0.list(ListUsers::default())
    }

    /// Changes a user's names. `PUT /users/{id}` (guide), `PATCH /users/{id}` (runtime, which has one name, so that both
    /// must be given).
    ///
    /// Awaiting it returns a [`User`](crate::users::User).
    ///
    /// # Errors
    /// `InvalidArgument` when nothing would change; `NotFound`.
    pub fn update(&self, id: impl Into<UserId>, update: UserUpdate) -> Call<UpdateUser> {
        self.0.call(UpdateUser(id.into(), update))
    }

    /// Gives a user another role. Guide section 3.2: `PUT /users/{id}` (guide), `PATCH /users/{id}` (runtime).
    ///
    /// Awaiting it returns a [`User`](crate::users::User).
    ///
    /// On the platform as shipped the user's next sign-in undoes it: roles are read again from Keycloak.
    ///
    /// # Errors
    /// `InvalidArgument` for a role that this API lacks, before any request; `NotFound`, `PermissionDenied`.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, user: bud_sdk::users::User) -> bud_sdk::Result<()> {
    /// bud.users().set_role(&user, bud_sdk::users::Role::ProjectAdmin).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_role(&self, id: impl Into<UserId>, role: Role) -> Call<SetRole> {
        self.0.call(SetRole(id.into(), Wanted::new(&self.0, role)))
    }

    /// Shuts a user out and keeps his history. No API key of his is deleted: the guide's API keeps them, and the platform as
    /// shipped refuses to shut out who has some, unless [`remove_credentials`](Call::remove_credentials) says to delete them.
    /// Guide section 3.3: `PUT /users/{id}` with status `INACTIVE` (guide), `DELETE /users/{id}` (runtime, which answers
    /// with no more than the fact: of the user only `id` and `status` are set). Nothing here keeps you from shutting out
    /// yourself or the last administrator; the server may.
    ///
    /// Awaiting it returns a [`User`](crate::users::User).
    ///
    /// # Errors
    /// `NotFound`, on the platform as shipped also for a user who is inactive already or has not accepted his invitation yet;
    /// `Conflict` there while he has API keys or endpoints; `PermissionDenied`.
    pub fn deactivate(&self, id: impl Into<UserId>) -> Call<DeactivateUser> {
        self.0.call(DeactivateUser { id: id.into(), remove_credentials: false })
    }

    /// Lets a deactivated user in again. Guide section 3.3: `PUT /users/{id}` with status `ACTIVE` (guide),
    /// `PATCH /users/{id}/reactivate` (runtime).
    ///
    /// Awaiting it returns a [`User`](crate::users::User).
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied`.
    pub fn reactivate(&self, id: impl Into<UserId>) -> Call<ReactivateUser> {
        self.0.call(ReactivateUser(id.into()))
    }
}

/// What to change about a user; what is not set stays. There is no password and no status here, on purpose.
#[derive(Debug, Clone, Default)]
pub struct UserUpdate {
    first_name: Option<String>,
    last_name: Option<String>,
}

impl UserUpdate {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Sets the first name.
    pub fn first_name(mut self, name: impl Into<String>) -> Self {
        self.first_name = Some(name.into());
        self
    }
    /// Sets the last name.
    pub fn last_name(mut self, name: impl Into<String>) -> Self {
        self.last_name = Some(name.into());
        self
    }
}

open_enum! {
    /// Whether a user may sign in.
    UserStatus {
        /// The user can sign in.
        Active = "ACTIVE",
        /// The user cannot sign in. Their history is kept.
        Inactive = "INACTIVE" | "deleted",
        /// The user is invited and has not signed in yet.
        Invited = "INVITED",
    }
}

model! {
    /// Someone with access to the platform.
    User {
        /// The id.
        pub id: UserId,
        /// The address that he signs in with.
        pub email: Option<String>,
        /// The first name (guide).
        pub first_name: Option<String>,
        /// The last name (guide).
        pub last_name: Option<String>,
        /// The whole name.
        pub name: Option<String>,
        /// What he may do.
        pub role: Option<Wire<Role>>,
        /// Whether he may sign in.
        pub status: Option<Wire<UserStatus>>,
        /// Which of the platform's applications he works with (runtime).
        pub user_type: Option<Wire<UserType>>,
        /// The colour of his avatar (runtime).
        pub color: Option<String>,
        /// His company (runtime).
        pub company: Option<String>,
        /// What he uses the platform for (runtime).
        pub purpose: Option<String>,
        /// When he was created.
        pub created_at: Option<Timestamp>,
        /// When he was last changed.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

impl User {
    /// Whether the user has this status; `None` if the server does not say.
    fn is(&self, status: &UserStatus) -> Option<bool> {
        Some(self.status.as_deref()? == status)
    }

    /// Whether the user is one that a search for `text` means, in whatever case.
    fn is_found_by(&self, text: &str) -> Option<bool> {
        let text = text.to_lowercase();
        let whole = self
            .first_name
            .as_ref()
            .zip(self.last_name.as_ref())
            .map(|(first, last)| format!("{first} {last}"));
        let texts = [&self.name, &self.email, &self.first_name, &self.last_name, &whole];
        let found = texts.into_iter().flatten().map(|shown| shown.to_lowercase().contains(&text));
        found.reduce(|any, one| any || one)
    }
}

impl From<&User> for UserId {
    fn from(user: &User) -> Self {
        user.id.clone()
    }
}

const ONE: Route = Route::get("/users/{id}");
const CHANGE: Route = Route::put("/users/{id}").shown_by_a_read();

fn one(id: &UserId) -> Result<Parts> {
    Parts::new().segment("id", id.as_str())
}

/// `users.get`
#[derive(Debug, Clone)]
pub struct GetUser(UserId);

impl Describe for GetUser {
    type Flavor = Flavor;
    const ID: &'static str = "users.get";
    const SECTIONS: &'static [&'static str] = &["8.1"];
    const ROUTES: Routes<Flavor> = Routes::both(ONE, ONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for GetUser {
    type Output = User;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<User>> {
        raw.object("user").map(Reply::Done)
    }
}

/// `users.list`
#[derive(Debug, Clone, Default)]
pub struct ListUsers {
    page: u32,
    limit: u32,
    role: Option<Role>,
    status: Option<UserStatus>,
    search: Option<String>,
}

impl List<ListUsers> {
    /// Only users with this role.
    pub fn role(mut self, role: Role) -> Self {
        self.operation_mut().role = Some(role);
        self
    }
    /// Only users with this status.
    pub fn status(mut self, status: UserStatus) -> Self {
        self.operation_mut().status = Some(status);
        self
    }
    /// Only users whose name or e-mail address contains this text. On the platform as shipped it cannot be combined with
    /// [`role`](Self::role) and [`status`](Self::status), which would then widen the search.
    pub fn search(mut self, text: impl Into<String>) -> Self {
        self.operation_mut().search = Some(text.into());
        self
    }
}

impl Describe for ListUsers {
    type Flavor = Flavor;
    const ID: &'static str = "users.list";
    const SECTIONS: &'static [&'static str] = &["8.1"];
    const ROUTES: Routes<Flavor> = Routes::both(Route::get("/users"), Route::get("/users/"));
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let role = self.role.as_ref().map(|role| role.wire(flavor)).transpose()?;
        let status = self.status.as_ref().map(|status| match (flavor, status) {
            (Flavor::Runtime, UserStatus::Inactive) => "deleted".to_owned(),
            (Flavor::Runtime, status) => status.as_str().to_ascii_lowercase(),
            (Flavor::Guide, status) => status.as_str().to_owned(),
        });
        let filtered = role.is_some() || status.is_some();
        let parts = paged(flavor, self.page, self.limit).query_opt("role", role).query_opt("status", status);
        match (flavor, &self.search) {
            (_, None) => Ok(parts),
            (Flavor::Guide, Some(text)) => Ok(parts.query("search", text)),
            (Flavor::Runtime, Some(_)) if filtered => Err(Error::invalid(
                "search",
                "the `runtime` API cannot search among some roles or statuses only",
            )),
            // Its switch turns filters into substrings of which any may match.
            (Flavor::Runtime, Some(text)) => {
                Ok(parts.query("search", true).query("name", text).query("email", text))
            }
        }
    }
}

impl Operation for ListUsers {
    type Output = Page<User>;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Page<User>>> {
        let role = self.role.as_ref().map(|role| role.wire(flavor).map(Role::from)).transpose()?;
        let page = raw.page::<User>("users")?;
        Ok(Reply::Done(
            page.filtered("role", role.as_ref(), |user, role| Some(user.role.as_deref()? == role))
                .filtered("status", self.status.as_ref(), User::is)
                .filtered("name", self.search.as_ref(), |user, text: &String| user.is_found_by(text)),
        ))
    }
}

impl Paged for ListUsers {
    type Item = User;
    const FILTERS: &'static [Filter<Flavor>] =
        &[Filter::rows("role"), Filter::rows("status"), Filter::rows("search")];
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(user: &User) -> &str {
        user.id.as_str()
    }
}

/// `users.update`
#[derive(Debug, Clone)]
pub struct UpdateUser(UserId, UserUpdate);

impl Describe for UpdateUser {
    type Flavor = Flavor;
    const ID: &'static str = "users.update";
    const SECTIONS: &'static [&'static str] = &["3.2"];
    const ROUTES: Routes<Flavor> = Routes::both(CHANGE, Route::patch("/users/{id}").shown_by_a_read());
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let mut body = serde_json::Map::new();
        for (field, name) in [("first_name", &self.1.first_name), ("last_name", &self.1.last_name)] {
            if let Some(name) = name {
                check_name(field, name)?;
                body.insert(field.to_owned(), name.as_str().into());
            }
        }
        if body.is_empty() {
            return Err(Error::invalid("update", "it changes nothing"));
        }
        match (flavor, &self.1.first_name, &self.1.last_name) {
            (Flavor::Guide, ..) => one(&self.0)?.json(&body),
            (Flavor::Runtime, Some(first), Some(last)) => {
                one(&self.0)?.json(&json!({ "name": format!("{first} {last}") }))
            }
            (Flavor::Runtime, ..) => {
                Err(Error::invalid("update", "the `runtime` API has one name: give the first and the last"))
            }
        }
    }
}

impl Operation for UpdateUser {
    type Output = User;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<User>> {
        let UserUpdate { first_name, last_name } = self.1.clone();
        changed(raw, "user", ONE, one(&self.0)?, move |user: &User| {
            let whole =
                first_name.as_ref().zip(last_name.as_ref()).map(|(first, last)| format!("{first} {last}"));
            shows([(&first_name, &user.first_name), (&last_name, &user.last_name), (&whole, &user.name)])
        })
    }
}

/// Whether texts that were set are shown: `None` where none of them is. One that was emptied may be shown as nothing.
pub(crate) fn shows<const N: usize>(texts: [(&Option<String>, &Option<String>); N]) -> Option<bool> {
    let same =
        texts.into_iter().filter_map(|(set, shown)| match (set.as_deref()?.trim(), shown.as_deref()) {
            (set, Some(shown)) => Some(set == shown.trim()),
            (set, None) => set.is_empty().then_some(true),
        });
    same.reduce(|all, one| all && one)
}

/// `users.set_role`
#[derive(Debug, Clone)]
pub struct SetRole(UserId, Wanted);

impl Describe for SetRole {
    type Flavor = Flavor;
    const ID: &'static str = "users.set_role";
    const SECTIONS: &'static [&'static str] = &["3.2"];
    const ROUTES: Routes<Flavor> = Routes::both(
        CHANGE,
        Route::patch("/users/{id}")
            .shown_by_a_read()
            .limitation("the user's next sign-in undoes it: roles are read again from Keycloak"),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        one(&self.0)?.json(&json!({ "role": self.1.wire(flavor)? }))
    }
}

impl Operation for SetRole {
    type Output = User;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<User>> {
        let role = Role::from(self.1.wire(flavor)?);
        changed(raw, "user", ONE, one(&self.0)?, move |user: &User| Some(user.role.as_deref()? == &role))
    }
}

/// `users.deactivate`
#[derive(Debug, Clone)]
pub struct DeactivateUser {
    id: UserId,
    remove_credentials: bool,
}

impl Call<DeactivateUser> {
    /// Also deletes his API keys, for good. Runtime only: on the guide's API it is refused, for keys outlive their users there.
    pub fn remove_credentials(mut self) -> Self {
        self.operation_mut().remove_credentials = true;
        self
    }
}

impl Describe for DeactivateUser {
    type Flavor = Flavor;
    const ID: &'static str = "users.deactivate";
    const SECTIONS: &'static [&'static str] = &["3.3"];
    const ROUTES: Routes<Flavor> = Routes::both(
        CHANGE,
        Route::delete("/users/{id}").accepted().limitation(
            "refused while he has API keys, unless they are to be deleted; the answer has only id and status; a user who \
             has not accepted his invitation is not found",
        ),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let parts = one(&self.id)?;
        match flavor {
            Flavor::Guide if self.remove_credentials => Err(keys_stay("remove_credentials")),
            Flavor::Guide => parts.json(&json!({ "status": "INACTIVE" })),
            // Left out, the server takes it as yes.
            Flavor::Runtime => Ok(parts.query("remove_credential", self.remove_credentials)),
        }
    }
    fn explain(&self, error: Error) -> Error {
        if !error.is_not_found() {
            return error;
        }
        error.with_hint("are they inactive already, or were they only invited so far?")
    }
}

impl Operation for DeactivateUser {
    type Output = User;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<User>> {
        if flavor == Flavor::Guide {
            return changed(raw, "user", ONE, one(&self.id)?, |user: &User| user.is(&UserStatus::Inactive));
        }
        raw.acknowledged(flavor)?;
        // Without a body the server has said nothing of a state, and it does not show a user who is inactive.
        let known = match raw.is_nothing() && raw.status != 404 {
            true => json!({ "id": self.id }),
            false => json!({ "id": self.id, "status": "deleted" }),
        };
        from_slice(known.to_string().as_bytes()).map(Reply::Done)
    }
}

/// Refuses what the guide's API cannot be asked for.
pub(crate) fn keys_stay(param: &'static str) -> Error {
    Error::invalid(param, "the `guide` API keeps the keys: delete them with credentials.delete")
}

/// `users.reactivate`
#[derive(Debug, Clone)]
pub struct ReactivateUser(UserId);

impl Describe for ReactivateUser {
    type Flavor = Flavor;
    const ID: &'static str = "users.reactivate";
    const SECTIONS: &'static [&'static str] = &["3.3"];
    const ROUTES: Routes<Flavor> =
        Routes::both(CHANGE, Route::patch("/users/{id}/reactivate").done_on_repeat(&[404]).shown_by_a_read());
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        match flavor {
            Flavor::Guide => one(&self.0)?.json(&json!({ "status": "ACTIVE" })),
            Flavor::Runtime => one(&self.0),
        }
    }
}

impl Operation for ReactivateUser {
    type Output = User;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<User>> {
        changed(raw, "user", ONE, one(&self.0)?, |user: &User| Some(!user.is(&UserStatus::Inactive)?))
    }
}
