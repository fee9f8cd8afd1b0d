//! Why the scheduler finds no node for a pod, from its own words.

/// `0/N nodes are available: 2 Insufficient nvidia.com/gpu, 3 node(s) had untolerated taint(s) {k: v}. preemption: ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unschedulable {
    /// How many nodes there are.
    pub(super) nodes: u32,
    /// Each reason, with how many nodes it holds for, the most first.
    pub(super) reasons: Vec<(u32, String)>,
}

impl Unschedulable {
    /// `None` for words of another scheduler.
    pub(super) fn parse(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once("0/")?;
        let (nodes, rest) = rest.split_once(" nodes are available")?;
        let nodes = nodes.parse().ok()?;
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        // What preemption comes to repeats the same.
        let rest = rest.split(" preemption: ").next().unwrap_or(rest);
        let mut reasons = Vec::new();
        for sentence in sentences(rest) {
            for part in parts(sentence) {
                match part.split_once(' ') {
                    Some((count, reason))
                        if count.bytes().all(|b| b.is_ascii_digit()) && !count.is_empty() =>
                    {
                        reasons.push((count.parse().unwrap_or(u32::MAX), reason.to_owned()));
                    }
                    // One that holds for the pod, whatever the node.
                    _ => reasons.push((nodes, part.to_owned())),
                }
            }
        }
        reasons.sort_by(|one, other| other.cmp(one));
        Some(Self { nodes, reasons })
    }

    /// The resource that is short, if that is a reason.
    pub(super) fn short_of(&self) -> impl Iterator<Item = &str> {
        self.reasons.iter().filter_map(|(_, reason)| reason.strip_prefix("Insufficient "))
    }
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(". ")
        .map(|sentence| sentence.trim().trim_end_matches('.').trim())
        .filter(|sentence| !sentence.is_empty())
}

/// Reasons are set off by commas, and may have commas: a new one begins with a number.
fn parts(sentence: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in sentence.match_indices(", ") {
        let next = &sentence[at + 2..];
        let digits = next.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && next[digits..].starts_with(' ') {
            parts.push(&sentence[start..at]);
            start = at + 2;
        }
    }
    parts.push(&sentence[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::Unschedulable;

    fn reasons(message: &str) -> Vec<(u32, String)> {
        Unschedulable::parse(message).unwrap().reasons
    }

    #[test]
    fn each_reason_with_its_number_of_nodes() {
        let message = "0/7 nodes are available: 2 Insufficient nvidia.com/gpu, 3 node(s) had untolerated taint(s) {nvidia.com/gpu: present, a: b}, \
                       2 node(s) didn't match Pod's node affinity/selector. preemption: 0/7 nodes are available: 7 Preemption is not helpful for scheduling.";
        let told = |count: u32, reason: &str| (count, reason.to_owned());
        assert_eq!(
            reasons(message),
            [
                told(3, "node(s) had untolerated taint(s) {nvidia.com/gpu: present, a: b}"),
                told(2, "node(s) didn't match Pod's node affinity/selector"),
                told(2, "Insufficient nvidia.com/gpu"),
            ]
        );
        let found = Unschedulable::parse(message).unwrap();
        assert_eq!(found.short_of().collect::<Vec<_>>(), ["nvidia.com/gpu"]);
        assert_eq!(
            reasons(
                "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not helpful."
            ),
            [told(2, "pod has unbound immediate PersistentVolumeClaims"), told(2, "not helpful"),]
        );
        assert_eq!(reasons("0/0 nodes are available."), []);
        assert_eq!(Unschedulable::parse("CardInsufficientMemory: 3"), None);
    }
}
