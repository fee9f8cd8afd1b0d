//! `records!`: values that this SDK makes itself, written as lists of fields like those of `model!`. No server adds fields to
//! them.

/// Declares records.
macro_rules! records {
    (in $module:ident; $($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $fdoc:literal])* $field:ident: $type:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[doc = $fdoc])* pub $field: $type,)*
        }

        #[cfg(feature = "door")]
        impl $crate::types::Described for $name {
            const TYPE: $crate::types::Type = $crate::types::Type::Model(&$crate::types::Model {
                name: stringify!($name),
                docs: concat!($($doc, "\n"),*),
                fields: &[$($crate::types::ModelField {
                    name: stringify!($field),
                    ty: <$type as $crate::types::Described>::TYPE,
                    docs: concat!($($fdoc, "\n"),*),
                    wide: <$type as $crate::types::Described>::WIDE,
                },)*],
                module: stringify!($module),
                open: false,
            });
        }
    )*};
}
pub(crate) use records;
