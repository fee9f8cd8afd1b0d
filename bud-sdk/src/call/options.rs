//! The options of one call.

/// The setters of everything that is sent with options of its own, in a field `options`. `$what` may take so long.
macro_rules! call_options {
    ($what:literal) => {
        #[doc = concat!("The longest time that ", $what, " may take with all its attempts and waiting. Default: the client's.")]
        pub fn timeout(mut self, total: std::time::Duration) -> Self {
            self.options.total = Some(total);
            self
        }

        /// The longest time that one attempt may take. Default: the client's.
        pub fn attempt_timeout(mut self, attempt: std::time::Duration) -> Self {
            self.options.attempt = Some(attempt);
            self
        }

        /// How often it is tried, the first time included; 1 turns retries off. Default: the client's.
        pub fn attempts(mut self, attempts: u32) -> Self {
            self.options.attempts = Some(attempts);
            self
        }

        /// Sends a further header. Credentials, framing and idempotency keys are refused.
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.options.headers.push((name.into(), value.into()));
            self
        }

        /// All of them at once.
        #[cfg(feature = "bindings")]
        pub(crate) fn options(mut self, options: $crate::http::Options) -> Self {
            self.options = options;
            self
        }
    };
}
pub(super) use call_options;
