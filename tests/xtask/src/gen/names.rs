//! Names as each language spells them.

/// `first_name` as `firstName`.
pub fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| camel + &capital(word))
}

/// `first_name` as `FirstName`.
pub fn pascal(name: &str) -> String {
    name.split('_').map(capital).collect()
}

/// `users` as `user`.
pub fn singular(name: &str) -> &str {
    name.strip_suffix('s').unwrap_or(name)
}

/// `FirstName` as `first_name`.
pub fn snake(name: &str) -> String {
    let mut snake = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(char.to_ascii_lowercase());
    }
    snake
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::{camel, pascal, singular, snake};

    #[test]
    fn spells_names() {
        assert_eq!(camel("memory_gb"), "memoryGb");
        assert_eq!(camel("users.set_role"), "users.setRole");
        assert_eq!((pascal("set_role"), snake("SetRole")), ("SetRole".into(), "set_role".into()));
        assert_eq!((singular("users"), singular("audit")), ("user", "audit"));
    }
}
