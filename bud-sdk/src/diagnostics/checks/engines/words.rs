//! What the last words of an engine mean.

struct Words {
    /// All of them are in the line, in small letters.
    all: &'static [&'static str],
    what: &'static str,
    remedy: &'static str,
}

const fn words(all: &'static [&'static str], what: &'static str, remedy: &'static str) -> Words {
    Words { all, what, remedy }
}

const NO_MEMORY: (&str, &str) = (
    "the GPU has too little memory",
    "Lower --gpu-memory-utilization or --max-model-len, spread the model over more GPUs (--tensor-parallel-size), take a quantized model, or see who else uses the GPU.",
);
const NO_CACHE: (&str, &str) = (
    "no GPU memory is left for the cache",
    "Raise --gpu-memory-utilization, lower --max-model-len, or spread the model over more GPUs.",
);
const TOO_LONG: (&str, &str) = (
    "the context is longer than the model or the cache allows",
    "Lower --max-model-len to what the message names, or give the model more GPU memory.",
);
const NCCL: (&str, &str) = (
    "the GPUs do not reach each other (NCCL)",
    "Look at the links between the GPUs and nodes, at /dev/shm (an emptyDir of medium Memory), and at the interface (NCCL_SOCKET_IFNAME); NCCL_DEBUG=INFO tells more.",
);
const REFUSED: (&str, &str) = (
    "the model may not be downloaded",
    "Accept the model's licence on Hugging Face, and give the deployment a token that may read it.",
);
const DISK: (&str, &str) =
    ("the disk is full", "Give the volume of the model's cache more room, or clear it.");
const PORT: (&str, &str) = (
    "the port is in use",
    "Two servers want one port: mend the port of one, or see whether an older process still runs on the host's network.",
);
const CUDA: (&str, &str) = (
    "CUDA failed",
    "Look for Xid errors on the node (`dmesg`) and whether the driver fits the image's CUDA; drain the node if it comes again.",
);

/// The first that fits says most.
const KNOWN: &[Words] = &[
    words(&["cuda out of memory"], NO_MEMORY.0, NO_MEMORY.1),
    words(&["outofmemoryerror", "cuda"], NO_MEMORY.0, NO_MEMORY.1),
    words(&["cuda error: out of memory"], NO_MEMORY.0, NO_MEMORY.1),
    words(&["no available memory for the cache blocks"], NO_CACHE.0, NO_CACHE.1),
    words(&["max seq len"], TOO_LONG.0, TOO_LONG.1),
    words(&["max_model_len", "greater than the derived"], TOO_LONG.0, TOO_LONG.1),
    words(&["nccl error"], NCCL.0, NCCL.1),
    words(&["ncclsystemerror"], NCCL.0, NCCL.1),
    words(&["ncclunhandledcudaerror"], NCCL.0, NCCL.1),
    words(&["gatedrepoerror"], REFUSED.0, REFUSED.1),
    words(&["gated repo"], REFUSED.0, REFUSED.1),
    words(&["401 client error", "huggingface"], REFUSED.0, REFUSED.1),
    words(&["403 client error", "huggingface"], REFUSED.0, REFUSED.1),
    words(&["401 unauthorized", "huggingface"], REFUSED.0, REFUSED.1),
    words(&["403 forbidden", "huggingface"], REFUSED.0, REFUSED.1),
    words(&["no space left on device"], DISK.0, DISK.1),
    words(&["disk quota exceeded"], DISK.0, DISK.1),
    words(&["address already in use"], PORT.0, PORT.1),
    words(&["cuda error"], CUDA.0, CUDA.1),
    words(&["no cuda gpus are available"], CUDA.0, CUDA.1),
    words(&["cuda driver version is insufficient"], CUDA.0, CUDA.1),
];

/// What the last lines of an engine's log say is wrong, and what to do.
pub(in crate::diagnostics) fn by_log(lines: &[String]) -> Option<(&'static str, &'static str)> {
    let lines: Vec<String> = lines.iter().map(|line| line.to_ascii_lowercase()).collect();
    // Hugging Face's answer and its address may be on two lines.
    let fits = |known: &&Words| {
        let on_one = |line: &String| known.all.iter().all(|word| line.contains(word));
        let on_two =
            |pair: &[String]| known.all.iter().all(|word| pair.iter().any(|line| line.contains(word)));
        lines.iter().any(on_one) || known.all.len() > 1 && lines.windows(2).any(on_two)
    };
    KNOWN.iter().find(fits).map(|known| (known.what, known.remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_engines_have_meanings() {
        let what = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            by_log(&lines).map(|(what, remedy)| {
                assert!(!remedy.is_empty());
                what
            })
        };
        for (line, expected) in [
            ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", NO_MEMORY.0),
            ("RuntimeError: CUDA error: out of memory", NO_MEMORY.0),
            (
                "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`",
                NO_CACHE.0,
            ),
            (
                "ValueError: The model's max seq len (131072) is larger than the maximum number of tokens that can be stored in KV cache (40000).",
                TOO_LONG.0,
            ),
            (
                "ValueError: User-specified max_model_len (9000) is greater than the derived max_model_len",
                TOO_LONG.0,
            ),
            (
                "RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)",
                NCCL.0,
            ),
            ("RuntimeError: CUDA error: an illegal memory access was encountered", CUDA.0),
            (
                "401 Client Error: Unauthorized for url: https://huggingface.co/meta-llama/x/resolve/main/config.json",
                REFUSED.0,
            ),
            (
                "requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: https://huggingface.co/x",
                REFUSED.0,
            ),
            ("huggingface_hub.errors.GatedRepoError: 401", REFUSED.0),
            ("OSError: You are trying to access a gated repo.", REFUSED.0),
            ("OSError: [Errno 28] No space left on device", DISK.0),
            ("OSError: [Errno 98] Address already in use", PORT.0),
        ] {
            assert_eq!(what(&["INFO loading", line, "Traceback"]), Some(expected), "{line}");
        }
        let two = ["401 Client Error: Unauthorized", "for url https://huggingface.co/x"];
        assert_eq!(what(&two), Some(REFUSED.0));
        // The reason, not what follows from it.
        assert_eq!(what(&["RuntimeError: CUDA error: x", "CUDA out of memory"]), Some(NO_MEMORY.0));
    }

    #[test]
    fn other_words_mean_nothing() {
        for line in [
            "",
            "INFO: Application startup complete.",
            "GET /v1/models 401 Unauthorized",
            "INFO NCCL version 2.21.5+cuda12.4",
            "INFO max_model_len=8192",
            "INFO memory profiling: 70 GiB of GPU memory",
        ] {
            assert_eq!(by_log(&[line.to_owned()]), None, "{line}");
        }
        assert_eq!(by_log(&[]), None);
    }
}
