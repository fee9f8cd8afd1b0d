//! Creates a user and changes their role. Guide sections 3.1 and 3.2. The roles are the guide API's; `support::connect` maps
//! them to those of the runtime API (`builder.role_map`).
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example create_user -- newuser@example.com New User
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, and needs no arguments.

mod support;

use bud_sdk::users::{NewUser, Role};

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let email =
        platform.argument(1, "the new user's e-mail address", |_| "newuser@example.com".to_owned())?;
    let first = platform.argument(2, "the first name", |_| "New".to_owned())?;
    let last = platform.argument(3, "the last name", |_| "User".to_owned())?;

    let made = platform.bud.users().create(NewUser::new(email, first, last, Role::User)).await;
    let user = match made {
        Ok(made) => made.user,
        Err(error) if error.is_conflict() => {
            println!("There is such a user already: {}", error.message());
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    println!("Created {} ({})", user.email.as_deref().unwrap_or("the user"), user.id);

    let user = platform.bud.users().set_role(&user, Role::ProjectAdmin).await?;
    println!("The role is now {}", user.role.as_deref().map_or("unknown", Role::as_str));
    Ok(())
}
