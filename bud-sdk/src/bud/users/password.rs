//! First passwords: the rules of the platform, and one that keeps them.

use crate::error::{Error, Result};
use crate::types::Secret;

/// 64 characters, none of which is easily taken for another.
const ALPHABET: &[u8; 64] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!@#$%*?";
const LENGTH: usize = 20;

/// Refuses a password that the platform as shipped would.
pub(crate) fn check_new_password(param: &'static str, password: &Secret) -> Result<()> {
    let text = password.expose();
    let has = |test: fn(char) -> bool| text.chars().any(test);
    let why = if !(8..=100).contains(&text.chars().count()) {
        "it must have from 8 to 100 characters"
    } else if has(char::is_whitespace) {
        "it must have no white space"
    } else if !(has(|c| c.is_ascii_digit()) && has(char::is_uppercase) && has(char::is_lowercase)) {
        "it must have a digit, an upper and a lower case letter"
    } else if !has(|c| !c.is_alphanumeric()) {
        "it must have a special character"
    } else {
        return Ok(());
    };
    Err(Error::invalid(param, why))
}

/// A password of some 120 random bits that keeps the rules; `None` if this machine gives no random numbers.
pub(crate) fn generate_password() -> Option<Secret> {
    loop {
        let mut random = [0; LENGTH];
        getrandom::fill(&mut random).ok()?;
        let text = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 64)));
        let password = Secret::new(text.map(|c| char::from(*c)).collect::<String>());
        // Most do; drawing again keeps each of them equally likely.
        if check_new_password("password", &password).is_ok() {
            return Some(password);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn made_passwords_keep_the_rules_and_differ() {
        let made: HashSet<_> = (0..1000).map(|_| generate_password().unwrap().expose().to_owned()).collect();
        assert_eq!(made.len(), 1000);
        let used: HashSet<_> = made.iter().flat_map(|password| password.chars()).collect();
        assert_eq!(used.len(), 64, "the whole alphabet is in use");
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in ["", "Aa1!", "alllower1!", "ALLUPPER1!", "NoDigits!!", "NoSpecial11", "White space1!"] {
            let error = check_new_password("password", &Secret::from(weak)).unwrap_err();
            assert_eq!(error.param(), Some("password"), "{weak}");
            assert!(weak.is_empty() || !error.to_string().contains(weak));
        }
        assert!(check_new_password("password", &Secret::new("x".repeat(96) + "Aa1!")).is_ok());
        assert!(check_new_password("password", &Secret::new("x".repeat(97) + "Aa1!")).is_err());
    }
}
