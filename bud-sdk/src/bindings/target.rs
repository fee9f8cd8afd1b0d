//! What calls are made on, and how it is made of options.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::error::Result;

/// A client of one backend.
pub(super) trait Handle: Any + fmt::Debug + Send + Sync {
    /// The address that it calls, if it has one before its first call.
    fn base_url(&self) -> Option<&str> {
        None
    }
}

/// What is called: a client of any backend. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Target(Arc<dyn Handle>);

impl Target {
    pub(super) fn new(client: impl Handle) -> Self {
        Self(Arc::new(client))
    }

    /// The address that it calls. A Kubernetes cluster has none: its kubeconfig is read by the first call.
    pub fn base_url(&self) -> Option<&str> {
        self.0.base_url()
    }

    /// What `work` makes of its client; `None` if that is one of another backend.
    pub(super) fn on<H: Handle, T>(&self, work: impl FnOnce(&H) -> T) -> Option<T> {
        let client: &dyn Any = &*self.0;
        client.downcast_ref().map(work)
    }
}

/// Options that were read, of which a client is made as often as one is needed: a process that was forked needs its own.
///
/// What is secret among them is kept as [`Secret`](crate::Secret), so that nothing shows it and its memory is wiped.
pub struct Connector(Box<dyn Fn() -> Result<Target> + Send + Sync>);

impl Connector {
    pub(super) fn new<H: Handle>(make: impl Fn() -> Result<H> + Send + Sync + 'static) -> Self {
        Self(Box::new(move || make().map(Target::new)))
    }

    /// Makes a client. Nothing is sent.
    ///
    /// # Errors
    /// Those of the backend's builder.
    pub fn connect(&self) -> Result<Target> {
        (self.0)()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}
