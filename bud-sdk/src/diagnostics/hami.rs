//! What HAMi, which shares GPUs among pods, says of a node in its annotations.

use serde::Deserialize;

use super::slim::Annotations;
use crate::types::Timestamp;

/// So long may a question of HAMi's scheduler wait for its device plugin.
const PATIENCE: i64 = 60;

/// The cards of a node.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Cards {
    pub(super) count: u32,
    pub(super) unhealthy: u32,
    pub(super) product: Option<String>,
}

#[derive(Deserialize)]
struct Card {
    /// What is false is left out.
    #[serde(default)]
    health: bool,
    #[serde(default, rename = "type")]
    kind: String,
}

/// The cards that HAMi's device plugin has registered, if it has.
pub(super) fn cards(annotations: &Annotations) -> Option<Cards> {
    let text = annotations.get("hami.io/node-nvidia-register")?;
    let cards: Vec<Card> = match serde_json::from_str(text) {
        Ok(cards) => cards,
        // Older versions: id, shares, memory, cores, type, numa, health; a colon behind each.
        Err(_) => text.split(':').filter_map(older).collect(),
    };
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let product = cards.first().map(|card| card.kind.clone()).filter(|kind| !kind.is_empty());
    let unhealthy = cards.iter().filter(|card| !card.health).count();
    Some(Cards { count: number(cards.len()), unhealthy: number(unhealthy), product })
}

fn older(entry: &str) -> Option<Card> {
    let cells: Vec<&str> = entry.split(',').collect();
    let (kind, health) = (cells.get(4)?, cells.get(6)?);
    Some(Card { health: *health == "true", kind: (*kind).to_owned() })
}

/// Whether HAMi's device plugin answers its scheduler, if HAMi is there. Newer plugins leave questions open; as long as the
/// kubelet still has their devices, that is no silence.
pub(super) fn answers(annotations: &Annotations, allocatable: bool, now: Timestamp) -> Option<bool> {
    let (word, time) = annotations.get("hami.io/node-handshake")?.split_once('_')?;
    match word {
        "Deleted" => Some(false),
        "Requesting" => {
            // Without a zone, and in older versions with other marks between its parts.
            let asked: Timestamp =
                format!("{}Z", time.replace('.', "-").replacen(' ', "T", 1)).parse().ok()?;
            Some(allocatable || now.as_seconds() - asked.as_seconds() <= PATIENCE)
        }
        _ => Some(true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn annotations(name: &str, value: &str) -> Annotations {
        serde_json::from_value(json!({ name: value })).unwrap()
    }

    #[test]
    fn cards_are_read_in_both_forms() {
        let of = |text: &str| cards(&annotations("hami.io/node-nvidia-register", text));
        let told = |count, unhealthy, product: &str| {
            Some(Cards { count, unhealthy, product: Some(product.to_owned()) })
        };
        let newer = r#"[{"id":"GPU-1","count":10,"devmem":32768,"devcore":100,"type":"NVIDIA-Tesla V100","health":true},
            {"id":"GPU-2","index":1,"count":10,"devmem":32768,"devcore":100,"type":"NVIDIA-Tesla V100","numa":1}]"#;
        assert_eq!(of(newer), told(2, 1, "NVIDIA-Tesla V100"));
        let older = "GPU-1,10,32768,100,NVIDIA-A100,0,true:GPU-2,10,32768,100,NVIDIA-A100,1,false:GPU-3,10,32768,100,NVIDIA-A100,1,true:";
        assert_eq!(of(older), told(3, 1, "NVIDIA-A100"));
        assert_eq!(of(""), Some(Cards::default()));
        assert_eq!(cards(&annotations("hami.io/other", "x")), None);
    }

    #[test]
    fn a_plugin_is_silent_when_a_question_waits_and_its_devices_are_gone() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let of =
            |text: &str, allocatable| answers(&annotations("hami.io/node-handshake", text), allocatable, now);
        assert_eq!(of("Requesting_2026-01-01 00:08:00", false), Some(false));
        assert_eq!(of("Requesting_2026.01.01 00:08:00", false), Some(false));
        assert_eq!(of("Requesting_2026-01-01 00:08:00", true), Some(true));
        assert_eq!(of("Requesting_2026-01-01 00:09:30", false), Some(true));
        assert_eq!(of("Reported_2025-01-01 00:00:00", false), Some(true));
        assert_eq!(of("Deleted_2026-01-01 00:08:00", true), Some(false));
        assert_eq!(of("nothing", true), None);
    }
}
