//! Users.

use super::{Client, entries};
use crate::bindings::args::When;
use crate::bindings::results::CreatedUser;
use crate::bud::{NewUser, Role, Scope, User, UserStatus, UserType, UserUpdate};
use crate::types::{Secret, UserId};

entries! {
    on Client;

    /// Creates a user. Where the API needs a password at once, a strong one is made unless one is given, and returned as
    /// `one_time_password`: pass it on, for nobody can read it again. It is sent once: after a failure that may have been
    /// applied, look the user up first.
    call users.create(
        /// The address that he signs in with.
        email: String,
        /// His first name.
        first_name: String,
        /// His last name.
        last_name: String,
        /// What he may do. A role that the API lacks is refused before any request.
        role: Role,
        /// His first password. Runtime only.
        password: Option<Secret>,
        /// Which of the platform's applications he works with. Runtime only.
        user_type: Option<UserType>,
        /// Rights on the whole platform. Runtime only.
        allow: Option<Vec<Scope>>,
        /// His company. Runtime only.
        company: Option<String>,
        /// What he uses the platform for. Runtime only.
        purpose: Option<String>,
    ) -> CreatedUser = |bud| {
        let new = NewUser::new(email, first_name, last_name, role)
            .when(password, NewUser::password)
            .when(user_type, NewUser::user_type)
            .when(company, NewUser::company)
            .when(purpose, NewUser::purpose);
        bud.users().create(allow.into_iter().flatten().fold(new, NewUser::allow))
    };
    /// Reads one user.
    call users.get(
        /// The user.
        id: UserId,
    ) -> User = |bud| bud.users().get(id);
    /// Lists users.
    pages users.list(
        /// Only those with this role.
        role: Option<Role>,
        /// Only those in this state.
        status: Option<UserStatus>,
        /// Only those whose name or address contains this text.
        search: Option<String>,
    ) -> User = |bud| {
        let users = bud.users().list();
        let users = users.when(role, |users, role| users.role(role)).when(status, |users, status| users.status(status));
        users.when(search, |users, text| users.search(text))
    };
    /// Changes a user's names; what is not given stays. The platform as shipped has one name, so that both must be given.
    call users.update(
        /// The user.
        id: UserId,
        /// The first name.
        first_name: Option<String>,
        /// The last name.
        last_name: Option<String>,
    ) -> User = |bud| {
        let update = UserUpdate::new().when(first_name, UserUpdate::first_name).when(last_name, UserUpdate::last_name);
        bud.users().update(id, update)
    };
    /// Gives a user another role.
    call users.set_role(
        /// The user.
        id: UserId,
        /// The role. One that the API lacks is refused before any request.
        role: Role,
    ) -> User = |bud| bud.users().set_role(id, role);
    /// Shuts a user out and keeps his history. On the platform as shipped it is refused while he has API keys.
    call users.deactivate(
        /// The user.
        id: UserId,
        /// Also deletes his API keys, for good. Runtime only.
        remove_credentials: Option<bool>,
    ) -> User = |bud| {
        let call = bud.users().deactivate(id);
        call.when(remove_credentials.filter(|yes| *yes), |call, _| call.remove_credentials())
    };
    /// Lets a deactivated user in again.
    call users.reactivate(
        /// The user.
        id: UserId,
    ) -> User = |bud| bud.users().reactivate(id);
}
