//! What HAMi, which shares GPUs among pods, says of a node in its annotations.

use serde::Deserialize;

use crate::types::Timestamp;

pub(crate) const REGISTER: &str = "hami.io/node-nvidia-register";
pub(crate) const HANDSHAKE: &str = "hami.io/node-handshake";

/// So long may a question of HAMi's scheduler wait for its device plugin.
const PATIENCE: i64 = 60;

/// A card of a node.
#[derive(Debug, Deserialize, PartialEq)]
pub(crate) struct Card {
    #[serde(default)]
    pub(crate) id: String,
    /// What is false is left out.
    #[serde(default)]
    pub(crate) health: bool,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
}

/// The cards that HAMi's device plugin has registered. What is no register has none.
pub(crate) fn cards(register: &str) -> Vec<Card> {
    // Older versions: id, shares, memory, cores, type, numa, health; a colon behind each.
    serde_json::from_str(register).unwrap_or_else(|_| register.split(':').filter_map(older).collect())
}

fn older(entry: &str) -> Option<Card> {
    let cells: Vec<&str> = entry.split(',').map(str::trim).collect();
    let (id, kind, health) = (cells.first()?, cells.get(4)?, cells.get(6)?);
    Some(Card { id: (*id).to_owned(), health: *health == "true", kind: (*kind).to_owned() })
}

/// What HAMi's scheduler and the device plugin of a node last wrote to each other.
#[derive(Debug, PartialEq)]
pub(crate) enum Handshake {
    /// The plugin answers.
    Answered,
    /// The scheduler has had no answer for too long.
    Silent(Timestamp),
    /// The scheduler has given up the node's cards.
    GivenUp(Option<Timestamp>),
}

/// Newer plugins leave questions open; as long as the kubelet still has their devices, that is no silence.
pub(crate) fn handshake(text: &str, allocatable: bool, now: Timestamp) -> Option<Handshake> {
    let (word, time) = text.split_once('_')?;
    // Without a zone, and in older versions with other marks between its parts.
    let at: Option<Timestamp> =
        format!("{}Z", time.trim().replace('.', "-").replacen(' ', "T", 1)).parse().ok();
    match word {
        "Deleted" => Some(Handshake::GivenUp(at)),
        "Requesting" => {
            let asked = at?;
            let silent = !allocatable && now.as_seconds() - asked.as_seconds() > PATIENCE;
            Some(if silent { Handshake::Silent(asked) } else { Handshake::Answered })
        }
        _ => Some(Handshake::Answered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_read_in_both_forms() {
        let told = |register: &str| -> Vec<(String, bool, String)> {
            cards(register).into_iter().map(|card| (card.id, card.health, card.kind)).collect()
        };
        let card = |id: &str, health, kind: &str| (id.to_owned(), health, kind.to_owned());
        let newer = r#"[{"id":"GPU-1","count":10,"devmem":32768,"devcore":100,"type":"NVIDIA-Tesla V100","health":true},
            {"id":"GPU-2","index":1,"count":10,"devmem":32768,"devcore":100,"type":"NVIDIA-Tesla V100","numa":1}]"#;
        assert_eq!(
            told(newer),
            [card("GPU-1", true, "NVIDIA-Tesla V100"), card("GPU-2", false, "NVIDIA-Tesla V100")]
        );
        let older = "GPU-1,10,32768,100,NVIDIA-A100,0,true:GPU-2,10,32768,100,NVIDIA-A100,1,false:";
        assert_eq!(told(older), [card("GPU-1", true, "NVIDIA-A100"), card("GPU-2", false, "NVIDIA-A100")]);
        for odd in ["", ":", "[", "{}", "[{\"id\": 3}]", "a,b", "false"] {
            assert!(told(odd).is_empty(), "{odd}");
        }
    }

    #[test]
    fn a_plugin_is_silent_when_a_question_waits_and_its_devices_are_gone() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let of = |text: &str, allocatable| handshake(text, allocatable, now);
        let silent = Some(Handshake::Silent(at("2026-01-01T00:08:00Z")));
        assert_eq!(of("Requesting_2026-01-01 00:08:00", false), silent);
        assert_eq!(of("Requesting_2026.01.01 00:08:00", false), silent);
        assert_eq!(of("Requesting_2026-01-01 00:08:00", true), Some(Handshake::Answered));
        assert_eq!(of("Requesting_2026-01-01 00:09:30", false), Some(Handshake::Answered));
        assert_eq!(of("Requesting_", false), None);
        assert_eq!(of("Reported_2025-01-01 00:00:00", false), Some(Handshake::Answered));
        assert_eq!(
            of("Deleted_2026-01-01 00:08:00", true),
            Some(Handshake::GivenUp(Some(at("2026-01-01T00:08:00Z"))))
        );
        assert_eq!(of("nothing", true), None);
    }
}
