//! What errors show and decide.

use super::*;

#[test]
fn debug_is_one_line_and_alternate_debug_shows_each_cause() {
    #[derive(Debug)]
    struct Middle(std::io::Error);
    impl fmt::Display for Middle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the file is\nunreadable")
        }
    }
    impl StdError for Middle {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }
    let error = Error::config("no profile").with_source(Middle(std::io::Error::other("disk on fire")));
    assert_eq!(format!("{error:?}"), "no profile");
    assert_eq!(
        format!("{error:#?}"),
        "no profile\ncaused by: the file is unreadable\ncaused by: disk on fire"
    );
    assert_eq!(format!("{:#?}", Error::config("no profile")), "no profile");
}

#[test]
fn only_a_temporary_failure_that_is_safe_to_repeat_is_retryable() {
    for kind in [
        ErrorKind::Connect,
        ErrorKind::Timeout,
        ErrorKind::Interrupted,
        ErrorKind::RateLimited,
        ErrorKind::Server,
    ] {
        let error = Error::new(kind, "");
        assert!(error.is_retryable(), "{kind:?}");
        let applied = error.with_maybe_applied(true);
        assert!(!applied.is_retryable() && applied.is_transient(), "{kind:?}");
        assert!(applied.with_idempotent(true).is_retryable(), "{kind:?}");
    }
    for kind in [
        ErrorKind::InvalidArgument,
        ErrorKind::Tls,
        ErrorKind::PermissionDenied,
        ErrorKind::NotFound,
        ErrorKind::Decode,
        ErrorKind::PollTimeout,
        ErrorKind::Cancelled,
    ] {
        assert!(!Error::new(kind, "").with_idempotent(true).is_retryable(), "{kind:?}");
    }
    assert!(Error::new(ErrorKind::InvalidCredentials, "").with_outage().is_retryable());
    assert!(Error::new(ErrorKind::PermissionDenied, "").is_permission_denied());
}
