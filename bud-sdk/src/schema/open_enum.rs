//! `open_enum!`: an enumeration of which a server may know more values than this version.

/// Declares an open enumeration: each value with its canonical name and every spelling that means it, in any case.
macro_rules! open_enum {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $vdoc:literal])* $variant:ident = $canonical:literal $(| $alias:literal)*,)* }) => {
        $(#[doc = $doc])*
        ///
        /// An open enumeration: a value that this version does not know is kept in `Other`.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[doc = $vdoc])* $variant,)*
            /// A value that this version does not know, as it was spelled.
            Other(Box<str>),
        }

        impl $name {
            /// The canonical spelling, the same on every API.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $canonical,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl $crate::types::Known for $name {
            fn parse(text: &str) -> Self {
                $(if text.eq_ignore_ascii_case($canonical) $(|| text.eq_ignore_ascii_case($alias))* {
                    return Self::$variant;
                })*
                Self::Other(text.into())
            }
            fn spelled(&self) -> &str {
                self.as_str()
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $crate::types::Known::parse(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        #[cfg(feature = "bindings")]
        impl $crate::schema::Described for $name {
            const TYPE: $crate::schema::Type = $crate::schema::Type::Enum(&$crate::schema::Enumeration {
                name: stringify!($name),
                docs: concat!($($doc, "\n"),*),
                values: &[$($crate::schema::EnumValue {
                    name: $canonical,
                    aliases: &[$($alias),*],
                    docs: concat!($($vdoc, "\n"),*),
                },)*],
                module: module_path!(),
            });
        }
    };
}
pub(crate) use open_enum;
